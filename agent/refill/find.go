package refill

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"seawall/pkg/auditlog"
	"seawall/pkg/hostfs"
)

// maxFound bounds the records of an event that is looked for.
const maxFound = 4096

// Line is one record of the log.
type Line struct {
	Type uint16
	Text string // as the kernel sent it: audit(…): …
}

// Find returns the records of the newest event with a serial in the log named name, nil
// when it has none, and when it was. It reads all of the files there are.
func Find(root hostfs.Root, name string, serial uint32) (lines []Line, at time.Time, err error) {
	files, err := open(root, name, time.Time{}, 0)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer shut(files)
	for _, f := range slices.Backward(files) {
		if lines, at, err = f.find(serial); err != nil || lines != nil {
			return lines, at, err
		}
	}
	return nil, time.Time{}, nil
}

// find reads one file. Serials begin anew with each boot: the newest event counts.
func (f file) find(serial uint32) (lines []Line, at time.Time, err error) {
	mark := fmt.Appendf(nil, ":%d)", serial)
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, f.size), maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if bytes.Contains(line, mark) {
			if typ, payload, ok := auditlog.Line(line); ok {
				h, ok := parseHead(payload)
				if ok && h.serial == serial {
					if h.at.Sub(at).Abs() > slack {
						lines, at = nil, h.at
					}
					if len(lines) < maxFound {
						lines = append(lines, Line{typ, string(payload)})
					}
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return lines, at, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, time.Time{}, fmt.Errorf("audit daemon's log: %w", err)
		}
	}
}
