package gaps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// Window is how many serials a Mark tells apart, up to the newest: more than come while
// one is waited for and looked for in the audit daemon's log. It divides 2³².
const Window = 1 << 21

// A mark is a head and then a bit for each serial, at its number modulo Window. The head
// has the kernel's boot, the first and the newest serial and the newest event's time.
const (
	bootLength = 36
	atFirst    = 40
	atNewest   = 44
	atTime     = 48
	headLength = 64
	markLength = headLength + Window/8
)

// Range is serials, the first and the last included.
type Range struct{ From, To uint32 }

// Mark is which serials were delivered. In a file that is mapped it costs no system call,
// nothing waits for it, and it survives the process, but not the machine: so that is to be
// a file in memory. It is not safe for concurrent use.
type Mark struct {
	bytes   []byte
	mapped  bool
	changed bool // since Encode
}

// NewMark returns a mark of this boot in our own memory.
func NewMark(boot string) *Mark {
	m := &Mark{bytes: make([]byte, markLength)}
	copy(m.bytes[:bootLength], boot)
	return m
}

// OpenMark maps the mark in file name, empty unless it is of this boot.
func OpenMark(name, boot string) (m *Mark, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit mark: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil || info.Size() != markLength {
		if err := errors.Join(err, f.Truncate(0), f.Truncate(markLength)); err != nil {
			return nil, fmt.Errorf("audit mark: %w", err)
		}
	}
	// A page that there is no room for would end the process when it is written.
	if err := unix.Fallocate(int(f.Fd()), 0, 0, markLength); err != nil {
		return nil, fmt.Errorf("audit mark: %w", err)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, markLength, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("audit mark: %w", err)
	}
	m = &Mark{bytes: b, mapped: true, changed: true}
	if !m.of(boot) {
		clear(b)
		copy(b[:bootLength], boot)
	}
	return m, nil
}

// of reports whether it is of a boot, and whole.
func (m *Mark) of(boot string) bool {
	return string(m.bytes[:bootLength]) == strings.TrimSpace(boot) && m.newest()-m.first() < Window
}

// Load takes over what Encode returned and is in file name, if it is of this boot.
func (m *Mark) Load(name string) error {
	b, err := hostfs.Root{}.ReadFile(name, markLength)
	if err != nil {
		return fmt.Errorf("audit mark: %w", err)
	}
	if left := (&Mark{bytes: b}); len(b) == markLength && left.of(string(m.bytes[:bootLength])) {
		copy(m.bytes, b)
	}
	return nil
}

// Encode returns the mark for a file, nil when nothing changed since the last time.
func (m *Mark) Encode() []byte {
	if !m.changed {
		return nil
	}
	m.changed = false
	return append([]byte(nil), m.bytes...)
}

// Close ends the mapping; the file stays.
func (m *Mark) Close() error {
	b := m.bytes
	if m.bytes = nil; !m.mapped {
		return nil
	}
	return unix.Munmap(b)
}

func (m *Mark) first() uint32  { return binary.LittleEndian.Uint32(m.bytes[atFirst:]) }
func (m *Mark) newest() uint32 { return binary.LittleEndian.Uint32(m.bytes[atNewest:]) }

// Newest returns the newest serial that was delivered and the time of its event; ok is
// false before the first.
func (m *Mark) Newest() (serial uint32, at time.Time, ok bool) {
	serial = m.newest()
	return serial, time.Unix(0, int64(binary.LittleEndian.Uint64(m.bytes[atTime:]))), serial != 0
}

// Deliver notes that the event with a serial was delivered.
func (m *Mark) Deliver(serial uint32, at time.Time) {
	newest := m.newest()
	fresh := newest == 0 || int32(serial-newest) > 0
	switch {
	case newest == 0:
		m.put(atFirst, serial)
	case fresh:
		m.forget(newest+1, serial-newest)
	case !m.covers(serial):
		return
	}
	m.changed = true
	m.bits()[serial%Window/8] |= 1 << (serial % 8)
	if !fresh {
		return
	}
	binary.LittleEndian.PutUint64(m.bytes[atTime:], uint64(at.UnixNano()))
	if newest != 0 && serial-m.first() >= Window {
		m.put(atFirst, serial-Window+1)
	}
	m.put(atNewest, serial)
}

func (m *Mark) put(at int, serial uint32) { binary.LittleEndian.PutUint32(m.bytes[at:], serial) }
func (m *Mark) bits() []byte              { return m.bytes[headLength:] }

// forget clears so many bits from a serial on.
func (m *Mark) forget(serial, count uint32) {
	if count >= Window {
		clear(m.bits())
		count = 0
	}
	for ; count > 0; serial, count = serial+1, count-1 {
		for ; serial%8 == 0 && count > 8; serial, count = serial+8, count-8 {
			m.bits()[serial%Window/8] = 0
		}
		m.bits()[serial%Window/8] &^= 1 << (serial % 8)
	}
}

// covers reports whether the mark can tell of a serial.
func (m *Mark) covers(serial uint32) bool {
	return m.newest() != 0 && serial-m.first() <= m.newest()-m.first()
}

// Has reports whether the mark knows that the event with a serial was delivered.
func (m *Mark) Has(serial uint32) bool {
	return m.covers(serial) && m.bits()[serial%Window/8]&(1<<(serial%8)) != 0
}

// Holes returns the serials behind after, or all with 0, that were not delivered, up to
// the newest that was and as far back as the mark goes.
func (m *Mark) Holes(after uint32) (holes []Range) {
	newest := m.newest()
	if newest == 0 || after != 0 && int32(newest-after) <= 0 {
		return nil
	}
	serial := m.first()
	if m.covers(after) {
		serial = after + 1
	}
	for ; serial != newest+1; serial++ {
		for serial%8 == 0 && newest-serial > 8 && m.bits()[serial%Window/8] == 0xff {
			serial += 8
		}
		if serial == 0 || m.Has(serial) { // the kernel never uses 0
			continue
		}
		if n := len(holes); n > 0 && holes[n-1].To == serial-1 {
			holes[n-1].To = serial
		} else {
			holes = append(holes, Range{serial, serial})
		}
	}
	return holes
}

// Missing counts the serials from and to included that were not delivered; ok is false
// where the mark does not go that far back.
func (m *Mark) Missing(from, to uint32) (n uint64, ok bool) {
	if !m.covers(from) || !m.covers(to) || int32(to-from) < 0 {
		return 0, false
	}
	for serial := from; serial != to+1; serial++ {
		if serial != 0 && !m.Has(serial) {
			n++
		}
	}
	return n, true
}
