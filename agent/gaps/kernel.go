package gaps

import "time"

// Lost follows the kernel's own count of lost events. The zero Lost has no baseline yet.
type Lost struct {
	known bool
	count uint32
	at    time.Time
	head  uint32
	// High is the most records seen in the kernel's queue.
	High uint32
	// Limited says that what was lost last was lost under a rate limit.
	Limited bool
}

// Begin takes the count as it is now: what was lost before is nobody's here.
func (l *Lost) Begin(count, backlog, head uint32, now time.Time) {
	*l = Lost{known: true, count: count, at: now, head: head, High: backlog}
}

// See notes the kernel's counters and the newest serial, and returns a gap where the count
// grew. Under a rate limit there is none: what that keeps out has serials, which are missed
// by themselves.
func (l *Lost) See(count, backlog, limit, head uint32, now time.Time) (Gap, bool) {
	more := count - l.count
	lost := l.known && more > 0 && more < 1<<31
	g := Gap{
		From: l.head, To: head, Missing: uint64(more), Before: l.at, After: now, Found: now,
		Cause: Backlog, Settled: true,
	}
	if lost {
		l.Limited = limit > 0
	}
	*l = Lost{true, count, now, head, max(l.High, backlog), l.Limited}
	return g, lost && limit == 0
}

// Count is the kernel's count as it was then; known is false before Begin.
func (l *Lost) Count() (count uint32, known bool) { return l.count, l.known }

// At is when the counters were looked at last.
func (l *Lost) At() time.Time { return l.at }
