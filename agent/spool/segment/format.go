package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The bounds and sizes of the format.
const (
	Version    = 1        // of the format
	MaxPayload = 64 << 10 // of a record
	HeaderSize = 64       // of a segment
	// MaxSeq is the largest sequence. A larger one is damage, or somebody's try to
	// make the numbers run out.
	MaxSeq = 1<<63 - 1

	maxLane       = 12 // letters of a lane's name
	recordHeader  = 24 // before the payload
	recordTrailer = 4  // behind it, before the padding
	segSuffix     = ".seg"
	segNameWidth  = 16 + 1 + 16 + len(segSuffix)
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

const (
	magic  = "SWSPOOL\n"
	marker = "\xff\xfe\x57\x53"
)

// ValidLane reports whether name may be a lane, and so a directory.
func ValidLane(name string) bool {
	if name == "" || len(name) > maxLane {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == ""
}

// File is a segment file by its name.
type File struct {
	First uint64
	Epoch uint64
	Size  int64
}

// Name returns the name of the file.
func (s File) Name() string {
	return fmt.Sprintf("%016x-%016x%s", s.First, s.Epoch, segSuffix)
}

// ParseName reads a name that File.Name made; only that spelling counts.
func ParseName(name string) (File, bool) {
	if len(name) != segNameWidth {
		return File{}, false
	}
	first, err1 := strconv.ParseUint(name[:16], 16, 64)
	epoch, err2 := strconv.ParseUint(name[17:33], 16, 64)
	s := File{First: first, Epoch: epoch}
	return s, err1 == nil && err2 == nil && s.Name() == name && first <= MaxSeq
}

// Header is what a segment says of itself.
type Header struct {
	Version  uint16
	Epoch    uint64
	First    uint64
	Wall     int64
	Boottime int64
	Lane     string
}

// NewHeader returns the header of a segment of a lane that is made now.
func NewHeader(lane string, f File) Header {
	var boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // a label only
	return Header{Version: Version, Epoch: f.Epoch, First: f.First, Wall: time.Now().UnixNano(), Boottime: boot.Nano(), Lane: lane}
}

// Encode returns the header as it stands in the file.
func (h Header) Encode() []byte {
	b := make([]byte, 0, HeaderSize)
	b = append(b, magic...)
	b = le.AppendUint16(b, h.Version)
	b = le.AppendUint16(b, HeaderSize)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, h.Epoch)
	b = le.AppendUint64(b, h.First)
	b = le.AppendUint64(b, uint64(h.Wall))
	b = le.AppendUint64(b, uint64(h.Boottime))
	b = append(b, h.Lane...)
	b = append(b, make([]byte, HeaderSize-4-len(b))...)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// ErrHeader is returned for a header that is damaged.
var ErrHeader = errors.New("damaged segment header")

// parseHeader reads what Encode wrote, of any version.
func parseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize || string(b[:8]) != magic ||
		le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return Header{}, ErrHeader
	}
	return Header{
		Version:  le.Uint16(b[8:]),
		Epoch:    le.Uint64(b[16:]),
		First:    le.Uint64(b[24:]),
		Wall:     int64(le.Uint64(b[32:])),
		Boottime: int64(le.Uint64(b[40:])),
		Lane:     strings.TrimRight(string(b[48:60]), "\x00"),
	}, nil
}

// RecordSize is what a payload of n bytes takes in a segment.
func RecordSize(n int) int64 {
	return int64(recordHeader+n+recordTrailer+7) &^ 7
}

func seed(epoch uint64) uint32 {
	return crc32.Checksum(le.AppendUint64(make([]byte, 0, 8), epoch), castagnoli)
}

func payloadSum(pos Position, payload []byte) uint32 {
	b := le.AppendUint64(make([]byte, 0, 16), pos.Epoch)
	b = le.AppendUint64(b, pos.Seq)
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, payload)
}

// AppendRecord appends the encoded record to b.
func AppendRecord(b []byte, pos Position, payload []byte) []byte {
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
	if len(b) < recordHeader || string(b[:4]) != marker {
		return 0, 0, false
	}
	n := le.Uint32(b[4:])
	if n > MaxPayload || le.Uint32(b[20:]) != crc32.Update(seed(epoch), castagnoli, b[:20]) {
		return 0, 0, false
	}
	seq = le.Uint64(b[8:])
	return seq, int(n), seq <= MaxSeq
}

// State is what stands at an offset of a segment.
type State int

// The states.
const (
	AtRecord  State = iota // a good record
	AtPayload              // a good header with a damaged payload
	AtDamage               // bytes that are no header
	AtEnd                  // nothing, or a record that the file does not hold whole
)

// Found is a record as it stands in a segment.
type Found struct {
	Seq     uint64
	Payload []byte
	Next    int64 // offset behind it
}

// Scanner reads the records of one segment. It does not move by itself: At looks
// at an offset and Resync looks for the next header, so that a reader decides
// what is damage and what is still being written.
type Scanner struct {
	r     io.ReaderAt
	epoch uint64
	buf   []byte // bytes of the file from base on
	base  int64
}

// NewScanner returns a scanner of the records of one epoch in r.
func NewScanner(r io.ReaderAt, epoch uint64) Scanner { return Scanner{r: r, epoch: epoch} }

// Header reads the header of the segment.
func (s *Scanner) Header() (Header, error) {
	b, err := s.window(0, HeaderSize)
	if err != nil {
		return Header{}, err
	}
	return parseHeader(b)
}

// window returns n bytes at off, fewer at the end of the file. The bytes are good
// until the next call.
func (s *Scanner) window(off int64, n int) ([]byte, error) {
	if off >= s.base && off+int64(n) <= s.base+int64(len(s.buf)) {
		i := off - s.base
		return s.buf[i : i+int64(n)], nil
	}
	want := max(n, scanChunk)
	if cap(s.buf) < want {
		s.buf = make([]byte, want)
	}
	m, err := s.r.ReadAt(s.buf[:want], off)
	if unreadable(err) {
		m, err = s.salvage(s.buf[:want], off)
	}
	s.buf, s.base = s.buf[:m], off
	if err != nil && err != io.EOF {
		s.buf = s.buf[:0]
		return nil, err
	}
	return s.buf[:min(n, m)], nil
}

const (
	scanChunk = 64 << 10
	pageSize  = 4 << 10 // what a disk can or cannot read
)

// unreadable reports whether the disk said that it cannot read what it holds.
func unreadable(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EUCLEAN) || errors.Is(err, unix.EBADMSG)
}

// salvage reads page by page. A page that cannot be read is zeros, which are damage
// like any other: a reader that tried it again and again would go nowhere.
func (s *Scanner) salvage(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		page := b[n:min(len(b), n+pageSize-int((off+int64(n))%pageSize))]
		m, err := s.r.ReadAt(page, off+int64(n))
		switch {
		case unreadable(err):
			clear(page)
		case err != nil:
			return n + m, err
		}
		n += len(page)
	}
	return n, nil
}

// Forget drops what was read, since the file has grown.
func (s *Scanner) Forget() { s.buf = s.buf[:0] }

// At reads what stands at off. The payload is good until the next call.
func (s *Scanner) At(off int64) (Found, State, error) {
	b, err := s.window(off, recordHeader)
	if err != nil {
		return Found{}, AtDamage, err
	}
	if len(b) == 0 {
		return Found{}, AtEnd, nil
	}
	seq, n, ok := parseRecHeader(b, s.epoch)
	if !ok {
		return Found{}, AtDamage, nil
	}
	f := Found{Seq: seq, Next: off + RecordSize(n)}
	if b, err = s.window(off+recordHeader, n+recordTrailer); err != nil {
		return f, AtPayload, err
	}
	if len(b) < n+recordTrailer {
		return f, AtEnd, nil
	}
	f.Payload = b[:n]
	if le.Uint32(b[n:]) != payloadSum(Position{s.epoch, seq}, f.Payload) {
		return f, AtPayload, nil
	}
	return f, AtRecord, nil
}

// Resync returns the offset of the first good record header at or behind off, or
// -1 when the file holds none.
func (s *Scanner) Resync(off int64) (int64, error) {
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
		off += scanChunk - recordHeader
	}
}
