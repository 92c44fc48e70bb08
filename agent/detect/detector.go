package detect

import (
	"errors"
	"time"

	"seawall/agent/login"
	"seawall/agent/process"
	"seawall/agent/taxonomy"
	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/redact"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/correlate"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/match"
)

// Config is what a Detector needs. Rules and Report are required.
type Config struct {
	Rules []sigma.Rule
	Allow []Allowance
	// Report takes each detection, which it may keep. It must not wait.
	Report func(finding.Detection)
	// Full says that Report has no room now: what goes on is reported later then, and
	// what ends is counted as lost. It may be nil.
	Full func() bool

	Processes *process.Table
	Sessions  *login.Sessions
	// User names a user, or returns "".
	User func(uid uint32) string
	// Place names a file by device and inode, or returns ""; see taxonomy.Config. It may be nil.
	Place func(dev [2]uint32, inode uint64, needed bool) string
	// Redact hides secrets of command lines; nil is package redact's usual.
	Redact *redact.Redactor
	// Matched is called for each match of a rule, with its index, whether it is
	// reported or only counted by a correlation. It may be nil.
	Matched func(rule int)
}

// Stats counts what a Detector did.
type Stats struct {
	Events     uint64
	Matches    uint64 // of rules that report, suppressed ones not among them
	Suppressed uint64 // by allowances
	Reports    uint64
	Open       int    // detections that go on
	Merged     uint64 // matches counted without their program, for a rule had too many
	Lost       uint64 // matches that were never reported, for there was no room
	Correlated correlate.Stats
}

// Detector finds detections in events. It belongs to one goroutine.
type Detector struct {
	cfg        Config
	rules      []sigma.Rule // the allowances' behind them
	matcher    *match.Matcher
	scratch    *match.Scratch
	correlator *correlate.Correlator
	reader     *taxonomy.Reader
	allow      allowances
	open       storms
	stats      Stats
	few        int // rules in matchers for classes of events

	// The event at hand.
	current *audit.Event
	process *process.Process
	seen    []bool // by rule: it matched this audit event already
	matched []int  // rules of seen
	text    []byte
	each    func(*event.Event)
	alert   func(correlate.Alert)
}

// New returns a Detector. What is wrong with some rules does not disable the others:
// the detector is there beside an error that joins one for each fault.
func New(cfg Config) (*Detector, error) {
	if cfg.Redact == nil {
		cfg.Redact = redact.New()
	}
	d := &Detector{cfg: cfg, open: newStorms()}
	extra, allowErr := d.allow.rules(cfg.Rules, cfg.Allow)
	d.rules = append(append(d.rules, cfg.Rules...), extra...)
	t := taxonomy.For(d.rules)
	var matchErr, correlateErr error
	d.matcher, matchErr = match.Compile(d.rules, t.Sources)
	d.correlator, correlateErr = correlate.New(d.rules, t.Sources, correlate.Limits{})
	if d.matcher == nil || d.correlator == nil {
		return nil, errors.Join(allowErr, matchErr, correlateErr)
	}
	d.scratch = d.matcher.NewScratch()
	d.reader = taxonomy.NewReader(taxonomy.Config{Taxonomy: t, Parent: d.parent, User: cfg.User, Place: cfg.Place, Possible: d.possible})
	d.seen = make([]bool, len(d.rules))
	d.each, d.alert = d.take, d.correlated
	return d, errors.Join(allowErr, matchErr, correlateErr)
}

// Observe takes an event, of which it keeps nothing. The tables of processes and of
// sessions learn of it here.
func (d *Detector) Observe(e *audit.Event) {
	d.stats.Events++
	var p *process.Process
	if d.cfg.Processes != nil {
		p = d.cfg.Processes.Observe(e)
	}
	if d.cfg.Sessions != nil {
		d.cfg.Sessions.Observe(e)
	}
	d.current, d.process = e, p
	d.reader.Read(e, program(p), d.each)
	for _, rule := range d.matched {
		d.seen[rule] = false
	}
	d.matched, d.current, d.process = d.matched[:0], nil, nil
}

// parent tells of the parent of the process at hand.
func (d *Detector) parent() taxonomy.Program {
	if d.process == nil {
		return taxonomy.Program{}
	}
	return program(d.cfg.Processes.Parent(d.process))
}

// program tells what p runs, which may be nil.
func program(p *process.Process) taxonomy.Program {
	if p == nil {
		return taxonomy.Program{}
	}
	return taxonomy.Program{Image: p.Exe, Argv: p.Argv}
}

// take matches one of the Sigma events that an audit event is with all rules.
func (d *Detector) take(ev *event.Event) { d.matches(ev, d.matcher.Match(ev, d.scratch)) }

// matches takes the rules that a Sigma event matches.
func (d *Detector) matches(ev *event.Event, results []match.Result) {
	if len(results) == 0 {
		return
	}
	for _, r := range d.allowed(results) {
		if d.seen[r.Rule] {
			continue // by another of its Sigma events
		}
		d.seen[r.Rule] = true
		d.matched = append(d.matched, r.Rule)
		d.tell(r.Rule)
		if d.correlator.Alone(r.Rule) {
			d.stats.Matches++
			d.found(r.Rule, d.current.Time, nil, 1)
		}
		d.correlator.Observe(r.Rule, ev, d.current.Time, d.alert)
	}
}

func (d *Detector) tell(rule int) {
	if d.cfg.Matched != nil {
		d.cfg.Matched(rule)
	}
}

// Alone reports whether the matches of a rule are detections, and not only counted.
func (d *Detector) Alone(rule int) bool { return d.correlator.Alone(rule) }

// Fresh returns a detector of the same rules that has seen nothing. cfg has what else
// it needs: its rules and allowances are not looked at, and User may be left out.
func (d *Detector) Fresh(cfg Config) (*Detector, error) {
	cfg.Rules, cfg.Allow = d.cfg.Rules, d.cfg.Allow
	if cfg.User == nil {
		cfg.User = d.cfg.User
	}
	cfg.Redact = d.cfg.Redact
	f := &Detector{cfg: cfg, rules: d.rules, matcher: d.matcher, scratch: d.matcher.NewScratch(), allow: d.allow, open: newStorms()}
	var err error
	if f.correlator, err = correlate.New(d.rules, d.reader.Taxonomy.Sources, correlate.Limits{}); f.correlator == nil {
		return nil, err
	}
	f.reader = taxonomy.NewReader(taxonomy.Config{Taxonomy: d.reader.Taxonomy, Parent: f.parent, User: cfg.User, Place: cfg.Place, Possible: f.possible})
	f.seen = make([]bool, len(d.rules))
	f.each, f.alert = f.take, f.correlated
	return f, nil
}

// allowed takes away what an allowance is about, and allowances themselves.
func (d *Detector) allowed(results []match.Result) []match.Result {
	kept := results[:0:0]
	if len(d.allow.list) == 0 {
		return results
	}
	for _, r := range results {
		if r.Rule >= len(d.cfg.Rules) {
			continue
		}
		if d.allow.covers(r.Rule, results, len(d.cfg.Rules), d.current.Time) {
			d.stats.Suppressed++
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// correlated takes what a correlation found, with the event at hand or, at the end of
// a timespan, without one.
func (d *Detector) correlated(a correlate.Alert) {
	if a.Rule >= len(d.cfg.Rules) {
		return
	}
	if !d.correlator.Alone(a.Rule) {
		d.tell(a.Rule)
		return
	}
	if d.allow.whole(a.Rule, a.Last) {
		d.stats.Suppressed++
		return
	}
	d.stats.Matches++
	d.tell(a.Rule)
	d.found(a.Rule, a.Last, a.Group, uint64(max(a.Count, 1)))
}

// Advance says how late it is, at least once a minute: what ended is reported, and what
// grew.
func (d *Detector) Advance(now time.Time) {
	d.correlator.Advance(now, d.alert)
	d.advance(now)
}

// Close reports what was not yet.
func (d *Detector) Close() {
	for d.open.order.Len() > 0 {
		d.end(d.open.order.Front())
	}
}

func (d *Detector) report(x finding.Detection) {
	d.stats.Reports++
	d.cfg.Report(x)
}

// Stats returns the counts so far.
func (d *Detector) Stats() Stats {
	s := d.stats
	s.Open, s.Merged, s.Correlated = len(d.open.all), d.open.merged, d.correlator.Stats()
	return s
}

// Expired returns the allowances whose last day is over.
func (d *Detector) Expired(now time.Time) []Allowance { return d.allow.expired(now) }

// Match tells the rules that one Sigma event matches, which is of the kind that a rule
// is about: fields by name. Nothing is counted or reported.
func (d *Detector) Match(rule int, fields map[string][]string, each func(rule int)) error {
	var ev event.Event
	if err := d.reader.Taxonomy.Fill(&ev, &d.rules[rule], fields); err != nil {
		return err
	}
	for _, r := range d.matcher.Match(&ev, d.scratch) {
		if r.Rule < len(d.cfg.Rules) {
			each(r.Rule)
		}
	}
	return nil
}
