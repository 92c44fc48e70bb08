package witness

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seawall/agent/gaps"
	"seawall/agent/refill"
	"seawall/pkg/audit"
	"seawall/pkg/kaudit"
)

// StateFile is the name, in Config.StateDir, of what is known of kernel audit and of what
// is missing (gaps.ReadLedger).
const StateFile = gaps.StateFile

// openState begins to keep account, where the sensor before ended if there was one in
// this boot.
func (a *Source) openState() {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	now := time.Now()
	boot := strings.TrimSpace(string(gaps.BootID()))
	s.asm = audit.NewAssembler(0, a.event)
	s.wake, s.starts = make(chan struct{}, 1), make(chan struct{}, 1)
	s.filled = map[uint32]bool{}
	left, err := gaps.Restore(a.cfg.StateDir, a.cfg.RunDir, boot, now)
	if err != nil {
		a.log.Warn("what the sensor before saw is not known exactly, or will not be to the next", "err", err)
	}
	s.ledger, s.mark, s.tracker, s.lazy = left.Ledger, left.Mark, left.Tracker, !left.Mapped
	if !left.Newest.IsZero() {
		s.resumed, s.anew = left.Newest, now.Add(anewTime)
	}
	s.base.left, s.base.filled, s.base.gaps = s.ledger.Left(), s.ledger.Filled, s.ledger.Found()
	// Nobody goes on with those that the sensor before wanted to fill.
	for _, g := range s.ledger.Pending() {
		s.missing = append(s.missing, *g)
	}
	wake(s.wake)
}

// closeState hands out what is open and keeps what is known for the next.
func (a *Source) closeState() {
	now := time.Now()
	s := &a.stream
	s.Lock()
	s.now = now
	s.asm.Close()
	a.giveBroken(1, 0)
	a.settleGaps(now.Add(2 * patience)) // nothing more will come
	s.Unlock()
	a.noteState(now)
	a.saveMark()
	s.Lock()
	defer s.Unlock()
	if err := s.mark.Close(); err != nil {
		a.log.Debug("what the sensor saw stays mapped", "err", err)
	}
}

// saveMark keeps on a disk which events were delivered. What waits for the disk is never
// who reads them.
func (a *Source) saveMark() {
	s := &a.stream
	s.Lock()
	b := s.mark.Encode()
	s.Unlock()
	if err := gaps.SaveMark(a.cfg.StateDir, b); err != nil {
		a.log.Warn("the next sensor cannot see what it missed", "err", err)
	}
}

// noteState writes what is known for people and for the next sensor.
func (a *Source) noteState(now time.Time) {
	a.rules.Lock()
	loaded, problems := a.rules.loaded, a.rules.set.Problems
	a.rules.Unlock()
	c := a.Counters()
	state := gaps.State{
		Time: now, PID: os.Getpid(), Mode: c.AuditMode, Reason: c.AuditReason, Profile: a.cfg.Profile,
		Records: c.Records, Events: c.Events, Overruns: c.Overruns,
		RulesWanted: loaded.Wanted, RulesLoaded: loaded.Loaded, RulesShared: loaded.Shared, RulesRefused: loaded.Refused,
	}
	for _, p := range problems {
		state.Problems = append(state.Problems, p.String())
	}
	var err error
	if state.LogFile, err = refill.LogFile(a.cfg.Root); err != nil {
		state.LogFile = ""
	}
	encoded, err := a.encodeState(state)
	if err == nil && encoded != nil && a.cfg.StateDir != "" {
		// A disk that hangs must not keep records from being read: nothing is locked here.
		err = gaps.WriteFile(filepath.Join(a.cfg.StateDir, StateFile), encoded)
	}
	if err != nil {
		a.log.Warn("what is missing of kernel audit is not kept", "err", err)
	}
}

// encodeState puts what the stream knows into state, and the whole into bytes.
func (a *Source) encodeState(state gaps.State) ([]byte, error) {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	if s.conn != nil {
		state.Buffer = s.conn.Buffer()
	}
	state.BacklogHigh = s.lost.High
	state.Hits = s.hits.Counts()
	state.Partial = s.asm.Stats().Partial
	s.ledger.Through = s.tracker.Through()
	if count, ok := s.lost.Count(); ok {
		s.ledger.KernelLost = &count
	}
	s.ledger.Note(state)
	a.count(&state)
	return s.ledger.Encode()
}

// count puts what a heartbeat has of state and gaps into the counters. The caller holds
// stream.
func (a *Source) count(state *gaps.State) {
	s := &a.stream
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &a.counters
	c.SerialGaps = s.ledger.Left() - min(s.ledger.Left(), s.base.left)
	c.AuditFilled = s.ledger.Filled - s.base.filled
	c.AuditGaps = s.ledger.Found() - s.base.gaps
	c.AuditPartial = state.Partial
	c.AuditBacklogHigh, c.AuditBuffer = uint64(state.BacklogHigh), uint64(state.Buffer)
	c.AuditRules, c.AuditRulesRefused = uint64(state.RulesLoaded), uint64(len(state.RulesRefused))
}

// baseline notes the kernel's counters as they are now. What it lost before is no loss of
// ours, but for what it lost since the sensor before looked.
func (a *Source) baseline(st kaudit.Status) {
	a.mu.Lock()
	a.counters.KernelLost, a.counters.AuditRateLimit = uint64(st.Lost), uint64(st.RateLimit)
	a.mu.Unlock()
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	head, _, _ := s.tracker.Head()
	now := time.Now()
	s.lost.Begin(st.Lost, st.Backlog, head, now)
	if before := s.ledger.KernelLost; before != nil {
		s.lost.Begin(*before, st.Backlog, head, cmp.Or(s.ledger.State.Time, now))
		a.seeLost(st, head, now)
	}
}

// seeLost notes what the kernel lost since the last look.
func (a *Source) seeLost(st kaudit.Status, head uint32, now time.Time) {
	if g, lost := a.stream.lost.See(st.Lost, st.Backlog, st.RateLimit, head, now); lost {
		a.stream.ledger.Add(g)
		a.tellGap(g)
	}
}

// watchStatus notes what the kernel's counters say.
func (a *Source) watchStatus(st kaudit.Status, now time.Time) {
	a.mu.Lock()
	a.counters.KernelLost, a.counters.AuditRateLimit = uint64(st.Lost), uint64(st.RateLimit)
	a.mu.Unlock()
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	head, _, _ := s.tracker.Head()
	a.seeLost(st, head, now)
}

// settleGaps gives up on serials that are missing for long, and returns them. The caller
// holds stream.
func (a *Source) settleGaps(now time.Time) []gaps.Gap {
	s := &a.stream
	found := s.tracker.Settle(now.Add(-patience), now)
	var lost []gaps.Gap
	clues := gaps.Clues{Resumed: s.resumed, Moved: s.moved, Overran: s.overran, Limited: s.lost.Limited}
	for i := range found {
		found[i].Cause = clues.Cause(&found[i])
		g := found[i]
		fill := g.Cause == gaps.Stopped || g.Cause == gaps.Switched || s.fillable
		if !fill || !g.Fillable() {
			g.Settled = true
			lost = append(lost, g)
		} else {
			s.missing = append(s.missing, g)
		}
		s.ledger.Add(g)
	}
	a.tellGaps(lost)
	if len(s.missing) > 0 {
		wake(s.wake)
	}
	return found
}

// tellGaps tells of gaps that are not filled, as one.
func (a *Source) tellGaps(lost []gaps.Gap) {
	if g, any := gaps.MergeAll(lost); any {
		a.tellGap(g)
	}
}

func (a *Source) tellGap(g gaps.Gap) {
	if a.cfg.Gap != nil && g.Left() > 0 {
		a.cfg.Gap(g)
	}
}

// fill reads what is missing from the audit daemon's log until ctx ends.
func (a *Source) fill(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.stream.wake:
		}
		a.stream.Lock()
		missing := a.stream.missing
		a.stream.missing = nil
		a.stream.Unlock()
		if len(missing) > 0 {
			a.fillGaps(ctx, missing)
		}
	}
}

// fillGaps reads gaps' events from the log, and gives up on those that it does not have.
func (a *Source) fillGaps(ctx context.Context, missing []gaps.Gap) {
	ranges := make([]refill.Range, 0, len(missing))
	for _, g := range missing {
		ranges = append(ranges, refill.Range{From: g.From, To: g.To, Before: g.Before, After: g.After})
	}
	found, err := refill.Look(ctx, a.cfg.Root, ranges, gaps.Missing(missing), a.filledEvent)
	if ctx.Err() != nil {
		a.putBack(missing) // whoever reads next goes on, or the next sensor
		return
	}
	why := "the audit daemon's log does not have them"
	if err != nil {
		why = err.Error()
	}
	a.giveUp(missing, why)
	a.log.Info("missing audit events were looked for in the audit daemon's log", "found", found, "missing", gaps.Missing(missing))
}

// putBack has gaps be filled by the next fill.
func (a *Source) putBack(missing []gaps.Gap) {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	s.missing = append(missing, s.missing...)
	wake(s.wake)
}

// giveUp ends what is done about gaps, for a reason.
func (a *Source) giveUp(missing []gaps.Gap, why string) {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	for _, g := range missing {
		a.giveBroken(g.From, g.To)
	}
	var lost []gaps.Gap
	for _, g := range missing {
		left, ok := s.ledger.Settle(g.From, g.To, why)
		if missing, known := s.mark.Missing(g.From, g.To); !ok && known {
			left, left.Why = g, why // it became a part of another
			left.Filled = g.Missing - min(missing, g.Missing)
		}
		if left.Left() > 0 {
			lost = append(lost, left)
		}
	}
	a.tellGaps(lost)
}

const maxFilled = 1 << 17

// filledEvent takes an event from the log, unless it came meanwhile.
func (a *Source) filledEvent(e *audit.Event) {
	s := &a.stream
	s.Lock()
	defer s.Unlock()
	if s.mark.Has(e.Serial) || !s.ledger.Came(e.Serial, true) {
		return
	}
	if len(s.filled) >= maxFilled {
		clear(s.filled)
	}
	s.filled[e.Serial] = true
	s.broken.Drop(e.Serial)
	a.deliver(e)
}

// giveBroken hands out the incomplete events that are kept of the serials from and to
// included, all when to is before from. The caller holds stream.
func (a *Source) giveBroken(from, to uint32) {
	s := &a.stream
	s.broken.Give(from, to, func(e *audit.Event) {
		if s.tracker.See(e.Serial, e.Time, s.now) == gaps.Again && !s.mark.Has(e.Serial) {
			s.ledger.Came(e.Serial, false)
		}
		a.deliver(e)
	})
}
