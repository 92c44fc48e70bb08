package sentry

import (
	"sync"

	"seawall/pkg/finding"
)

// Bounds of the queue: all detections that may be open at once fit when they end.
const (
	maxQueue = 2048
	maxBytes = 4 << 20
)

// queue holds detections for whoever delivers them. One goroutine puts, another
// delivers.
type queue struct {
	ready chan struct{}

	mu    sync.Mutex
	order []string // ids, the first to be delivered first
	byID  map[string]finding.Detection
	bytes int
}

func newQueue() queue {
	return queue{ready: make(chan struct{}, 1), byID: map[string]finding.Detection{}}
}

// full reports whether there is room for no more.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.order) >= maxQueue || q.bytes >= maxBytes
}

// put puts a detection last, or in the place of its earlier report.
func (q *queue) put(d finding.Detection) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if old, waits := q.byID[d.ID]; waits {
		q.bytes -= size(&old)
	} else {
		q.order = append(q.order, d.ID)
	}
	q.byID[d.ID] = d
	q.bytes += size(&d)
	q.wake()
}

// wake has deliver called.
func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// waiting returns what was not delivered.
func (q *queue) waiting() (list []finding.Detection) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range q.order {
		list = append(list, q.byID[id])
	}
	return list
}

// deliver empties the queue as far as to takes what is in it.
func (q *queue) deliver(to func(*finding.Detection) error) error {
	for {
		d, ok := q.first()
		if !ok {
			return nil
		}
		if err := to(&d); err != nil {
			return err
		}
		q.delivered(&d)
	}
}

func (q *queue) first() (finding.Detection, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		return finding.Detection{}, false
	}
	return q.byID[q.order[0]], true
}

// delivered takes away the first, unless it grew meanwhile.
func (q *queue) delivered(d *finding.Detection) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.byID[d.ID]
	if now.Count != d.Count || now.Ended != d.Ended {
		return
	}
	q.bytes -= size(&now)
	delete(q.byID, d.ID)
	q.order = q.order[1:]
	if len(q.order) == 0 {
		q.order = nil
	}
}

// size is what a detection is accounted for.
func size(d *finding.Detection) int {
	n := 1024
	for i := range d.Samples {
		s := &d.Samples[i]
		n += 512 + len(s.Command) + len(s.Target)
		for j := range s.Ancestry {
			n += len(s.Ancestry[j].Exe) + len(s.Ancestry[j].Command)
		}
		for _, r := range s.Records {
			n += len(r)
		}
	}
	return n
}
