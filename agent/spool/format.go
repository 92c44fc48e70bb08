package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

const (
	// MaxPayload is the longest payload of a record.
	MaxPayload = 64 << 10

	version      = 1
	segHeader    = 64
	recHeader    = 24
	recTrailer   = 4
	maxLane      = 12
	slotSize     = 32
	durableSize  = 2 * slotSize
	segSuffix    = ".seg"
	segNameWidth = 16 + 1 + 16 + len(segSuffix)
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

const (
	magic       = "SWSPOOL\n"
	marker      = "\xff\xfe\x57\x53"
	durableMark = "SWD1"
)

// Position names a record of a lane for ever. The zero Position is before the
// first record.
type Position struct {
	Epoch uint64
	Seq   uint64
}

// validLane reports whether name may be a lane, and so a directory.
func validLane(name string) bool {
	if name == "" || len(name) > maxLane {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == ""
}

// segment is a segment file by its name.
type segment struct {
	first uint64
	epoch uint64
	size  int64
}

func (s segment) name() string {
	return fmt.Sprintf("%016x-%016x%s", s.first, s.epoch, segSuffix)
}

// parseSegment reads a name that segment.name wrote; only that spelling counts.
func parseSegment(name string) (segment, bool) {
	if len(name) != segNameWidth {
		return segment{}, false
	}
	first, err1 := strconv.ParseUint(name[:16], 16, 64)
	epoch, err2 := strconv.ParseUint(name[17:33], 16, 64)
	s := segment{first: first, epoch: epoch}
	return s, err1 == nil && err2 == nil && s.name() == name
}

// header is what a segment says of itself.
type header struct {
	version  uint16
	epoch    uint64
	first    uint64
	wall     int64
	boottime int64
	lane     string
}

func (h header) encode() []byte {
	b := make([]byte, 0, segHeader)
	b = append(b, magic...)
	b = le.AppendUint16(b, h.version)
	b = le.AppendUint16(b, segHeader)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, h.epoch)
	b = le.AppendUint64(b, h.first)
	b = le.AppendUint64(b, uint64(h.wall))
	b = le.AppendUint64(b, uint64(h.boottime))
	b = append(b, h.lane...)
	b = append(b, make([]byte, segHeader-4-len(b))...)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var errHeader = errors.New("damaged segment header")

func parseHeader(b []byte) (header, error) {
	if len(b) < segHeader || string(b[:8]) != magic ||
		le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return header{}, errHeader
	}
	return header{
		version:  le.Uint16(b[8:]),
		epoch:    le.Uint64(b[16:]),
		first:    le.Uint64(b[24:]),
		wall:     int64(le.Uint64(b[32:])),
		boottime: int64(le.Uint64(b[40:])),
		lane:     strings.TrimRight(string(b[48:60]), "\x00"),
	}, nil
}

// recordSize is what a payload of n bytes takes in a segment.
func recordSize(n int) int64 {
	return int64(recHeader+n+recTrailer+7) &^ 7
}

func seed(epoch uint64) uint32 {
	return crc32.Checksum(le.AppendUint64(make([]byte, 0, 8), epoch), castagnoli)
}

func payloadSum(pos Position, payload []byte) uint32 {
	b := le.AppendUint64(make([]byte, 0, 16), pos.Epoch)
	b = le.AppendUint64(b, pos.Seq)
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, payload)
}

// appendRecord appends the encoded record to b.
func appendRecord(b []byte, pos Position, payload []byte) []byte {
	start := len(b)
	b = append(b, marker...)
	b = le.AppendUint32(b, uint32(len(payload)))
	b = le.AppendUint64(b, pos.Seq)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, crc32.Update(seed(pos.Epoch), castagnoli, b[start:]))
	b = append(b, payload...)
	b = le.AppendUint32(b, payloadSum(pos, payload))
	for (len(b)-start)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

// parseRecHeader reads a record's header and says its payload's length, which is
// within bounds when ok.
func parseRecHeader(b []byte, epoch uint64) (seq uint64, length int, ok bool) {
	if len(b) < recHeader || string(b[:4]) != marker {
		return 0, 0, false
	}
	n := le.Uint32(b[4:])
	if n > MaxPayload || le.Uint32(b[20:]) != crc32.Update(seed(epoch), castagnoli, b[:20]) {
		return 0, 0, false
	}
	return le.Uint64(b[8:]), int(n), true
}

// state is what stands at an offset of a segment.
type state int

const (
	atRecord  state = iota // a good record
	atPayload              // a good header with a damaged payload
	atDamage               // bytes that are no header
	atEnd                  // nothing, or a record that the file does not hold whole
)

// found is a record as it stands in a segment.
type found struct {
	seq     uint64
	payload []byte
	next    int64 // offset behind it
}

// scanner reads the records of one segment. It does not move by itself: at looks
// at an offset and resync looks for the next header, so that a reader decides
// what is damage and what is still being written.
type scanner struct {
	r     io.ReaderAt
	epoch uint64
	buf   []byte // bytes of the file from base on
	base  int64
}

// window returns n bytes at off, fewer at the end of the file. The bytes are good
// until the next call.
func (s *scanner) window(off int64, n int) ([]byte, error) {
	if off >= s.base && off+int64(n) <= s.base+int64(len(s.buf)) {
		i := off - s.base
		return s.buf[i : i+int64(n)], nil
	}
	want := max(n, scanChunk)
	if cap(s.buf) < want {
		s.buf = make([]byte, want)
	}
	m, err := s.r.ReadAt(s.buf[:want], off)
	s.buf, s.base = s.buf[:m], off
	if err != nil && err != io.EOF {
		s.buf = s.buf[:0]
		return nil, err
	}
	return s.buf[:min(n, m)], nil
}

const scanChunk = 64 << 10

// forget drops what was read, since the file has grown.
func (s *scanner) forget() { s.buf = s.buf[:0] }

// at reads what stands at off. The payload is good until the next call.
func (s *scanner) at(off int64) (found, state, error) {
	b, err := s.window(off, recHeader)
	if err != nil {
		return found{}, atDamage, err
	}
	if len(b) == 0 {
		return found{}, atEnd, nil
	}
	seq, n, ok := parseRecHeader(b, s.epoch)
	if !ok {
		return found{}, atDamage, nil
	}
	f := found{seq: seq, next: off + recordSize(n)}
	if b, err = s.window(off+recHeader, n+recTrailer); err != nil {
		return f, atPayload, err
	}
	if len(b) < n+recTrailer {
		return f, atEnd, nil
	}
	f.payload = b[:n]
	if le.Uint32(b[n:]) != payloadSum(Position{s.epoch, seq}, f.payload) {
		return f, atPayload, nil
	}
	return f, atRecord, nil
}

// resync returns the offset of the first good record header at or behind off, or
// -1 when the file holds none.
func (s *scanner) resync(off int64) (int64, error) {
	off = (off + 7) &^ 7
	for {
		b, err := s.window(off, scanChunk)
		if err != nil {
			return -1, err
		}
		for i := 0; ; i++ {
			j := bytes.Index(b[i:], []byte(marker))
			if j < 0 {
				break
			}
			i += j
			if _, _, ok := parseRecHeader(b[i:], s.epoch); ok && i%8 == 0 {
				return off + int64(i), nil
			}
		}
		if len(b) < scanChunk {
			return -1, nil
		}
		off += scanChunk - recHeader
	}
}

// encodeDurable encodes the watermark.
func encodeDurable(pos Position, wall int64) []byte {
	b := make([]byte, 0, durableSize)
	b = append(b, durableMark...)
	b = le.AppendUint64(b, pos.Epoch)
	b = le.AppendUint64(b, pos.Seq)
	b = le.AppendUint64(b, uint64(wall))
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return append(b, b...)
}

// parseDurable reads the watermark: the newer of the good slots.
func parseDurable(b []byte) (pos Position, ok bool) {
	var newest int64
	for len(b) >= slotSize {
		s := b[:slotSize]
		b = b[slotSize:]
		if string(s[:4]) != durableMark || le.Uint32(s[28:]) != crc32.Checksum(s[:28], castagnoli) {
			continue
		}
		p := Position{Epoch: le.Uint64(s[4:]), Seq: le.Uint64(s[12:])}
		wall := int64(le.Uint64(s[20:]))
		if !ok || p.Seq > pos.Seq || p.Seq == pos.Seq && wall > newest {
			pos, newest, ok = p, wall, true
		}
	}
	return pos, ok
}
