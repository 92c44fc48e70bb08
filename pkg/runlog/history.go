package runlog

import (
	"io"
	"strings"
	"time"

	"seawall/pkg/hostfs"
)

// maxTail is how many bytes of a log are read, from its end.
const maxTail = 1 << 20

// History is what is on record of runs.
type History struct {
	Success time.Time // the last one
	File    string    // where that stands
	Line    string
	Failed  Run       // the last one that failed; its Line is the file that tells
	Since   time.Time // the record reaches back to this day, zero where that is not known
	Started time.Time // the last start of which the outcome is not known
}

// Succeeded takes in a successful run, if it is the last one so far.
func (h *History) Succeeded(at time.Time, file, line string) {
	if at.After(h.Success) {
		h.Success, h.File, h.Line = at, file, line
	}
}

// Add takes in the runs of a log, in its order.
func (h *History) Add(runs []Run, file string) {
	for _, run := range runs {
		switch {
		case run.Failure != "":
			if run.At.After(h.Failed.At) {
				h.Failed = run
				h.Failed.Line = file
			}
		case run.Done:
			h.Succeeded(run.At, file, run.Line)
		}
	}
}

// Tail reads the end of a log, from the first whole line on.
func Tail(root hostfs.Root, name string) ([]byte, error) {
	f, fi, err := root.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	from := max(0, fi.Size()-maxTail)
	b, err := io.ReadAll(io.NewSectionReader(f, from, maxTail))
	if err != nil {
		return nil, err
	}
	if from > 0 {
		_, after, _ := strings.Cut(string(b), "\n")
		return []byte(after), nil
	}
	return b, nil
}

// Zone is the host's local time, in which unattended-upgrade writes its log.
func Zone(root hostfs.Root) *time.Location {
	b, err := root.ReadFile("/etc/localtime", 64<<10)
	if err != nil {
		return time.UTC
	}
	zone, err := time.LoadLocationFromTZData("host", b)
	if err != nil {
		return time.UTC
	}
	return zone
}
