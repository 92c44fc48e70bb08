package sensor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"seawall/agent/facts"
	"seawall/agent/host"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

const (
	// rest is how many times its own cost a group rests between two readings.
	rest    = 4
	maxRest = 5 * time.Second
	// Retry of what could not be appended.
	minBackoff = 250 * time.Millisecond
	maxBackoff = 30 * time.Second
	maxNames   = 256 // changed names kept per stale group
)

// loop owns the sensor's state. It wakes for changes, for a stale group whose time
// has come, and for heartbeats; nothing else costs an idle host anything.
func (s *Sensor) loop(ctx context.Context) error {
	s.start(ctx)
	heartbeat := time.NewTicker(s.cfg.Heartbeat)
	defer heartbeat.Stop()
	state := time.NewTicker(s.cfg.State)
	defer state.Stop()
	watchdog := make(<-chan time.Time)
	if s.cfg.Watchdog > 0 {
		t := time.NewTicker(s.cfg.Watchdog / 2)
		defer t.Stop()
		watchdog = t.C
	}
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		s.arm(due)
		select {
		case <-ctx.Done():
			s.stop()
			return ctx.Err()
		case c := <-s.queue:
			s.take(c)
		case <-due.C:
			s.evaluate(ctx, s.ready(time.Now()))
		case <-heartbeat.C:
			s.beat(ctx)
		case <-state.C:
			s.oweState = true
			s.report(s.settle(time.Now()))
		case <-watchdog:
			s.cfg.Notify("WATCHDOG=1")
		}
	}
}

// start reads everything once and tells the spool the whole state.
func (s *Sensor) start(ctx context.Context) {
	begin := time.Now()
	f := s.cfg.Facts.Read(ctx)
	s.follow()
	results := s.cfg.Policy.Evaluate(f, time.Now())
	s.evals += uint64(len(results))
	s.ledger.replace(results)
	now := time.Now()
	for _, g := range facts.Groups() {
		s.lastRun[g] = cost{now, f.Meta(g).Took}
	}
	s.owePack, s.oweState = true, true
	s.report(s.settle(now))
	s.beat(ctx)
	// Reading package lists and compiling checks takes memory once that an idle
	// sensor does not need.
	debug.FreeOSMemory()
	s.cfg.Notify("READY=1")
	s.status()
	s.log.Info("sensor started", "results", len(results), "took", time.Since(begin).Round(time.Millisecond))
}

// settle appends the pack and the state when the spool has yet to be told.
func (s *Sensor) settle(now time.Time) error {
	if s.owePack {
		f := s.cfg.Facts.Facts()
		if err := s.ledger.pack(now, s.cfg.Policy.Pack(f.System.Family).Checks); err != nil {
			return err
		}
		s.owePack = false
	}
	if s.oweState {
		if err := s.ledger.state(now); err != nil {
			return err
		}
		s.oweState = false
	}
	return nil
}

// stop tells systemd and makes what was appended durable.
func (s *Sensor) stop() {
	s.cfg.Notify("STOPPING=1")
	if err := s.cfg.Spool.Sync(); err != nil {
		s.log.Error("sync spool at stop", "err", err)
	}
	s.log.Info("sensor stopped", "changes", s.ledger.changes)
}

// take files one change under the groups that it makes stale.
func (s *Sensor) take(c change) {
	now := time.Now()
	name, groups := c.name, []string{c.group}
	if name == "" {
		name = "group " + c.group // no file's name: it is not absolute
	} else {
		groups = s.cfg.Facts.Affected(name)
	}
	if c.cause != nil {
		s.blame.note(name, *c.cause)
	}
	if s.missed.CompareAndSwap(true, false) {
		s.log.Warn("changes came faster than they could be taken, checking everything")
		groups = facts.Groups()
	}
	for _, g := range groups {
		st, ok := s.stale[g]
		if !ok {
			st.since = now
		}
		if len(st.names) < maxNames && !slices.Contains(st.names, name) {
			st.names = append(st.names, name)
		}
		s.stale[g] = st
	}
}

// when returns the time at which the stale group g may be read.
func (s *Sensor) when(g string) time.Time {
	last := s.lastRun[g]
	due := s.stale[g].since.Add(s.cfg.Coalesce)
	if rested := last.end.Add(min(rest*last.took, maxRest)); rested.After(due) {
		due = rested
	}
	return due
}

// arm sets the timer to the next stale group's time, or to the retry of what
// could not be appended.
func (s *Sensor) arm(due *time.Timer) {
	var next time.Time
	for g := range s.stale {
		if t := s.when(g); next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if s.pending {
		if t := time.Now().Add(s.backoff); next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if next.IsZero() {
		due.Stop()
		return
	}
	due.Reset(time.Until(next))
}

// ready returns the stale groups whose time has come; with something pending,
// every group that the ledger may differ in.
func (s *Sensor) ready(now time.Time) []string {
	var groups []string
	for g := range s.stale {
		if !s.when(g).After(now) {
			groups = append(groups, g)
		}
	}
	if s.pending && len(groups) == 0 {
		return facts.Groups()
	}
	return groups
}

// evaluate reads groups again and emits what differs.
func (s *Sensor) evaluate(ctx context.Context, groups []string) {
	if len(groups) == 0 {
		return
	}
	// What changed while this was waiting belongs to this reading.
	s.drain()
	names := map[string][]string{}
	for _, g := range groups {
		names[g] = s.stale[g].names
		delete(s.stale, g)
	}
	f := s.cfg.Facts.Read(ctx, groups...)
	if ctx.Err() != nil {
		return
	}
	s.follow()
	now := time.Now()
	for _, g := range groups {
		s.lastRun[g] = cost{now, f.Meta(g).Took}
	}
	// The causes of what happened up to now are in the queue by now.
	s.drain()
	checks := s.cfg.Policy.ForGroups(groups...)
	results := s.cfg.Policy.Evaluate(f, now, checks...)
	s.evals += uint64(len(results))
	before := s.ledger.changes
	all := slices.Concat(slices.Collect(maps.Values(names))...)
	err := errors.Join(s.settle(now), s.ledger.update(now, checks, results, func(r *finding.Result) *finding.Cause {
		return s.blame.explain(r, all, now)
	}))
	if s.ledger.changes != before {
		err = errors.Join(err, s.cfg.Spool.Sync())
		s.status()
	}
	s.report(err)
}

// drain takes what is in the queue without waiting.
func (s *Sensor) drain() {
	for {
		select {
		case c := <-s.queue:
			s.take(c)
		default:
			return
		}
	}
}

// follow watches what the facts depend on now.
func (s *Sensor) follow() {
	names := s.cfg.Facts.Depends()
	if err := s.watch.Set(names); err != nil {
		s.log.Warn("some names are not watched by inotify", "err", err)
	}
	s.audit.Watch(names)
}

// report notes what could not be appended and when to try again.
func (s *Sensor) report(err error) {
	if err == nil {
		if s.pending {
			s.log.Info("spool takes records again")
		}
		s.pending, s.backoff = false, 0
		return
	}
	if !s.pending {
		s.log.Error("record not in the spool, trying again", "err", err)
	}
	s.pending = true
	s.backoff = min(max(2*s.backoff, minBackoff), maxBackoff)
}

// beat appends a heartbeat and makes the groups stale that change without a file
// changing: the clock, the kernel's audit state, units.
func (s *Sensor) beat(ctx context.Context) {
	now := time.Now()
	h, err := host.Read(ctx, s.cfg.Root, s.cfg.Version)
	if err != nil {
		s.log.Debug("host facts are incomplete", "err", err)
	}
	err = s.ledger.write(laneHealth, wire.Record{Time: now, Heartbeat: &finding.Heartbeat{Host: h, Counter: s.counters(now)}})
	if err != nil {
		s.log.Warn("heartbeat not in the spool", "err", err)
	}
	for _, g := range []string{"audit", "system", "patch"} {
		if _, ok := s.stale[g]; !ok {
			s.stale[g] = staleGroup{since: now}
		}
	}
}

func (s *Sensor) counters(now time.Time) finding.Counters {
	c := s.audit.Counters()
	c.Evaluations, c.Changes = s.evals, s.ledger.changes
	c.CPUSeconds, c.RSSBytes = host.Self()
	c.UptimeSeconds = uint64(now.Sub(s.started).Seconds())
	for _, l := range s.cfg.Spool.Stats() {
		c.SpoolBytes += uint64(l.Bytes)
		c.SpoolEvicted += l.Evicted
		if l.Lane == lanePosture {
			c.SpoolEpoch, c.SpoolSeq = l.Epoch, l.Last
		}
	}
	return c
}

// status puts one line into systemctl status.
func (s *Sensor) status() {
	n := s.ledger.counts()
	s.cfg.Notify(fmt.Sprintf("STATUS=%d fail, %d pass, %d unknown or error; audit %s",
		n[finding.StatusFail], n[finding.StatusPass], n[finding.StatusUnknown]+n[finding.StatusError], s.audit.Counters().AuditMode))
}
