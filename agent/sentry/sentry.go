package sentry

import (
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/agent/login"
	"seawall/agent/places"
	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/names"
	"seawall/pkg/redact"
	"seawall/pkg/sigma"
)

const maxAllow = 1 << 20 // bytes of an allow list

// Config is what a Sentry needs. Log is required.
type Config struct {
	Log  *slog.Logger
	Root hostfs.Root
	// Dir and Allow are the host's own rules and allow list. They need not exist.
	Dir, Allow string
	Redact     *redact.Redactor
	// Off leaves the rules out: only gaps are told.
	Off bool
	// Kept is a file that keeps what was counted and not told over a kill; "" is none.
	Kept string
}

// Sentry is the detections at work.
type Sentry struct {
	cfg   Config
	queue queue

	// Of the reader of events.
	detector *detect.Detector // nil while no rules could be compiled
	table    *process.Table
	sessions *login.Sessions
	users    names.Users
	places   *places.Places
	hole     *hole // nil where no events are missing
	grown    grown

	next atomic.Pointer[detect.Detector] // takes the place of detector

	mu      sync.Mutex
	stats   detect.Stats // of the detector, at its last Tick
	before  detect.Stats // of those before it
	loaded  loaded
	changed bool // files of rules changed since they were read
}

// loaded is what rules were read.
type loaded struct {
	own, theirs int
	faults      []error
	allow       *detect.Detector // for its expired allowances
}

// New reads the rules, the processes that run and who is logged in. What is wrong with
// any of it is logged and does not stop the rest.
func New(cfg Config) *Sentry {
	s := &Sentry{cfg: cfg, queue: newQueue(), table: process.New(process.Config{Root: cfg.Root}), users: names.Users{Root: cfg.Root}, places: places.New(cfg.Root)}
	s.sessions = login.New(login.Config{Root: cfg.Root, Sender: s.sender})
	s.restore()
	if cfg.Off {
		return s
	}
	if err := s.table.Scan(); err != nil {
		cfg.Log.Warn("processes that ran before are known by their numbers alone", "err", err)
	}
	if err := s.sessions.Load(time.Now()); err != nil {
		cfg.Log.Warn("some who logged in before are known without where from", "err", err)
	}
	s.Reload(time.Now())
	return s
}

// sender tells the sessions of a process that wrote a record.
func (s *Sentry) sender(pid uint32, at time.Time) (login.Sender, bool) {
	p := s.table.Lookup(pid, at)
	if p == nil {
		return login.Sender{}, false
	}
	return login.Sender{Exe: p.Exe, EUID: p.EUID, Contained: s.table.Contained(p)}, true
}

// Observe holds an event against the rules. It keeps nothing of it.
func (s *Sentry) Observe(e *audit.Event) {
	if s.cfg.Off {
		return
	}
	if d := s.next.Swap(nil); d != nil {
		s.take(d)
	}
	if s.detector != nil {
		s.detector.Observe(e)
		return
	}
	s.table.Observe(e)
	s.sessions.Observe(e)
}

// take gives a new detector the old one's place.
func (s *Sentry) take(d *detect.Detector) {
	if s.detector != nil {
		s.detector.Close()
		s.publish(true)
	}
	s.detector = d
}

// Tick says how late it is: detections that grew are reported.
func (s *Sentry) Tick(now time.Time) {
	if d := s.next.Swap(nil); d != nil {
		s.take(d)
	}
	if s.detector != nil {
		s.detector.Advance(now)
		s.publish(false)
	}
	s.advanceHole(now)
	s.noteGrown(now, false)
	if !s.cfg.Off {
		s.places.Tick(now)
	}
}

// Close reports what was not yet, after the last event.
func (s *Sentry) Close() {
	if s.detector != nil {
		s.detector.Close()
		s.publish(true)
		s.detector = nil
	}
	s.endHole()
	s.noteGrown(s.grown.at, true)
	s.places.Close()
}

// publish shows others what the detector counted, for the last time or not.
func (s *Sentry) publish(last bool) {
	st := s.detector.Stats()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = st
	if last {
		s.before, s.stats = sum(s.before, st), detect.Stats{}
	}
}

func sum(a, b detect.Stats) detect.Stats {
	return detect.Stats{Events: a.Events + b.Events, Matches: a.Matches + b.Matches, Suppressed: a.Suppressed + b.Suppressed,
		Reports: a.Reports + b.Reports, Merged: a.Merged + b.Merged, Lost: a.Lost + b.Lost, Open: b.Open}
}

// Count adds what was counted to a heartbeat's counters.
func (s *Sentry) Count(c *finding.Counters) {
	s.mu.Lock()
	st, l := sum(s.before, s.stats), s.loaded
	s.mu.Unlock()
	c.Detections, c.DetectionsSuppressed, c.DetectionsLost = st.Matches, st.Suppressed, st.Lost
	c.DetectionRules, c.DetectionFaults = uint64(l.own+l.theirs), uint64(len(l.faults))
}

// Ready is sent to when there is something to deliver.
func (s *Sentry) Ready() <-chan struct{} { return s.queue.ready }

// Deliver gives each detection that waits to to, the first found first, until one
// could not be delivered. Then it keeps what may be lost.
func (s *Sentry) Deliver(to func(*finding.Detection) error) error {
	err := s.queue.deliver(func(d *finding.Detection) error {
		if err := to(d); err != nil {
			return err
		}
		s.grown.told(d)
		return nil
	})
	s.keep()
	return err
}

// Files are the names that the rules depend on, directories with "/" at the end.
func (s *Sentry) Files() []string {
	return []string{strings.TrimSuffix(s.cfg.Dir, "/") + "/", s.cfg.Allow}
}

// Affected reports whether a changed name is of the rules, which Changed then says too.
func (s *Sentry) Affected(name string) bool {
	dir := path.Clean(s.cfg.Dir)
	of := name == dir || strings.HasPrefix(name, dir+"/") || name == s.cfg.Allow ||
		strings.HasPrefix(dir, name+"/") || strings.HasPrefix(s.cfg.Allow, name+"/")
	if of {
		s.mu.Lock()
		s.changed = true
		s.mu.Unlock()
	}
	return of
}

// Changed reports whether the rules that stand in files are others than those at work.
func (s *Sentry) Changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Reload reads rules and allow list again, and has them work from the next event on.
// Where nothing can be compiled, what works now goes on.
func (s *Sentry) Reload(now time.Time) {
	s.mu.Lock()
	s.changed = false
	s.mu.Unlock()
	list, ruleErr := rules.Load(s.cfg.Root, s.cfg.Dir)
	for i := range list {
		list[i].Custom = nil // examples, which are for lint
	}
	allowed, allowErr := s.allowances(now)
	d, err := detect.New(detect.Config{
		Rules: list, Allow: allowed, Processes: s.table, Sessions: s.sessions, User: s.users.Name, Place: s.places.Name, Redact: s.cfg.Redact,
		Report: s.queue.put, Full: s.queue.full,
	})
	l := loaded{faults: faults(errors.Join(ruleErr, allowErr, err)), allow: d}
	for i := range list {
		if own(&list[i]) {
			l.own++
		} else {
			l.theirs++
		}
	}
	for _, fault := range l.faults {
		s.cfg.Log.Error("a detection is left out", "err", fault)
	}
	if d == nil {
		s.cfg.Log.Error("no detections: the rules cannot be compiled")
	}
	s.mu.Lock()
	s.loaded = l
	s.mu.Unlock()
	if d != nil {
		s.next.Store(d)
		s.cfg.Log.Info("detections", "own", l.own, "of_the_host", l.theirs, "faults", len(l.faults))
	}
}

// own reports whether a rule is one of Seawall's: those have no directory.
func own(r *sigma.Rule) bool { return !strings.Contains(r.File, "/") }

// allowances reads the allow list, of one with a fault nothing.
func (s *Sentry) allowances(now time.Time) ([]detect.Allowance, error) {
	text, err := s.cfg.Root.ReadFile(s.cfg.Allow, maxAllow)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return detect.ParseAllow(s.cfg.Allow, text, now)
}

// faults takes joined errors apart.
func faults(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, faults(e)...)
	}
	return all
}
