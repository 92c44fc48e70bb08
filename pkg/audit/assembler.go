package audit

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of an Assembler. They hold for any input.
const (
	MaxOpen  = 4096    // open events; a power of two
	maxBytes = 8 << 20 // memory of all open events together
	maxEvent = 1 << 20 // text of one event
	keepSlot = 16 << 10
	keepFree = 64
)

// DefaultTimeout is how long an event waits for its missing records.
const DefaultTimeout = 2 * time.Second

// Stats counts what an Assembler saw since it was made.
type Stats struct {
	Records   uint64
	Events    uint64 // handed out, partial ones included
	Partial   uint64
	Malformed uint64 // records without a valid header
	Gaps      uint64 // serials never seen
	Late      uint64 // records of serials that were already settled
	Open      int    // events open now
}

// Assembler collects records into events. It is not safe for concurrent use.
type Assembler struct {
	handle  func(*Event)
	timeout time.Duration
	slots   [MaxOpen]slot
	// The open slots form a ring through slot.older and slot.newer in order of
	// their first record, headed by oldest and newest (noSlot when none is open).
	oldest, newest int32
	bytes          int // capacity of all open slots' buffers
	free           [][]byte
	event          Event
	decoder        decoder
	serials        serials
	stats          Stats
}

const noSlot = -1

// slot is one open event: its records, each led by type and length, as they came.
type slot struct {
	open         bool
	truncated    bool
	older, newer int32
	head         header
	first        time.Time // when its first record came
	text         []byte
}

const recordLead = 6 // uint16 type, uint32 length

// NewAssembler returns an Assembler that gives each event to handle. timeout 0
// means DefaultTimeout.
func NewAssembler(timeout time.Duration, handle func(*Event)) *Assembler {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &Assembler{handle: handle, timeout: timeout, oldest: noSlot, newest: noSlot}
}

// Resume says which serial was the last that an earlier process saw, so that
// what the kernel sent meanwhile counts as a gap. To be called before any Push.
func (a *Assembler) Resume(last uint32) { a.serials.resume(last) }

// Push takes one record: the type of its netlink message and its payload, of
// which nothing is kept. It may hand out events.
func (a *Assembler) Push(typ uint16, payload []byte, now time.Time) {
	a.stats.Records++
	h, text, err := parseHeader(payload)
	if err != nil {
		a.stats.Malformed++
		return
	}
	if !a.serials.see(h.serial) {
		a.stats.Late++
	}
	n := int32(h.serial % MaxOpen)
	s := &a.slots[n]
	if s.open && s.head.serial != h.serial {
		a.finish(n, false)
	}
	if !s.open {
		a.start(n, h, now)
	}
	if typ == unix.AUDIT_EOE {
		a.finish(n, true)
		return
	}
	a.add(n, typ, text)
	if alone(typ) {
		a.finish(n, true)
	}
}

// Flush hands out the events whose time is over and settles serials that are
// missing for that long. To be called from time to time, at least every timeout.
func (a *Assembler) Flush(now time.Time) {
	for a.oldest != noSlot && now.Sub(a.slots[a.oldest].first) >= a.timeout {
		a.finish(a.oldest, false)
	}
	a.serials.settle(now, a.timeout)
}

// Close hands out everything that is open.
func (a *Assembler) Close() {
	for a.oldest != noSlot {
		a.finish(a.oldest, false)
	}
	a.serials.settleAll()
}

// Stats returns the counts so far.
func (a *Assembler) Stats() Stats {
	s := a.stats
	s.Gaps = a.serials.missing
	for n := a.oldest; n != noSlot; n = a.slots[n].newer {
		s.Open++
	}
	return s
}

// Last returns the newest serial seen; ok is false before the first. It is what
// to give to Resume after a restart.
func (a *Assembler) Last() (serial uint32, ok bool) { return a.serials.head, a.serials.started }

func (a *Assembler) start(n int32, h header, now time.Time) {
	var text []byte
	if k := len(a.free); k > 0 {
		text, a.free = a.free[k-1], a.free[:k-1]
	}
	a.slots[n] = slot{open: true, older: a.newest, newer: noSlot, head: h, first: now, text: text}
	a.bytes += cap(text)
	if a.newest != noSlot {
		a.slots[a.newest].newer = n
	} else {
		a.oldest = n
	}
	a.newest = n
}

// add appends a record to slot n, handing out the oldest others when memory is
// short.
func (a *Assembler) add(n int32, typ uint16, text []byte) {
	s := &a.slots[n]
	need := len(s.text) + recordLead + len(text)
	if need > maxEvent {
		s.truncated = true
		return
	}
	if need > cap(s.text) {
		size := max(need, 2*cap(s.text), 1024)
		for a.bytes+size > maxBytes && a.oldest != a.newest {
			victim := a.oldest
			if victim == n {
				victim = a.slots[n].newer
			}
			a.finish(victim, false)
		}
		grown := make([]byte, len(s.text), size)
		copy(grown, s.text)
		a.bytes += size - cap(s.text)
		s.text = grown
	}
	s.text = binary.LittleEndian.AppendUint16(s.text, typ)
	s.text = binary.LittleEndian.AppendUint32(s.text, uint32(len(text)))
	s.text = append(s.text, text...)
}

// finish decodes slot n, hands the event out and frees the slot. ended says that
// the kernel ended the event.
func (a *Assembler) finish(n int32, ended bool) {
	s := &a.slots[n]
	e := &a.event
	e.reset()
	e.Serial, e.Truncated = s.head.serial, s.truncated
	e.Time = time.Unix(s.head.sec, s.head.milli*int64(time.Millisecond))
	a.decode(e, s.text)
	// A syscall's event has its own record and an end; any other may be alone.
	inSyscall := len(e.Paths) > 0 || e.CWD != nil || len(e.Argv) > 0 || e.Proctitle != nil
	switch {
	case ended:
		e.Partial = e.Partial || !e.HasSyscall && inSyscall || len(e.Records) == 0
	default:
		// auditd keeps no ends. The process title is the last that the kernel writes.
		e.Partial = e.Partial || (e.HasSyscall || inSyscall) && !(e.HasSyscall && e.Proctitle != nil)
	}
	a.release(n)
	a.stats.Events++
	if e.Partial {
		a.stats.Partial++
	}
	a.handle(e)
	if cap(a.decoder.arena) > keepSlot {
		a.decoder.arena, a.decoder.args = nil, nil
		e.Argv, e.Paths, e.Records = nil, nil, nil
	}
}

func (a *Assembler) decode(e *Event, text []byte) {
	a.decoder.begin(len(text))
	for rest := text; len(rest) >= recordLead; {
		typ := binary.LittleEndian.Uint16(rest)
		end := recordLead + int(binary.LittleEndian.Uint32(rest[2:]))
		r := Record{typ, rest[recordLead:end:end]}
		e.Records = append(e.Records, r)
		a.decoder.record(e, r)
		rest = rest[end:]
	}
	a.decoder.end(e)
}

// release unlinks slot n and keeps its buffer for the next event. The event being
// handed out still refers to the buffer: nothing may be pushed by its handler.
func (a *Assembler) release(n int32) {
	s := &a.slots[n]
	if s.older != noSlot {
		a.slots[s.older].newer = s.newer
	} else {
		a.oldest = s.newer
	}
	if s.newer != noSlot {
		a.slots[s.newer].older = s.older
	} else {
		a.newest = s.older
	}
	a.bytes -= cap(s.text)
	if cap(s.text) <= keepSlot && cap(s.text) > 0 && len(a.free) < keepFree {
		a.free = append(a.free, s.text[:0])
	}
	*s = slot{}
}
