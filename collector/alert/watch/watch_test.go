package watch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/alert/rules"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/triage"
	"seawall/pkg/finding"
)

// scene is a store, its watch, and a clock that the test moves.
type scene struct {
	t     *testing.T
	store *store.Store
	watch *Watch
	now   time.Time
	seq   map[fleet.HostID]uint64
	path  string
}

func newScene(t *testing.T, all ...alert.Rule) *scene {
	t.Helper()
	s := &scene{t: t, now: time.Unix(1_800_000_000, 0).UTC(), seq: map[fleet.HostID]uint64{}, path: filepath.Join(t.TempDir(), "collector.db")}
	s.open()
	for _, r := range all {
		s.save(r)
	}
	s.look()
	return s
}

func (s *scene) open() {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	if s.store, err = store.Open(s.t.Context(), s.path, store.Config{Now: func() time.Time { return s.now }, Log: log}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.store.Close() })
	s.watch = New(Config{Data: s.store, Source: s.store, Now: func() time.Time { return s.now }, Log: log,
		Tags: nil})
}

func (s *scene) save(r alert.Rule) (id int64) {
	s.t.Helper()
	err := s.store.Write(s.t.Context(), func(w db.Writer) (err error) {
		id, err = rules.Save(w, s.now, r)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *scene) look() time.Time {
	s.t.Helper()
	next, err := s.watch.Look(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return next
}

// after moves the clock and looks.
func (s *scene) after(d time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(d)
	s.look()
}

func host(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

// change delivers a change of a result, and looks.
func (s *scene) change(n int, check string, from, to finding.Status) {
	s.t.Helper()
	s.deliver(n, finding.Record{Time: s.now, Change: &finding.Change{Previous: from,
		Result: finding.Result{Check: check, Status: to, Severity: finding.SeverityHigh, Actual: to.String(), Expected: "pass", Time: s.now}}})
	s.look()
}

func (s *scene) deliver(n int, records ...finding.Record) {
	s.t.Helper()
	id := host(n)
	if s.seq[id] == 0 {
		m := fleet.Member{Host: id, Key: sha256.Sum256([]byte(id)), Standing: fleet.Active, Enrolled: s.now, Since: s.now}
		if err := s.store.SaveMember(s.t.Context(), m); err != nil {
			s.t.Fatal(err)
		}
	}
	var items []fleet.Delivery
	for _, r := range records {
		s.seq[id]++
		items = append(items, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: s.seq[id], Record: r})
	}
	if err := s.store.Apply(s.t.Context(), id, items, nil); err != nil {
		s.t.Fatal(err)
	}
}

// told returns what each message in the outbox says, the oldest first, and its signals.
func (s *scene) told() (summaries []string, messages []alert.Message) {
	s.t.Helper()
	box := outbox.New(s.store, func() time.Time { return s.now })
	entries, err := box.Log(s.t.Context(), outbox.Query{Limit: 200})
	if err != nil {
		s.t.Fatal(err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		_, body, err := box.Message(s.t.Context(), entries[i].ID)
		if err != nil {
			s.t.Fatal(err)
		}
		var m alert.Message
		if err := json.Unmarshal(body, &m); err != nil {
			s.t.Fatal(err)
		}
		summaries, messages = append(summaries, entries[i].Route+" "+m.Summary), append(messages, m)
	}
	return summaries, messages
}

func (s *scene) want(want ...string) {
	s.t.Helper()
	got, _ := s.told()
	if d := cmp.Diff(want, got); d != "" {
		s.t.Fatalf("messages (-want +got):\n%s", d)
	}
}

// rule tells everything of high severity at once.
func rule(name string, more ...func(*alert.Rule)) alert.Rule {
	r := alert.NewRule()
	r.Name, r.Routes, r.Wait = name, []string{"mail"}, 0
	for _, f := range more {
		f(&r)
	}
	return r
}

const (
	pass = finding.StatusPass
	fail = finding.StatusFail
)

func h(n int) string { return string(host(n)) }

// TestNew: what fails and what is resolved is told once, to each route; what was there
// before the rule is not, nor what a restart finds again.
func TestNew(t *testing.T) {
	s := newScene(t)
	s.change(0, "ssh-old", pass, fail)
	s.save(rule("r", func(r *alert.Rule) { r.Routes = []string{"chat", "mail"} }))
	s.look()
	s.change(1, "ssh-root", pass, fail)
	s.after(0)
	s.want("chat "+h(1)+": ssh-root", "mail "+h(1)+": ssh-root")
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.open()
	s.look()
	s.change(1, "ssh-root", fail, pass)
	s.after(5 * time.Minute)
	s.want("chat "+h(1)+": ssh-root", "mail "+h(1)+": ssh-root",
		"chat "+h(1)+": ssh-root: resolved", "mail "+h(1)+": ssh-root: resolved")
}

// TestDown: what happens while nobody looks is told afterwards.
func TestDown(t *testing.T) {
	s := newScene(t, rule("r", func(r *alert.Rule) { r.Group = alert.ByRule }))
	var records []finding.Record
	for i := range 450 {
		records = append(records, finding.Record{Time: s.now, Change: &finding.Change{Previous: pass, Result: finding.Result{
			Check: fmt.Sprintf("c-%03d", i), Status: fail, Severity: finding.SeverityCritical, Time: s.now}}})
	}
	s.deliver(0, records...)
	s.look()
	s.after(time.Second)
	_, all := s.told()
	if len(all) != 1 || len(all[0].Signals) != alert.MaxSignals || all[0].More != 450-alert.MaxSignals {
		t.Fatalf("%d messages; the first has %d signals and %d more", len(all), len(all[0].Signals), all[0].More)
	}
	if all[0].Signals[0].Check != "c-000" || all[0].Severity != finding.SeverityCritical {
		t.Errorf("first signal %s, severity %s", all[0].Signals[0].Check, all[0].Severity)
	}
}

// TestGroup: what comes in a group's wait goes together, and the next no sooner than
// the rule says.
func TestGroup(t *testing.T) {
	s := newScene(t, rule("r", func(r *alert.Rule) { r.Wait, r.Every = 10*time.Second, 5*time.Minute }))
	s.change(0, "a", pass, fail)
	s.change(0, "b", pass, fail)
	s.change(1, "a", pass, fail)
	s.want()
	s.after(10 * time.Second)
	s.want("mail "+h(0)+": 2 new", "mail "+h(1)+": a")
	s.change(0, "c", pass, fail)
	s.after(4 * time.Minute)
	s.want("mail "+h(0)+": 2 new", "mail "+h(1)+": a")
	s.change(0, "a", fail, pass)
	s.after(time.Minute)
	s.want("mail "+h(0)+": 2 new", "mail "+h(1)+": a", "mail "+h(0)+": 1 new, 1 resolved")
}

// TestFlap: what changes again and again is told twice and then once in its quiet
// time's end, with the last of it.
func TestFlap(t *testing.T) {
	s := newScene(t, rule("r", func(r *alert.Rule) { r.Every, r.Quiet = 0, time.Hour }))
	for range 5 {
		s.change(0, "a", pass, fail)
		s.after(time.Second)
		s.change(0, "a", fail, pass)
		s.after(time.Second)
	}
	s.change(0, "a", pass, fail)
	s.after(time.Minute)
	s.want("mail "+h(0)+": a", "mail "+h(0)+": a: resolved")
	s.after(time.Hour)
	s.after(time.Second)
	s.want("mail "+h(0)+": a", "mail "+h(0)+": a: resolved", "mail "+h(0)+": a")
	_, all := s.told()
	if got := all[2].Signals[0].Held; got != 8 {
		t.Errorf("held %d, want 8", got)
	}
	s.after(time.Hour)
	s.after(time.Hour)
	s.want("mail "+h(0)+": a", "mail "+h(0)+": a: resolved", "mail "+h(0)+": a")
}

// TestHourly: beyond the rule's messages of an hour everything waits for the next, in
// one message.
func TestHourly(t *testing.T) {
	s := newScene(t, rule("r", func(r *alert.Rule) { r.Group, r.Hourly = alert.BySubject, 2 }))
	for i := range 30 {
		s.change(i, "a", pass, fail)
	}
	s.after(time.Second)
	s.want("mail "+h(0)+": a", "mail "+h(1)+": a")
	s.after(time.Hour)
	s.want("mail "+h(0)+": a", "mail "+h(1)+": a", "mail 28 hosts: 28 new")
}

// TestMatch: severity, topics, checks, the end of things, and tags.
func TestMatch(t *testing.T) {
	s := newScene(t, rule("never", func(r *alert.Rule) { r.MinSeverity = finding.SeverityCritical }),
		rule("ssh", func(r *alert.Rule) { r.Checks, r.Resolved, r.Routes = []string{"ssh-*"}, false, []string{"ssh"} }),
		rule("web", func(r *alert.Rule) { r.Tags, r.Routes = []string{"web"}, []string{"web"} }),
		rule("tls", func(r *alert.Rule) { r.Topics, r.Routes = []alert.Topic{alert.Certificate}, []string{"tls"} }),
		rule("off", func(r *alert.Rule) { r.Enabled = false }))
	s.watch.cfg.Tags = func(_ context.Context, id fleet.HostID) ([]string, error) {
		if id == host(1) {
			return []string{"db", "web"}, nil
		}
		return nil, nil
	}
	s.change(0, "ssh-root", pass, fail)
	s.change(0, "ssh-root", fail, pass)
	s.change(1, "sudo-a", pass, fail)
	s.change(0, "tls-certificate-expiring", pass, fail)
	s.after(time.Second)
	s.want("ssh "+h(0)+": ssh-root", "web "+h(1)+": sudo-a", "tls "+h(0)+": tls-certificate-expiring")
}

// TestDetection: a storm that grows is told once.
func TestDetection(t *testing.T) {
	s := newScene(t, rule("r"))
	for i := range 3 {
		d := finding.Detection{ID: "ab", Rule: "reverse-shell", Title: "A shell\nto the network", Severity: finding.SeverityCritical,
			Count: uint64(i + 1), First: s.now, Last: s.now,
			Samples: []finding.Sample{{Time: s.now, Command: "bash -i", Actor: finding.Actor{Text: "alice by sudo"}}}}
		s.deliver(0, finding.Record{Time: s.now, Detection: &d})
		s.after(time.Minute)
	}
	s.after(time.Minute)
	s.want("mail " + h(0) + `: A shell\nto the network (ab)`)
	_, all := s.told()
	if g := all[0].Signals[0]; g.Who != "alice by sudo" || g.Actual != "bash -i" || g.Severity != finding.SeverityCritical {
		t.Errorf("signal %+v", g)
	}
}

// TestSilent: a host that falls silent and comes back is told of, both times.
func TestSilent(t *testing.T) {
	s := newScene(t, rule("r", func(r *alert.Rule) { r.Topics = []alert.Topic{alert.Silent} }))
	say := func(status finding.Status, severity finding.Severity) {
		e := fleet.Event{ID: 1, Host: host(0), Change: finding.Change{Result: finding.Result{Check: "agent-silent", Status: status, Severity: severity, Time: s.now}}}
		g, ok := alert.FromEvent(&e, finding.CheckInfo{})
		if !ok {
			t.Fatalf("%s is no signal", status)
		}
		all, err := rules.List(t.Context(), s.store)
		if err != nil {
			t.Fatal(err)
		}
		from, err := s.watch.marks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.watch.take(t.Context(), all, from, from, map[int64][]alert.Signal{all[0].ID: {g}}); err != nil {
			t.Fatal(err)
		}
	}
	say(fail, finding.SeverityHigh)
	s.after(time.Minute)
	say(pass, finding.SeverityInformational)
	s.after(time.Hour)
	s.want("mail "+h(0)+": host is silent", "mail "+h(0)+": host is silent: over")
}

// TestTwoCollectors: of two that look at the same, one tells.
func TestTwoCollectors(t *testing.T) {
	s := newScene(t, rule("r"))
	other := New(s.watch.cfg)
	s.deliver(0, finding.Record{Time: s.now, Change: &finding.Change{Previous: pass,
		Result: finding.Result{Check: "a", Status: fail, Severity: finding.SeverityHigh, Time: s.now}}})
	all, err := rules.List(t.Context(), s.store)
	if err != nil {
		t.Fatal(err)
	}
	from, err := other.marks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to, signals, err := other.news(t.Context(), from)
	if err != nil || len(signals) != 1 {
		t.Fatalf("%d signals, %v", len(signals), err)
	}
	s.look() // is first
	if err := other.take(t.Context(), all, from, to, map[int64][]alert.Signal{all[0].ID: signals}); err != errMoved {
		t.Fatalf("the second: %v", err)
	}
	s.after(time.Second)
	s.want("mail " + h(0) + ": a")
}

// TestRun: Run wakes by the feed and ends with its context.
func TestRun(t *testing.T) {
	s := newScene(t, rule("r"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s.watch.cfg.Now = time.Now
	go func() { done <- s.watch.Run(ctx) }()
	s.deliver(0, finding.Record{Time: s.now, Change: &finding.Change{Previous: pass,
		Result: finding.Result{Check: "a", Status: fail, Severity: finding.SeverityHigh, Time: s.now}}})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for {
		if got, _ := s.told(); len(got) == 1 && strings.HasSuffix(got[0], ": a") {
			break
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("nothing was told")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// waive makes a waiver of a check.
func (s *scene) waive(v triage.Waiver) {
	s.t.Helper()
	v.Owner, v.Reason, v.Who = "ann", "known", "ann"
	err := s.store.Write(s.t.Context(), func(w db.Writer) error {
		_, err := triage.Add(w, s.now, v)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestWaived: what somebody answers for is told to nobody, and is again when that ends;
// what is over is told in any case, since its beginning may have been told before.
func TestWaived(t *testing.T) {
	r := rule("r")
	r.Resolved = true
	s := newScene(t, r)
	s.watch.cfg.Tags = func(_ context.Context, id fleet.HostID) ([]string, error) {
		return map[fleet.HostID][]string{host(2): {"prod"}}[id], nil
	}
	until := s.now.Add(48 * time.Hour)
	s.waive(triage.Waiver{Check: "ssh-root", Host: host(1), Expires: until})
	s.waive(triage.Waiver{Check: "ssh-root", Tag: "prod", Expires: until})
	s.waive(triage.Waiver{Check: "other", Resource: "/a", Expires: until})
	s.change(1, "ssh-root", finding.StatusPass, finding.StatusFail)
	s.change(2, "ssh-root", finding.StatusPass, finding.StatusFail)
	s.after(time.Minute)
	s.want()
	s.change(3, "ssh-root", finding.StatusPass, finding.StatusFail)
	s.change(1, "other", finding.StatusPass, finding.StatusFail)
	s.after(time.Minute)
	if got, _ := s.told(); len(got) != 2 {
		t.Errorf("told %q", got)
	}
	s.change(1, "ssh-root", finding.StatusFail, finding.StatusPass)
	s.after(time.Hour)
	if got, _ := s.told(); len(got) != 3 || !strings.Contains(got[2], "resolved") {
		t.Errorf("told %q", got)
	}
	s.after(50 * time.Hour)
	s.change(2, "ssh-root", finding.StatusPass, finding.StatusFail)
	s.after(time.Hour)
	if got, _ := s.told(); len(got) != 4 {
		t.Errorf("after the end: told %q", got)
	}
}

// TestWaiverEnds: who asks is told a week before a waiver ends and when it has, once each;
// of a short one when it has.
func TestWaiverEnds(t *testing.T) {
	r := rule("r")
	r.Topics, r.MinSeverity, r.Group = []alert.Topic{alert.Waiver}, finding.SeverityCritical, alert.BySubject
	s := newScene(t, r)
	s.waive(triage.Waiver{Check: "long", Tag: "prod", Expires: s.now.Add(10 * 24 * time.Hour)})
	s.waive(triage.Waiver{Check: "short", Host: host(1), Resource: "/a", Expires: s.now.Add(5 * 24 * time.Hour)})
	for range 12 * 24 {
		s.after(time.Hour)
		s.look()
	}
	s.after(time.Hour)
	got, _ := s.told()
	for i, want := range []string{"long: a waiver, for which ann answers, ends on 2027-01-25 (tag prod)",
		"short: a waiver, for which ann answered, has ended: what it stood for counts again (host " + string(host(1)) + ", /a)",
		"long: a waiver, for which ann answered, has ended: what it stood for counts again (tag prod)"} {
		if i >= len(got) || !strings.HasSuffix(got[i], want) {
			t.Errorf("message %d is not %q:\n%s", i, want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 3 {
		t.Errorf("%d messages:\n%s", len(got), strings.Join(got, "\n"))
	}
}
