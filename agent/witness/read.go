package witness

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/agent/listen"
	"seawall/agent/refill"
	"seawall/pkg/audit"
	"seawall/pkg/kaudit"
)

const (
	auditCheck = 15 * time.Second // between two looks at who the audit daemon is
	// soon is between two looks while events are incomplete or serials missing.
	soon = time.Second
	// patience is how long a serial is waited for; an event that lacks its end takes
	// audit.DefaultTimeout of it.
	patience = 2 * audit.DefaultTimeout
	// mutes is how often in a row the kernel may not answer before all begins anew.
	mutes = 5
	// anewTime is how long the kernel may send what it could not send to an audit daemon
	// that ended, although we heard it beside that.
	anewTime = 10 * time.Second
	// settled is how long the rules are left alone after somebody changed them:
	// augenrules first deletes all.
	settledRules = time.Second
)

// stream is what comes from the kernel, whichever connection it comes by. It is locked
// while records and events are handled.
type stream struct {
	sync.Mutex
	asm     *audit.Assembler
	now     time.Time
	tracker gaps.Tracker
	ledger  *gaps.Ledger
	mark    *gaps.Mark      // what was delivered
	lazy    bool            // the mark is in our memory, and kept on a disk from time to time
	overlap *listen.Overlap // what another connection gave; nil when there was none lately
	moved   time.Time       // when one connection followed another
	resumed time.Time       // the last event that the sensor before saw
	anew    time.Time       // until when what that saw can come once more
	name    []byte          // of event

	base struct {
		overruns uint64 // of connections that ended
		left     uint64 // missing when we began
		filled   uint64 // likewise
		gaps     uint64
	}
	conn     *kaudit.Conn
	overruns uint64    // as they were, of all connections
	overran  time.Time // when that grew
	filled   map[uint32]bool
	broken   refill.Broken
	hits     gaps.Hits // events of each key
	lost     gaps.Lost
	missing  []gaps.Gap // that are to be filled
	wake     chan struct{}
	fillable bool          // what is missing can be in the audit daemon's log
	starts   chan struct{} // an audit daemon was started
	rulesAt  time.Time     // when somebody changed the kernel's rules
	waits    bool          // for serials that are missing
}

// record handles one record.
func (a *Source) record(typ uint16, payload []byte, now time.Time) {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	s.now = now
	if s.overlap != nil && s.overlap.Had(typ, payload) {
		return
	}
	s.asm.Push(typ, payload, now)
}

// read assembles records to events until the connection ends or another mode fits.
func (a *Source) read(ctx context.Context, control *kaudit.Control, conn *kaudit.Conn) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	a.stream.Lock()
	a.stream.conn = conn
	_, err := refill.LogFile(a.cfg.Root)
	a.stream.fillable = conn.Mode() == kaudit.Multicast && err == nil
	a.stream.Unlock()
	wg.Go(func() { a.check(ctx, control, conn.Mode(), cancel) })
	if a.cfg.Mode == Auto && conn.Mode() == kaudit.Unicast {
		wg.Go(func() { a.giveWay(ctx, cancel) })
	}
	now := time.Now()
	first := true
	err = conn.ReceiveBatches(ctx, func(typ uint16, payload []byte) {
		if first {
			now, first = time.Now(), false
		}
		a.record(typ, payload, now)
		if typ == unix.AUDIT_REPLACE {
			cancel(listen.ErrYield)
		}
	}, func() {
		first = true
		a.tally()
	})
	if cause := context.Cause(ctx); cause != nil && outer.Err() == nil {
		return cause // another mode fits, or the kernel does not answer
	}
	return err
}

// giveWay leaves the place of the audit daemon to one that starts.
func (a *Source) giveWay(ctx context.Context, move context.CancelCauseFunc) {
	select {
	case <-a.stream.starts: // while it was not ours
	default:
	}
	select {
	case <-ctx.Done():
	case <-a.stream.starts:
		move(listen.ErrStart)
	}
}

// tally notes what was read, and how far. It is called after each batch.
func (a *Source) tally() {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	st := s.asm.Stats()
	overruns := s.base.overruns + s.conn.Overruns()
	if overruns != s.overruns {
		s.overruns, s.overran = overruns, time.Now()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counters.Records, a.counters.Events = st.Records, st.Events
	a.counters.Overruns = overruns
}

// check looks from time to time at who the audit daemon is, at what is missing and at the
// rules; sooner when something says that it is worth it.
func (a *Source) check(ctx context.Context, control *kaudit.Control, mode kaudit.Mode, move context.CancelCauseFunc) {
	tick := time.NewTicker(auditCheck)
	defer tick.Stop()
	again := time.NewTimer(soon)
	defer again.Stop()
	var watch listen.Daemon
	defer watch.Close()
	mute := 0
	for {
		whole := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			whole = true
		case <-again.C:
		case <-a.nudge:
		}
		now := time.Now()
		waiting := a.tidy(now, whole)
		if a.stream.lazy {
			a.saveMark()
		}
		status, err := control.Status()
		if err != nil {
			if mute++; mute == mutes {
				move(err)
				return
			}
			again.Reset(soon)
			continue
		}
		mute = 0
		a.watchStatus(status, now)
		a.link.Tend(control, status)
		watch.Follow(status.PID, a.nudge)
		over, later := a.link.Over(mode, status, now)
		if over {
			a.log.Info("the audit daemon changed", "pid", status.PID)
			move(listen.ErrMove)
			return
		}
		if whole || a.rulesChanged(now) {
			a.compare()
		}
		if whole || a.learned() {
			a.noteState(now)
		}
		if waiting || later {
			again.Reset(soon)
		}
	}
}

// tidy hands out events whose time is over and settles what is missing. It reports
// whether something is waited for still.
func (a *Source) tidy(now time.Time, whole bool) bool {
	waits, found := a.tidied(now, whole)
	if len(found) > 0 {
		a.log.Warn("kernel audit events are missing", "serials", gaps.Missing(found), "gaps", len(found), "cause", found[0].Cause)
	}
	return waits
}

// tidied is tidy without a word to the log, which can make wait whoever writes to it.
func (a *Source) tidied(now time.Time, whole bool) (waits bool, found []gaps.Gap) {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	s.now = now
	s.asm.Flush(now)
	if s.overlap != nil && now.After(s.overlap.Until) {
		s.overlap = nil
	}
	found = a.settleGaps(now)
	if whole && a.cfg.Tick != nil {
		a.cfg.Tick(now)
	}
	s.waits = s.tracker.Open()
	return s.waits || s.overlap != nil || s.asm.Stats().Open > 0 || !s.rulesAt.IsZero(), found
}

// learned reports whether something is known of gaps that is not kept yet.
func (a *Source) learned() bool {
	a.stream.Lock()
	defer a.stream.Unlock()
	return a.stream.ledger.Changed()
}

// rulesChanged reports whether somebody changed the kernel's rules a while ago.
func (a *Source) rulesChanged(now time.Time) bool {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	if s.rulesAt.IsZero() || now.Sub(s.rulesAt) < settledRules {
		return false
	}
	s.rulesAt = time.Time{}
	return true
}

// poke has check look at once.
func (a *Source) poke() { wake(a.nudge) }

// wake tells whoever reads c, which holds one word, without waiting.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
