package admit

import (
	"context"
	"slices"
	"sync"
	"time"

	"seawall/collector/authority"
	"seawall/collector/fleet"
)

const (
	// retryAfter is when what could not be read is tried again.
	retryAfter = time.Second
	// mostNews bounds the members that are remembered to be read; beyond, all are.
	mostNews   = 5000
	lookWithin = 5 * time.Second
)

// pending is what others changed and was not read yet.
type pending struct {
	members   []fleet.HostID
	all       bool // of the members
	authority bool
}

func (p *pending) add(n fleet.News) {
	p.members = append(p.members, n.Members...)
	p.all = p.all || n.Lost || len(p.members) > mostNews
	p.authority = p.authority || n.Lost || slices.Contains(n.Topics, authority.Topic)
	if p.all {
		p.members = nil
	}
}

// follow reads what others changed, and tries again what fails.
func (m *Members) follow(ctx context.Context) error {
	var p pending
	var again <-chan time.Time
	for {
		select {
		case n, ok := <-m.news:
			if !ok {
				<-ctx.Done()
				return nil
			}
			p.add(n)
		case <-again:
		case <-ctx.Done():
			return nil
		}
		again = nil
		if err := m.read(ctx, &p); err != nil && ctx.Err() == nil {
			m.log.Warn("what other collectors changed is not read", "err", err)
			again = time.After(retryAfter)
		}
	}
}

// read reads what is pending. The authority is first: members are verified with it.
func (m *Members) read(ctx context.Context, p *pending) error {
	if p.authority {
		if err := m.Authority.Refresh(ctx); err != nil {
			return err
		}
		p.authority = false
	}
	if p.all {
		if err := m.Roster.Reload(ctx); err != nil {
			return err
		}
		p.all = false
	}
	if err := m.Roster.Refresh(ctx, p.members); err != nil {
		return err
	}
	p.members = nil
	return nil
}

// look does something for many who ask for it at once, and not too often.
type look struct {
	do    func(context.Context) error
	every time.Duration

	mu   sync.Mutex
	next *wave     // that has not begun; guarded by mu
	last time.Time // when one began; guarded by mu
}

// wave is those who wait for the same time that it is done.
type wave struct {
	done chan struct{}
	err  error // set before done is closed
}

// after returns what became of a time that began after the call.
func (l *look) after(ctx context.Context) error {
	l.mu.Lock()
	w, first := l.next, l.next == nil
	if first {
		w = &wave{done: make(chan struct{})}
		l.next = w
	}
	wait := time.Until(l.last.Add(l.every))
	l.mu.Unlock()
	if first { // the others wait for it, whatever becomes of this one's caller
		l.lead(context.WithoutCancel(ctx), w, wait)
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *look) lead(ctx context.Context, w *wave, wait time.Duration) {
	if wait > 0 {
		<-time.After(wait)
	}
	l.mu.Lock()
	l.next, l.last = nil, time.Now()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	w.err = l.do(ctx)
	close(w.done)
}
