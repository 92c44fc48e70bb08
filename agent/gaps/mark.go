package gaps

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"seawall/pkg/hostfs"
)

// A mark is one line of fixed length: the kernel's boot, the serial, the event's time in
// nanoseconds, and the first and the last serial of each hole that was open, or zeros.
const (
	bootLength = 36
	headLength = bootLength + 1 + 10 + 1 + 19
	holeLength = 1 + 10 + 1 + 10
	maxMarked  = 8
	markLength = headLength + maxMarked*holeLength + 1
)

// Range is serials, the first and the last included.
type Range struct{ From, To uint32 }

// Mark is a file that says which serial was seen last. Writing it costs one system call
// and nothing waits for the disk: it is there to survive the process, not the machine.
type Mark struct {
	file *os.File
	line [markLength]byte
	last uint32
	open [maxMarked]Range
	left []Range
}

// OpenMark opens the mark in file name and returns what it says of this boot: the last
// serial and its event's time, ok when it does.
func OpenMark(name, boot string) (m *Mark, serial uint32, at time.Time, ok bool, err error) {
	var left []Range
	if b, err := (hostfs.Root{}).ReadFile(name, 4096); err == nil {
		if serial, at, ok = parseMark(string(b), boot); ok {
			left = parseHoles(string(b))
		}
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, time.Time{}, false, fmt.Errorf("audit mark: %w", err)
	}
	m = &Mark{file: f, left: left}
	for i := range m.line {
		m.line[i] = ' '
	}
	copy(m.line[:bootLength], boot)
	m.line[markLength-1] = '\n'
	return m, serial, at, ok, nil
}

func parseMark(text, boot string) (serial uint32, at time.Time, ok bool) {
	var id string
	var nano int64
	if n, err := fmt.Sscanf(text, "%36s %d %d", &id, &serial, &nano); n != 3 || err != nil {
		return 0, time.Time{}, false
	}
	if id != strings.TrimSpace(boot) || serial == 0 || len(text) != markLength {
		return 0, time.Time{}, false
	}
	return serial, time.Unix(0, nano), true
}

// parseHoles reads the holes of a mark that parseMark took.
func parseHoles(text string) (holes []Range) {
	for at := headLength; at+holeLength < len(text); at += holeLength {
		var r Range
		if n, err := fmt.Sscanf(text[at:at+holeLength], " %d %d", &r.From, &r.To); n == 2 && err == nil && r.From != 0 {
			holes = append(holes, r)
		}
	}
	return holes
}

// Left returns the holes that were open when the mark was left, as OpenMark found it.
func (m *Mark) Left() []Range { return m.left }

// Set writes the serial, its event's time and the holes that are open, as a Tracker's
// Sure gives them, unless that is there already.
func (m *Mark) Set(serial uint32, at time.Time, holes ...Range) error {
	var open [maxMarked]Range
	copy(open[:], holes)
	if m.last == serial && m.open == open {
		return nil
	}
	m.last, m.open = serial, open
	digits(m.line[bootLength+1:bootLength+11], uint64(serial))
	digits(m.line[bootLength+12:headLength], uint64(max(at.UnixNano(), 0)))
	for i, r := range open {
		b := m.line[headLength+i*holeLength:][:holeLength]
		digits(b[1:11], uint64(r.From))
		digits(b[12:], uint64(r.To))
	}
	if _, err := m.file.WriteAt(m.line[:], 0); err != nil {
		return fmt.Errorf("audit mark: %w", err)
	}
	return nil
}

// Close closes the file, which stays.
func (m *Mark) Close() error { return m.file.Close() }

// digits writes n into b, with zeros in front.
func digits(b []byte, n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// LeaveMark writes a mark once.
func LeaveMark(name, boot string, serial uint32, at time.Time) error {
	m, _, _, _, err := OpenMark(name, boot)
	if err != nil {
		return err
	}
	return errors.Join(m.Set(serial, at), m.Close())
}

// ReadMark reads what LeaveMark wrote; ok is false where it says nothing of this boot.
func ReadMark(name, boot string) (serial uint32, at time.Time, ok bool) {
	b, err := hostfs.Root{}.ReadFile(name, 4096)
	if err != nil {
		return 0, time.Time{}, false
	}
	return parseMark(string(b), boot)
}
