package move

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// tally takes the digest of a table whose form is written to it: the sum of its rows'
// SHA-256, as numbers of 256 bits. So it does not depend on their order, which is
// another where text was altered.
type tally struct {
	rest  []byte // what is not a whole row yet
	begun bool
	ended bool
	rows  int64
	sum   [4]uint64
}

// Write takes the next part of the form. It refuses what is none.
func (t *tally) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	at := 0
	if !t.begun {
		if len(t.rest) < len(head) {
			return len(p), nil
		}
		if string(t.rest[:len(head)]) != head {
			return 0, errForm
		}
		t.begun, at = true, len(head)
	}
	for {
		size, err := t.row(t.rest[at:])
		if err != nil {
			return 0, err
		}
		if size == 0 {
			break
		}
		at += size
	}
	t.rest = append(t.rest[:0], t.rest[at:]...)
	return len(p), nil
}

// row takes the row at the beginning of p and returns its size, 0 where it is not whole.
func (t *tally) row(p []byte) (int, error) {
	switch {
	case t.ended && len(p) > 0:
		return 0, fmt.Errorf("more after the end: %w", errForm)
	case len(p) < 2:
		return 0, nil
	case string(p[:2]) == tail:
		t.ended = true
		return 2, nil
	}
	at := 2
	for range binary.BigEndian.Uint16(p) {
		if len(p) < at+4 {
			return 0, nil
		}
		size := binary.BigEndian.Uint32(p[at:])
		if at += 4; size == 0xffffffff {
			continue
		}
		if size > maxField {
			return 0, fmt.Errorf("a value of %d bytes: %w", size, errForm)
		}
		if at += int(size); len(p) < at {
			return 0, nil
		}
	}
	t.add(sha256.Sum256(p[:at]))
	return at, nil
}

func (t *tally) add(sum [sha256.Size]byte) {
	t.rows++
	carry := uint64(0)
	for i := 3; i >= 0; i-- {
		t.sum[i], carry = bits.Add64(t.sum[i], binary.BigEndian.Uint64(sum[8*i:]), carry)
	}
}

// table returns what was written.
func (t *tally) table() (rows int64, sum [sha256.Size]byte, err error) {
	if !t.ended || len(t.rest) > 0 {
		return 0, sum, fmt.Errorf("it ends within a row: %w", errForm)
	}
	for i, part := range t.sum {
		binary.BigEndian.PutUint64(sum[8*i:], part)
	}
	return t.rows, sum, nil
}
