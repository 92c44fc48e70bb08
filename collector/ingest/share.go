package ingest

import "sync"

// The bounds of a host's credit. The lower one is also the least that makes
// batches worth while.
const (
	minCredit = 16 << 10
	maxCredit = 1 << 20
)

// share divides a budget of bytes among the streams. It changes its mind only when
// the share has halved or doubled, so that not every arrival concerns everyone.
type share struct {
	mu      sync.Mutex
	budget  int           // constant
	streams int           // guarded by mu
	credit  int           // as told; guarded by mu
	changed chan struct{} // closed and replaced when credit changes; guarded by mu
}

func newShare(budget int) *share {
	return &share{budget: budget, credit: clampCredit(budget), changed: make(chan struct{})}
}

func clampCredit(n int) int { return min(max(n, minCredit), maxCredit) }

// add counts more streams, or fewer.
func (s *share) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams += n
	credit := clampCredit(s.budget / max(s.streams, 1))
	if credit > s.credit/2 && credit < s.credit*2 {
		return
	}
	if credit != s.credit {
		s.credit = credit
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// now returns a stream's credit, and what is closed when that changes.
func (s *share) now() (credit int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credit, s.changed
}
