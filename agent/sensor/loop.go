package sensor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"seawall/agent/footprint"
	"seawall/agent/host"
	"seawall/agent/witness"
	"seawall/pkg/finding"
	"seawall/pkg/fswatch"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

const (
	// Retry of what could not be appended.
	minBackoff = 250 * time.Millisecond
	maxBackoff = 30 * time.Second
	maxNames   = 256 // changed names kept per stale group
	maxStatus  = 512
	sayAgain   = time.Minute // until the same trouble of the spool is logged again
	// lookTimeout is less than systemd's watchdog waits: programs that hang make
	// their facts errors, and the sensor goes on.
	lookTimeout = 30 * time.Second
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
			s.owed.state = true
			s.report(s.settle(time.Now()))
		case <-watchdog:
			s.cfg.Notify("WATCHDOG=1")
		}
	}
}

// auditWait is how long the first look waits for kernel audit to be as it will be.
const auditWait = 2 * time.Second

// start reads everything once and tells the spool the whole state.
func (s *Sensor) start(ctx context.Context) {
	begin := time.Now()
	select {
	case <-s.audit.Settled():
	case <-time.After(auditWait):
	case <-ctx.Done():
		return
	}
	reading := s.look(ctx)
	s.ledger.replace(reading.Results)
	// What changed before it was watched is seen by looking once more.
	for _, g := range s.cfg.Host.Groups {
		s.stale[g] = staleGroup{since: time.Now()}
	}
	s.owed.pack, s.owed.state = true, true
	s.report(s.settle(time.Now()))
	s.beat(ctx)
	s.cfg.Notify("READY=1")
	s.status()
	s.log.Info("sensor started", "results", len(reading.Results), "took", time.Since(begin).Round(time.Millisecond))
}

// look reads groups, all when none is named, evaluates the checks that need them,
// and watches what they depend on now.
func (s *Sensor) look(ctx context.Context, groups ...string) Reading {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	start := time.Now()
	reading := s.cfg.Host.Look(ctx, groups...)
	s.evals += uint64(len(reading.Results))
	names := s.cfg.Host.Depends()
	s.follow(names)
	s.audit.Watch(names)
	end := time.Now()
	for g, took := range reading.Took {
		last := s.lastRun[g]
		last.Done(start, end, took)
		s.lastRun[g] = last
	}
	return reading
}

// follow has inotify watch names. A user can have no instance of it left: then every beat looks
// at everything and tries again.
func (s *Sensor) follow(names []string) {
	if s.watch == nil {
		w, err := fswatch.New()
		if err != nil {
			if !s.blind {
				s.log.Warn("changes of files are seen once in a heartbeat: raise fs.inotify.max_user_instances", "every", s.cfg.Heartbeat, "err", err)
			}
			s.blind = true
			return
		}
		s.watch = w
		s.watched <- w
	}
	if err := s.watch.Set(names); err != nil {
		s.log.Warn("some names are not watched by inotify", "err", err)
	}
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
		groups = s.cfg.Host.Affected(name)
	}
	if c.cause != nil {
		s.blame.note(name, *c.cause)
	}
	if s.missed.CompareAndSwap(true, false) {
		s.log.Warn("changes came faster than they could be taken, checking everything")
		groups = s.cfg.Host.Groups
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
	if next := last.Next(s.cfg.Host.Spacing[g]); next.After(due) {
		due = next
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
		if next.IsZero() || s.retry.Before(next) {
			next = s.retry
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
	if s.pending && len(groups) == 0 && !s.retry.After(now) {
		return s.cfg.Host.Groups
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
	when := span{previous: s.previous(groups), start: time.Now()}
	reading := s.look(ctx, groups...)
	if ctx.Err() != nil {
		return
	}
	when.end = time.Now()
	s.gather(ctx, groups, names, when, reading.Results)
	now := time.Now()
	before := s.ledger.changes
	all := slices.Concat(slices.Collect(maps.Values(names))...)
	err := errors.Join(s.settle(now), s.ledger.update(now, reading.Checks, reading.Results, func(r *finding.Result) *finding.Cause {
		cause, _ := s.blame.explain(r, all, when)
		s.late.told(r, cause, all, now)
		return cause
	}), s.attribute(now, reading.Results, all, when))
	if s.ledger.speaks(reading.Checks, reading.Results) {
		s.owed.state = true
		err = errors.Join(err, s.settle(now))
	}
	if s.ledger.changes != before {
		err = errors.Join(err, s.cfg.Spool.Sync())
		s.status()
	}
	s.report(err)
	if len(s.stale) == 0 {
		s.rest()
	}
}

// rest gives back, once, the memory that reading package lists, compiling checks and
// looking at everything twice took, and that an idle sensor does not need.
func (s *Sensor) rest() {
	if !s.rests {
		s.rests = true
		debug.FreeOSMemory()
		footprint.Trim()
	}
}

// causeWait is how long a difference that nothing explains waits for the kernel to
// send who made it: the content of a file is there before the event of its writer.
const causeWait = 50 * time.Millisecond

// previous returns when the look before began, the earliest of groups.
func (s *Sensor) previous(groups []string) time.Time {
	var t time.Time
	for _, g := range groups {
		if last := s.lastRun[g].Start; t.IsZero() || last.Before(t) {
			t = last
		}
	}
	return t
}

// gather adds to names, by group, those that changed while the groups were read.
func (s *Sensor) gather(ctx context.Context, groups []string, names map[string][]string, when span, results []finding.Result) {
	add := func() {
		s.drain()
		for _, g := range groups {
			names[g] = append(names[g], s.stale[g].names...)
		}
	}
	add()
	if !s.unexplained(names, when, results) || s.audit.Counters().AuditMode == string(witness.Off) {
		return
	}
	wait := time.NewTimer(causeWait)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
			return
		case c := <-s.queue:
			s.take(c)
			add()
			if !s.unexplained(names, when, results) {
				return
			}
		}
	}
}

// unexplained reports whether a file's change made a result differ and it is not
// known who changed it.
func (s *Sensor) unexplained(names map[string][]string, when span, results []finding.Result) bool {
	all := slices.Concat(slices.Collect(maps.Values(names))...)
	for i := range results {
		r := &results[i]
		if !s.ledger.differs(r) {
			continue
		}
		if _, sure := s.blame.explain(r, all, when); !sure {
			return true
		}
	}
	return false
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

// report notes what could not be appended and when to try again.
func (s *Sensor) report(err error) {
	before := s.pending
	defer func() {
		if s.pending != before {
			s.status()
		}
	}()
	if err == nil {
		if s.pending && s.said {
			s.log.Info("spool takes records again")
		}
		s.pending, s.said, s.backoff = false, false, 0
		return
	}
	// On a full disk every small record may find room and the next not.
	if !s.pending && time.Since(s.saidAt) > sayAgain {
		s.said, s.saidAt = true, time.Now()
		s.log.Error("record not in the spool, trying again", "err", err)
	}
	s.pending, s.trouble = true, err
	s.backoff = min(max(2*s.backoff, minBackoff), maxBackoff)
	s.retry = time.Now().Add(s.backoff)
}

// beat appends a heartbeat and makes the groups stale whose time has come by the
// clock.
func (s *Sensor) beat(ctx context.Context) {
	now := time.Now()
	if now.Sub(s.started) >= s.cfg.Heartbeat {
		s.rest() // also where files change all the time
	}
	if s.owe() {
		s.report(s.settle(now))
	}
	h, err := host.Read(ctx, s.cfg.Root, s.cfg.Version)
	if err != nil {
		s.log.Debug("host facts are incomplete", "err", err)
	}
	err = s.ledger.write(laneHealth, wire.Record{Time: now, Heartbeat: &finding.Heartbeat{Host: h, Counter: s.counters(now)}})
	if err != nil {
		s.log.Warn("heartbeat not in the spool", "err", err)
	}
	if mute := err != nil; mute != s.mute {
		s.mute, s.trouble = mute, cmp.Or(err, s.trouble)
		s.status()
	}
	due := s.clock.due(now)
	if s.blind {
		due = s.cfg.Host.Groups
		s.blind = s.watch == nil // a last time after it is watched
	}
	for _, g := range due {
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
	s.cfg.Detections.Count(&c)
	for _, l := range s.cfg.Spool.Stats() {
		c.SpoolBytes += uint64(l.Bytes)
		c.SpoolEvicted += l.Evicted
		c.SpoolRefused += l.Refused
		c.SpoolDamaged += l.Damaged
		if l.Lane == lanePosture {
			c.SpoolEpoch, c.SpoolSeq = l.Epoch, l.Last
		}
	}
	return c
}

// status puts one line into systemctl status.
func (s *Sensor) status() {
	n, c := s.ledger.counts(), s.audit.Counters()
	line := fmt.Sprintf("%d fail, %d pass, %d unknown or error; audit %s",
		n[finding.StatusFail], n[finding.StatusPass], n[finding.StatusUnknown]+n[finding.StatusError], c.AuditMode)
	if c.AuditMode == string(witness.Off) && c.AuditReason != "" {
		line += ", who makes changes is not seen: " + c.AuditReason
	}
	if s.pending || s.mute {
		line = fmt.Sprintf("findings cannot be kept: %v; %s", s.trouble, line)
	}
	s.cfg.Notify("STATUS=" + text.Terminal(text.Clean(line, maxStatus)))
}
