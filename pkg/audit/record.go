package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

var errHeader = errors.New("no audit(seconds.milliseconds:serial): header")

// header is what every record begins with.
type header struct {
	sec    int64
	milli  int64
	serial uint32
}

// parseHeader splits payload into its header and the text behind it.
func parseHeader(payload []byte) (header, []byte, error) {
	const lead = "audit("
	if len(payload) < len(lead) || string(payload[:len(lead)]) != lead {
		return header{}, nil, errHeader
	}
	rest := payload[len(lead):]
	sec, rest, ok1 := number(rest, '.')
	milli, rest, ok2 := number(rest, ':')
	serial, rest, ok3 := number(rest, ')')
	if !ok1 || !ok2 || !ok3 || milli > 999 || serial > 1<<32-1 || sec > 1<<40 {
		return header{}, nil, errHeader
	}
	if len(rest) == 0 || rest[0] != ':' {
		return header{}, nil, errHeader
	}
	rest = rest[1:]
	for len(rest) > 0 && (rest[len(rest)-1] == 0 || rest[len(rest)-1] == '\n') {
		rest = rest[:len(rest)-1]
	}
	if len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	return header{int64(sec), int64(milli), uint32(serial)}, rest, nil
}

// number reads the decimal before the byte end and returns what follows it.
func number(b []byte, end byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < 19:
			n = n*10 + uint64(c-'0')
		case c == end && i > 0:
			return n, b[i+1:], true
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// NextField splits the first key=value off a record's text and returns what follows.
// The value keeps its quotes, so that a quoted string can be told from hexadecimal.
// Words without "=" are skipped. ok is false at the end.
func NextField(b []byte) (key, value, rest []byte, ok bool) {
	from, i := 0, 0
	for i < len(b) && b[i] != '=' {
		if b[i] == ' ' {
			from = i + 1
		}
		i++
	}
	if i == len(b) {
		return nil, nil, nil, false
	}
	key, b = b[from:i], b[i+1:]
	end := -1
	if len(b) > 0 && b[0] == '"' {
		if q := bytes.IndexByte(b[1:], '"'); q >= 0 {
			end = q + 2
		}
	}
	if end < 0 {
		end = word(b)
		if string(key) == "ses" {
			end = session(b[:end])
		}
	}
	return key, b[:end], b[end:], true
}

// word returns how many bytes there are before the first blank.
func word(b []byte) int {
	// Most values are short: eight bytes are looked at at once. A byte that is a blank
	// becomes 0, and the lowest 0 borrows into its own highest bit first.
	const ones, highs, blanks = 0x0101010101010101, 0x8080808080808080, 0x2020202020202020
	n := 0
	for ; n+8 <= len(b) && n < 24; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:]) ^ blanks
		if zero := (x - ones) &^ x & highs; zero != 0 {
			return n + bits.TrailingZeros64(zero)/8
		}
	}
	if i := bytes.IndexByte(b[n:], ' '); i >= 0 {
		return n + i
	}
	return len(b)
}

// session returns how long the number is that b begins with, where the next field follows
// it without a space: of a watch that goes with its file the kernel writes ses=3op=….
func session(b []byte) int {
	for i, c := range b {
		if c == '=' {
			n := 0
			for n < i && b[n] >= '0' && b[n] <= '9' {
				n++
			}
			if n > 0 {
				return n
			}
			break
		}
	}
	return len(b)
}

// AppendText appends to dst the bytes that the kernel encoded in value: those within
// quotes, or those that it is the hexadecimal of; anything else as it stands. Only of a
// field that the kernel writes as text can this be told: 1000 is the hexadecimal of two
// bytes.
func AppendText(dst, value []byte) []byte {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return append(dst, value[1:len(value)-1]...)
	}
	if len(value)%2 != 0 {
		return append(dst, value...)
	}
	start := len(dst)
	for i := 0; i < len(value); i += 2 {
		hi, lo := unhex[value[i]], unhex[value[i+1]]
		if hi|lo > 15 {
			return append(dst[:start], value...)
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst
}

// unhex maps a digit to its value, and anything else to 0xff.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// null reports whether the kernel wrote that there is no value.
func null(value []byte) bool {
	return string(value) == "(null)" || string(value) == "(none)" || string(value) == "?"
}

func decimal(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<60 {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

func signed(b []byte) int64 {
	if len(b) > 0 && b[0] == '-' {
		return -int64(decimal(b[1:]))
	}
	return int64(decimal(b))
}

func octal(b []byte) uint32 {
	var n uint32
	for _, c := range b {
		if c < '0' || c > '7' || n > 1<<28 {
			return 0
		}
		n = n<<3 | uint32(c-'0')
	}
	return n
}

func hexadecimal(b []byte) uint64 {
	var n uint64
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		b = b[2:]
	}
	if len(b) > 16 {
		return 0
	}
	for _, c := range b {
		d := unhex[c]
		if d > 15 {
			return 0
		}
		n = n<<4 | uint64(d)
	}
	return n
}

// id reads a user, group or session number; the kernel writes the unset one as
// 4294967295 or as -1.
func id(b []byte) uint32 {
	if string(b) == "-1" || string(b) == "4294967295" {
		return Unset
	}
	n := decimal(b)
	if n > 1<<32-1 || len(b) == 0 {
		return Unset
	}
	return uint32(n)
}
