package gaps

import (
	"fmt"
	"os"
	"strings"
	"time"

	"seawall/pkg/hostfs"
)

// A mark is one line of fixed length: the kernel's boot, the serial, and the event's time
// in nanoseconds.
const (
	bootLength = 36
	markLength = bootLength + 1 + 10 + 1 + 19 + 1
)

// Mark is a file that says which serial was seen last. Writing it costs one system call
// and nothing waits for the disk: it is there to survive the process, not the machine.
type Mark struct {
	file *os.File
	line [markLength]byte
	last uint32
}

// OpenMark opens the mark in file name and returns what it says of this boot: the last
// serial and its event's time, ok when it does.
func OpenMark(name, boot string) (m *Mark, serial uint32, at time.Time, ok bool, err error) {
	if b, err := (hostfs.Root{}).ReadFile(name, 4096); err == nil {
		serial, at, ok = parseMark(string(b), boot)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, time.Time{}, false, fmt.Errorf("audit mark: %w", err)
	}
	m = &Mark{file: f, last: serial}
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
	if n, err := fmt.Sscanf(text, "%36s %d %d\n", &id, &serial, &nano); n != 3 || err != nil {
		return 0, time.Time{}, false
	}
	if id != strings.TrimSpace(boot) || serial == 0 || len(text) != markLength {
		return 0, time.Time{}, false
	}
	return serial, time.Unix(0, nano), true
}

// Set writes the serial and its event's time, unless it is there already.
func (m *Mark) Set(serial uint32, at time.Time) error {
	if m.last == serial {
		return nil
	}
	m.last = serial
	digits(m.line[bootLength+1:bootLength+11], uint64(serial))
	digits(m.line[bootLength+12:bootLength+31], uint64(max(at.UnixNano(), 0)))
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
