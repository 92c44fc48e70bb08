package zchunk

import (
	"bytes"
	"fmt"
	"io"
)

// Flags of a header.
const (
	flagOptional     = 1 << 1 // bit 0, more streams than one, is refused
	flagUncompressed = 1 << 2 // the index has a second checksum for each chunk
)

// header is what stands before the chunks, behind its checksum.
type header struct {
	rest     []byte
	checksum int // its size, of the overall kind
	err      error
}

// index are the chunks that are still to come.
type index struct {
	header
	sum        func(...[]byte) []byte
	compressed bool
	two        bool // a second checksum follows each
	chunks     uint64
}

// chunk is one entry of the index.
type chunk struct {
	checksum   []byte
	size, open uint64
}

// readHeader reads the lead and the header and compares the header's checksum.
func readHeader(r io.Reader) (*header, error) {
	lead := make([]byte, len(Magic), len(Magic)+2*maxNumber)
	if _, err := io.ReadFull(r, lead); err != nil {
		return nil, cut(err)
	}
	if string(lead) != Magic {
		return nil, fmt.Errorf("%w: no zchunk file", ErrDamaged)
	}
	var numbers [2]uint64
	for i := range numbers {
		var err error
		if lead, numbers[i], err = readNumber(r, lead); err != nil {
			return nil, err
		}
	}
	kind, size := numbers[0], numbers[1]
	if size > maxHeader {
		return nil, fmt.Errorf("%w: header of %d bytes", ErrDamaged, size)
	}
	digest, digestSize, err := sum(kind)
	if err != nil {
		return nil, err
	}
	body, err := fill(nil, r, digestSize+int(size))
	if err != nil {
		return nil, err
	}
	want, rest := body[:digestSize], body[digestSize:]
	if !bytes.Equal(digest(lead, rest), want) {
		return nil, fmt.Errorf("%w: header differs from its checksum", ErrDamaged)
	}
	return &header{rest: rest, checksum: digestSize}, nil
}

// readNumber reads one number from r and appends its bytes to lead.
func readNumber(r io.Reader, lead []byte) ([]byte, uint64, error) {
	from := len(lead)
	for len(lead) < from+maxNumber {
		lead = append(lead, 0)
		if _, err := io.ReadFull(r, lead[len(lead)-1:]); err != nil {
			return nil, 0, cut(err)
		}
		if lead[len(lead)-1]&0x80 != 0 {
			break
		}
	}
	h := header{rest: lead[from:]}
	n := h.number()
	return lead, n, h.err
}

// index reads the header as far as its index.
func (h *header) index() (index, error) {
	h.take(uint64(h.checksum)) // of all data
	flags, compression := h.number(), h.number()
	switch {
	case h.err != nil:
		return index{}, h.err
	case flags&^(flagOptional|flagUncompressed) != 0:
		return index{}, fmt.Errorf("%w: flags %#x", ErrUnsupported, flags)
	case compression != 0 && compression != 2:
		return index{}, fmt.Errorf("%w: compression %d", ErrUnsupported, compression)
	}
	if flags&flagOptional != 0 {
		for n := h.number(); n > 0 && h.err == nil; n-- {
			h.number()
			h.take(h.number())
		}
	}
	i := index{header: header{rest: h.take(h.number())}, compressed: compression == 2, two: flags&flagUncompressed != 0}
	kind := i.number()
	if i.chunks = i.number(); h.err != nil || i.err != nil {
		return index{}, fmt.Errorf("%w: index", ErrDamaged)
	}
	var err error
	i.sum, i.checksum, err = sum(kind)
	return i, err
}

// next takes the next chunk from the index, and returns io.EOF behind the last.
func (i *index) next() (chunk, error) {
	if i.chunks == 0 {
		if len(i.rest) > 0 {
			return chunk{}, fmt.Errorf("%w: index is longer than its chunks", ErrDamaged)
		}
		return chunk{}, io.EOF
	}
	i.chunks--
	c := chunk{checksum: i.take(uint64(i.checksum))}
	if i.two {
		i.take(uint64(i.checksum))
	}
	c.size, c.open = i.number(), i.number()
	return c, i.err
}

// take cuts n bytes off the front.
func (h *header) take(n uint64) []byte {
	if n > uint64(len(h.rest)) {
		h.err, h.rest = fmt.Errorf("%w: header is too short", ErrDamaged), nil
		return nil
	}
	b := h.rest[:n]
	h.rest = h.rest[n:]
	return b
}

// maxNumber is the most bytes that a number may have here: 35 bits.
const maxNumber = 5

// number cuts a number off the front.
func (h *header) number() (n uint64) {
	for i, b := range h.rest[:min(len(h.rest), maxNumber)] {
		n |= uint64(b&0x7f) << (7 * i)
		if b&0x80 != 0 {
			h.rest = h.rest[i+1:]
			return n
		}
	}
	h.err, h.rest = fmt.Errorf("%w: header is too short or a number too long", ErrDamaged), nil
	return 0
}
