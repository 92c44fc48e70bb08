package witness

import (
	"bytes"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/cause"
	"seawall/agent/gaps"
	"seawall/pkg/audit"
	"seawall/pkg/auditrule"
	"seawall/pkg/effect"
)

// event takes one event from the assembler. It runs while stream is locked and never
// waits.
func (a *Source) event(e *audit.Event) {
	s := &a.stream
	if e.Partial && s.fillable && s.broken.Keep(e) {
		return
	}
	switch s.tracker.See(e.Serial, e.Time, s.now) {
	case gaps.Fresh:
		if s.tracker.Open() && !s.waits {
			s.waits = true
			a.poke()
		}
	case gaps.Again:
		switch {
		case s.filled[e.Serial]:
			delete(s.filled, e.Serial)
			return // it was read from the log
		case !s.mark.Has(e.Serial) && s.ledger.Came(e.Serial, false):
		case e.Partial:
		case s.overlap != nil:
			return // by the other connection
		case s.now.Before(s.anew) && s.mark.Has(e.Serial):
			return // by the sensor before, and the kernel sends it to the audit daemon anew
		}
	case gaps.Tardy:
	}
	a.deliver(e)
}

// self is this process, whose number the runtime asks the kernel for each time.
var self = uint32(os.Getpid())

// deliver gives an event to whoever asks, and notes that it did.
func (a *Source) deliver(e *audit.Event) {
	a.offer(e)
	a.stream.mark.Deliver(e.Serial, e.Time)
}

// offer gives an event to whoever asks, and offers what it changed.
func (a *Source) offer(e *audit.Event) {
	a.stream.hits.Count(e.Key)
	if a.cfg.Observe != nil {
		a.cfg.Observe(e)
	}
	if e.PID == self && e.HasSyscall {
		return
	}
	if starts(e) {
		wake(a.stream.starts)
	}
	if a.configChanged(e) {
		c := a.names.Of(e, "", "audit configuration")
		a.cfg.Offer(Change{Cause: c})
		return
	}
	w := a.watched.Load()
	var may bool
	if may, a.stream.name = concerns(w, e, a.stream.name); !may {
		return
	}
	matched := false
	for _, ch := range effect.Changes(e) {
		name := ch.Path
		if ch.Relative {
			name = w.Locate(ch.Dir, ch.DirDev, path.Base(ch.Path), time.Now())
		}
		if !w.Has([]byte(name)) {
			continue
		}
		matched = true
		a.cfg.Offer(Change{Name: name, Cause: a.names.Of(e, name, ch.Operation)})
	}
	if matched {
		a.mu.Lock()
		a.counters.EventsMatched++
		a.mu.Unlock()
	}
}

// starts reports whether an audit daemon was started: it is about to ask for its place.
func starts(e *audit.Event) bool {
	return len(e.Argv) > 0 && e.Success && !e.Filled && string(e.Exe) == auditd
}

// configChanged reports whether the event says that somebody else changed the
// kernel's audit configuration.
func (a *Source) configChanged(e *audit.Event) bool {
	for _, r := range e.Records {
		if r.Type != unix.AUDIT_CONFIG_CHANGE {
			continue
		}
		switch {
		case bytes.Contains(r.Text, []byte("audit_pid=")):
			a.poke()
		case bytes.Contains(r.Text, []byte("op=add_rule")), bytes.Contains(r.Text, []byte("op=remove_rule")):
			a.stream.rulesAt = a.stream.now
			a.poke()
		}
		if !bytes.Contains(r.Text, []byte(`key="`+auditrule.Key)) {
			return true
		}
	}
	return false
}

// concerns reports whether e may have changed what facts depend on, without looking at
// the host. buf is lent and returned.
func concerns(w *cause.Watched, e *audit.Event, buf []byte) (bool, []byte) {
	if e.Partial {
		return len(e.Paths) > 0, buf
	}
	for i := range e.Paths {
		if effect.Did(e, i) == "" {
			continue
		}
		name, absolute := effect.AppendName(buf[:0], e, i)
		buf = name
		if !absolute || w.Has(name) {
			return true, buf
		}
	}
	return false, buf
}
