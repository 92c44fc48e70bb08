package refill

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/hostfs"
)

const (
	// MaxBytes bounds what one Job reads of the log.
	MaxBytes = 256 << 20
	// slack is how far the time of an event can be from that of its neighbours.
	slack    = 10 * time.Second
	younger  = time.Second // makes an event complete
	maxLine  = 64 << 10    // more than the longest record there is
	endTypes = unix.AUDIT_PROCTITLE
)

// Range is serials from and to included, and when the events around them were.
type Range struct {
	From, To      uint32
	Before, After time.Time
}

// Job looks for the events of some ranges.
type Job struct {
	ranges   []Range
	from, to time.Time // when what is wanted was made
	got      map[uint32]bool
	open     map[uint32]time.Time // begun and not ended
	asm      *audit.Assembler
	deliver  func(*audit.Event)

	inode  uint64 // of the file that was read last
	offset int64  // to there
	read   int64
	passed bool // the log has events that are younger than all that is wanted
}

// NewJob returns a Job that gives each event it finds to deliver, with Filled set, at
// most once. before and after are when the events around a range were.
func NewJob(ranges []Range, deliver func(*audit.Event)) *Job {
	j := &Job{ranges: ranges, got: map[uint32]bool{}, open: map[uint32]time.Time{}, deliver: deliver}
	for i, r := range ranges {
		first, last := r.Before, r.After
		if first.IsZero() || last.Before(first) { // the clock was set
			first, last = last, first
		}
		if first.IsZero() {
			first = last.Add(-slack)
		}
		if i == 0 || first.Before(j.from) {
			j.from = first
		}
		if i == 0 || last.After(j.to) {
			j.to = last
		}
	}
	j.from, j.to = j.from.Add(-slack), j.to.Add(slack)
	j.asm = audit.NewAssembler(time.Hour, j.event)
	return j
}

// Found is how many events were found.
func (j *Job) Found() int { return len(j.got) }

// Passed reports whether the log goes on behind everything that is wanted, so that what
// was not found will not come.
func (j *Job) Passed() bool { return j.passed }

// Read reads what the log has and was not read yet.
func (j *Job) Read(root hostfs.Root, name string) error {
	files, err := open(root, name, j.from, j.inode)
	if err != nil {
		return err
	}
	defer shut(files)
	for i, f := range files {
		start := int64(0)
		switch {
		case f.inode == j.inode && j.offset <= f.size:
			start = j.offset
		case j.inode == 0 && i == 0:
			start = f.search(j.from)
		}
		if err := j.readFile(f, start); err != nil {
			return err
		}
	}
	return nil
}

// readFile reads whole lines from an offset to the end and remembers where that was.
func (j *Job) readFile(f file, start int64) error {
	j.inode, j.offset = f.inode, start
	in := bufio.NewReaderSize(io.NewSectionReader(f, start, 1<<62), maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if err == nil || errors.Is(err, bufio.ErrBufferFull) {
			j.offset += int64(len(line))
			j.read += int64(len(line))
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil // what stands there is not written to its end
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return fmt.Errorf("audit daemon's log: %w", err)
		case j.read > MaxBytes:
			return fmt.Errorf("audit daemon's log: more than %d MiB would have to be read", MaxBytes>>20)
		}
		if typ, payload, ok := auditlog.Line(line); ok {
			j.take(typ, payload)
		}
	}
}

// take takes a record if its event is wanted.
func (j *Job) take(typ uint16, payload []byte) {
	h, ok := parseHead(payload)
	if !ok {
		return
	}
	if h.at.After(j.to) {
		j.passed = true
	}
	j.endBefore(h.at.Add(-younger))
	if h.at.Before(j.from) || h.at.After(j.to) || j.got[h.serial] || !j.wants(h.serial) {
		return
	}
	j.open[h.serial] = h.at
	j.asm.Push(typ, payload, time.Now())
	if typ == endTypes {
		j.end(h.serial, h.at)
	}
}

func (j *Job) wants(serial uint32) bool {
	for _, r := range j.ranges {
		if int32(serial-r.From) >= 0 && int32(serial-r.To) <= 0 {
			return true
		}
	}
	return false
}

// endBefore ends the events that began before a time.
func (j *Job) endBefore(at time.Time) {
	var over []uint32
	for serial, began := range j.open {
		if began.Before(at) {
			over = append(over, serial)
		}
	}
	slices.Sort(over)
	for _, serial := range over {
		j.end(serial, j.open[serial])
	}
}

// end tells the assembler what the kernel told the audit daemon.
func (j *Job) end(serial uint32, at time.Time) {
	delete(j.open, serial)
	if !j.got[serial] {
		j.asm.Push(unix.AUDIT_EOE, fmt.Appendf(nil, "audit(%d.%03d:%d): ", at.Unix(), at.Nanosecond()/1e6, serial), time.Now())
	}
}

// Close hands out what was found and has no end.
func (j *Job) Close() { j.endBefore(j.to.Add(time.Hour)) }

func (j *Job) event(e *audit.Event) {
	delete(j.open, e.Serial)
	if j.got[e.Serial] {
		return
	}
	j.got[e.Serial] = true
	e.Filled = true
	j.deliver(e)
}

// lookTimes are the times between two looks into the log: the audit daemon writes later
// than it receives.
func lookTimes() []time.Duration {
	return []time.Duration{0, time.Second, 3 * time.Second, 10 * time.Second, 15 * time.Second}
}

// Look gives the events of some ranges, of which there are so many, to deliver, and returns
// how many it found: at once, and as the log grows for half a minute.
func Look(ctx context.Context, root hostfs.Root, ranges []Range, wanted uint64, deliver func(*audit.Event)) (found int, err error) {
	name, err := LogFile(root)
	if err != nil {
		return 0, err
	}
	j := NewJob(ranges, deliver)
	for _, wait := range lookTimes() {
		select {
		case <-ctx.Done():
			return j.Found(), ctx.Err()
		case <-time.After(wait):
		}
		passed := j.Passed()
		if err = j.Read(root, name); err != nil || passed || uint64(j.Found()) >= wanted {
			break
		}
	}
	j.Close()
	return j.Found(), err
}
