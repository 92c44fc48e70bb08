package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"

	"seawall/agent/detect"
	"seawall/agent/login"
	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/finding"
)

// maxDetections bounds what is kept of a file.
const maxDetections = 10_000

// Result is what a file's records gave.
type Result struct {
	Detections []finding.Detection // in the order in which they began
	Lines      int                 // that were no record
	Audit      audit.Stats
	Detect     detect.Stats
	Dropped    int // detections beyond the bound
	First      time.Time
	Last       time.Time
}

// Run replays records with the rules of d, of whose state nothing is used.
func Run(r io.Reader, d *detect.Detector, matched func(rule int)) (*Result, error) {
	return run(r, d, matched, nil)
}

func run(r io.Reader, d *detect.Detector, matched func(rule int), place func(dev [2]uint32, inode uint64, needed bool) string) (*Result, error) {
	in, err := plainText(r)
	if err != nil {
		return nil, err
	}
	out := &Result{}
	index := map[string]int{}
	table := process.New(process.Config{Offline: true})
	sessions := login.New(login.Config{Offline: true, Sender: sender(table)})
	fresh, err := d.Fresh(detect.Config{Processes: table, Sessions: sessions, Matched: matched, Place: place, Report: func(x finding.Detection) {
		if i, ok := index[x.ID]; ok {
			out.Detections[i] = x
			return
		}
		if len(out.Detections) == maxDetections {
			out.Dropped++
			return
		}
		index[x.ID] = len(out.Detections)
		out.Detections = append(out.Detections, x)
	}})
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	var clock clock
	assembler := audit.NewAssembler(0, func(e *audit.Event) {
		if out.First.IsZero() {
			out.First = e.Time
		}
		out.Last = e.Time
		fresh.Observe(e)
	})
	out.Lines, err = auditlog.Read(in, func(typ uint16, payload []byte) {
		if clock.tick(payload) {
			assembler.Flush(clock.now)
			fresh.Advance(clock.now)
		}
		assembler.Push(typ, payload, clock.now)
	})
	assembler.Close()
	fresh.Close()
	out.Audit, out.Detect = assembler.Stats(), fresh.Stats()
	return out, err
}

// plainText takes gzip off, if it is there.
func plainText(r io.Reader) (io.Reader, error) {
	in := bufio.NewReader(r)
	if magic, err := in.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return in, nil // an error of the reader comes again
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("read audit records: %w", err)
	}
	return z, nil
}

// sender tells sessions of the processes that wrote records.
func sender(table *process.Table) func(pid uint32, at time.Time) (login.Sender, bool) {
	return func(pid uint32, at time.Time) (login.Sender, bool) {
		p := table.Lookup(pid, at)
		if p == nil {
			return login.Sender{}, false
		}
		return login.Sender{Exe: p.Exe, EUID: p.EUID, Contained: table.Contained(p)}, true
	}
}

// clock is the records' time, which never goes back.
type clock struct{ now time.Time }

// tick looks at a record's header, audit(SECONDS., and reports whether a second began.
func (c *clock) tick(payload []byte) bool {
	rest, ok := bytes.CutPrefix(payload, []byte("audit("))
	if !ok {
		return false
	}
	var seconds int64
	for i, b := range rest {
		if b == '.' && i > 0 {
			break
		}
		if b < '0' || b > '9' || i > 11 {
			return false
		}
		seconds = seconds*10 + int64(b-'0')
	}
	if seconds <= c.now.Unix() && !c.now.IsZero() {
		return false
	}
	c.now = time.Unix(seconds, 0)
	return true
}
