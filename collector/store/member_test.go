package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
	"seawall/collector/store/membership"
	"seawall/collector/store/presence"
	"seawall/pkg/finding"
)

// TestUpdate decides about a token of one use from many places at once.
func TestUpdate(t *testing.T) {
	s, path := openTest(t, Config{})
	err := s.Update(t.Context(), func(tx *membership.Tx) error {
		return tx.PutToken(fleet.Token{ID: "t", Uses: 3, Created: tx.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	spent := errors.New("spent")
	var mu sync.Mutex
	admitted, refused := 0, 0
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx *membership.Tx) error {
				token, ok, err := tx.Token("t")
				if err != nil || !ok {
					return fmt.Errorf("token: %v, %w", ok, err)
				}
				if token.Used >= token.Uses {
					return spent
				}
				token.Used++
				return errors.Join(tx.PutToken(token), tx.PutMember(fleet.Member{Host: hostID(n), Key: fleet.KeyHash{byte(n)}, Standing: fleet.Active}))
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				admitted++
			case errors.Is(err, spent):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, Config{})
	members, err := s.Members(t.Context())
	if err != nil || admitted != 3 || refused != 37 || len(members) != 3 {
		t.Errorf("%d admitted, %d refused, %d members, %v", admitted, refused, len(members), err)
	}
	tokens, err := s.Tokens(t.Context())
	if err != nil || len(tokens) != 1 || tokens[0].Used != 3 {
		t.Errorf("tokens %+v, %v", tokens, err)
	}
}

// TestFailedUpdateLeavesNothing has one update of a group fail after it has written:
// the others are kept, nothing of it is.
func TestFailedUpdateLeavesNothing(t *testing.T) {
	s, _ := openTest(t, Config{})
	enrol(t, s, hostID(0))
	broken := errors.New("broken")
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx *membership.Tx) error {
				if err := tx.PutRequest(fleet.Request{Key: fleet.KeyHash{byte(n)}, Decision: fleet.Waiting}); err != nil {
					return err
				}
				if n%2 == 0 {
					return errors.Join(tx.Tell(hostID(0), "revoked", finding.SeverityHigh, "by a person"), tx.Archive(hostID(0), true), broken)
				}
				return nil
			})
			if (n%2 == 0) != errors.Is(err, broken) {
				t.Errorf("update %d: %v", n, err)
			}
		})
		wg.Go(func() {
			apply(t, s, hostID(0), deliver(uint64(n+1), changed(result("ssh-a", "", finding.StatusFail)))...)
		})
	}
	wg.Wait()
	requests, err := s.Requests(t.Context())
	if err != nil || len(requests) != 10 {
		t.Errorf("%d requests, %v", len(requests), err)
	}
	for _, e := range timeline(t, s, fleet.TimelineQuery{Limit: 200}) {
		if e.Change.Result.Check == membership.IdentityCheck || e.Change.Result.Check == "agent-archived" {
			t.Errorf("event %+v", e)
		}
	}
	if o, err := s.Overview(t.Context()); err != nil || o.Requests != 10 || o.Hosts != 1 || o.Standing[fleet.Active] != 1 || o.Expired != 1 {
		t.Errorf("overview %+v, %v", o, err)
	}
	verifyRollups(t, s)
}

// TestIdentityIsTold puts what happened to an identity into the timeline.
func TestIdentityIsTold(t *testing.T) {
	s, _ := openTest(t, Config{})
	updates, end := s.Subscribe(1)
	defer end()
	m := fleet.Member{Host: hostID(0), Key: fleet.KeyHash{1}, Standing: fleet.Quarantined, CloneOf: hostID(1), Machine: fleet.Machine{HostName: "web-1"}}
	err := s.Update(t.Context(), func(tx *membership.Tx) error {
		return errors.Join(tx.PutMember(m),
			tx.Tell(m.Host, "quarantined", finding.SeverityHigh, "used in two places"),
			tx.Tell(m.Host, "clone", finding.SeverityInformational, strings.Repeat("x", 100_000)))
	})
	if err != nil {
		t.Fatal(err)
	}
	events := timeline(t, s, fleet.TimelineQuery{Host: m.Host, Check: membership.IdentityCheck})
	want := []string{"agent-identity quarantined fail from unspecified", "agent-identity clone pass from unspecified"}
	if diff := cmp.Diff(want, told(events)); diff != "" {
		t.Fatalf("timeline (-want +got):\n%s", diff)
	}
	if n := len(events[0].Change.Result.Actual); n > 520 || events[0].HostName != "web-1" {
		t.Errorf("%d bytes of %q", n, events[0].HostName)
	}
	if u := <-updates; len(u.Events) != 2 || u.Host != m.Host {
		t.Errorf("subscribers hear %+v", u)
	}
	if d := detail(t, s, m.Host); d.Host.Member == nil || d.Host.Member.CloneOf != hostID(1) || d.Host.Member.Standing != fleet.Quarantined {
		t.Errorf("member %+v", d.Host.Member)
	}
	err = s.Update(t.Context(), func(tx *membership.Tx) error { return tx.Tell(hostID(9), "x", finding.SeverityHigh, "") })
	if !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("told of an unknown host: %v", err)
	}
	verifyRollups(t, s)
}

// life is a store with a clock, and hosts that speak or not.
type life struct {
	*Store
	t   *testing.T
	now time.Time
	seq map[fleet.HostID]uint64
}

func newLife(t *testing.T, cfg Config) *life {
	l := &life{t: t, now: time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC), seq: make(map[fleet.HostID]uint64)}
	cfg.Now = func() time.Time { return l.now }
	l.Store, _ = openTest(t, cfg)
	return l
}

func (l *life) speak(id fleet.HostID) {
	l.t.Helper()
	l.seq[id]++
	apply(l.t, l.Store, id, deliver(l.seq[id], changed(result("ssh-a", "", finding.StatusFail)))...)
}

// pass lets time go by, with the sweeps of the writer; its goroutine is idle.
func (l *life) pass(d time.Duration) {
	for step := 4 * time.Minute; d > 0; d -= step {
		l.now = l.now.Add(min(step, d))
		for l.sweep() == sweepPause {
		}
	}
}

func (l *life) presence(id fleet.HostID) fleet.Presence {
	return detail(l.t, l.Store, id).Host.Presence
}

func (l *life) check(what string, want ...string) {
	l.t.Helper()
	events := timeline(l.t, l.Store, fleet.TimelineQuery{Limit: 200})
	var lines []string
	for i := len(events) - 1; i >= 0; i-- {
		if r := events[i].Change.Result; strings.HasPrefix(r.Check, "agent-") {
			lines = append(lines, fmt.Sprintf("%d %s %s: %s", events[i].Host[31]-'0', r.Check, r.Status, r.Actual))
		}
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
	verifyRollups(l.t, l.Store)
}

// TestSilence follows hosts that vanish, are archived, and come back.
func TestSilence(t *testing.T) {
	l := newLife(t, Config{ArchiveAfter: 3 * 24 * time.Hour})
	a, b, revoked := hostID(0), hostID(1), hostID(2)
	l.speak(a)
	l.speak(b)
	if err := l.SaveMember(t.Context(), fleet.Member{Host: revoked, Standing: fleet.Revoked}); err != nil {
		t.Fatal(err)
	}
	l.pass(23 * time.Hour)
	l.speak(b)
	l.check("after 23 hours")
	l.pass(2 * time.Hour)
	silent := []string{"1 agent-silent fail: nothing heard since 2027-01-01 12:00 UTC"}
	l.check("after 25 hours", silent...)
	if p := l.presence(a); p != fleet.Offline {
		t.Errorf("a is %s", p)
	}
	l.pass(40 * time.Hour)
	l.speak(b)
	all := append(silent, "2 agent-silent fail: nothing heard since 2027-01-02 11:00 UTC", "2 agent-silent pass: speaks again after 42h0m0s")
	l.check("after 65 hours", all...)
	l.pass(8 * time.Hour)
	all = append(all, "1 agent-archived not_applicable: archived after 3 days of silence", "3 agent-archived not_applicable: archived after 3 days of silence")
	l.check("after 73 hours", all...)

	o, err := l.Overview(t.Context())
	if err != nil || o.Hosts != 1 || o.Counts != (fleet.Counts{Fail: 1}) || o.Worst[0].Hosts != 1 || o.Presence[fleet.Archived] != 2 ||
		o.Days[len(o.Days)-1].Counts.Fail != 1 {
		t.Errorf("overview %+v, %v", o, err)
	}
	c, err := l.Check(t.Context(), "ssh-a")
	if err != nil || len(c.States) != 1 || c.Check.Counts.Fail != 1 {
		t.Errorf("check %+v, %v", c, err)
	}
	hosts, err := l.Hosts(t.Context())
	if err != nil || len(hosts) != 3 || l.presence(a) != fleet.Archived || len(detail(t, l.Store, a).States) != 1 {
		t.Errorf("hosts %+v, %v", hosts, err)
	}
	l.speak(a)
	all = append(all, "1 agent-silent pass: speaks again after 3 days, no longer archived")
	l.check("back", all...)
	if o, err = l.Overview(t.Context()); err != nil || o.Hosts != 2 || o.Counts.Fail != 2 || o.Presence[fleet.Online] != 1 {
		t.Errorf("overview %+v, %v", o, err)
	}
}

// TestArchivedByAPerson archives a host in the transaction in which it speaks, and
// takes it back.
func TestArchivedByAPerson(t *testing.T) {
	l := newLife(t, Config{})
	l.speak(hostID(0))
	l.speak(hostID(1))
	archive := func(away bool) {
		t.Helper()
		if err := l.Update(t.Context(), func(tx *membership.Tx) error { return tx.Archive(hostID(0), away) }); err != nil {
			t.Fatal(err)
		}
	}
	archive(true)
	archive(true)
	m, err := l.Members(t.Context())
	if err != nil || !m[0].Archived.Equal(l.now) {
		t.Errorf("members %+v, %v", m, err)
	}
	// Writing the member, as its roster does, leaves it archived.
	if err := l.SaveMember(t.Context(), m[0]); err != nil || l.presence(hostID(0)) != fleet.Archived {
		t.Errorf("the host is %s, %v", l.presence(hostID(0)), err)
	}
	archive(false)
	archive(true)
	l.speak(hostID(0))
	l.check("at the end", "1 agent-archived not_applicable: archived by a person", "1 agent-archived pass: taken back by a person",
		"1 agent-archived not_applicable: archived by a person", "1 agent-silent pass: speaks again after 0s, no longer archived")
	if err := l.Update(t.Context(), func(tx *membership.Tx) error { return tx.Archive(hostID(7), true) }); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("an unknown host is archived: %v", err)
	}
}

// TestCollectorWasAway stops the collector for a week: no host was silent.
func TestCollectorWasAway(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	cfg := Config{Now: func() time.Time { return now }}
	s, path := openTest(t, cfg)
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 0, 40)
	s = reopen(t, path, cfg)
	s.sweep()
	if p := detail(t, s, hostID(0)).Host.Presence; p != fleet.Online {
		t.Errorf("the host is %s", p)
	}
	if events := timeline(t, s, fleet.TimelineQuery{}); len(events) != 1 {
		t.Errorf("timeline %q", told(events))
	}
	now = now.Add(5 * time.Minute)
	s.sweep()
	if p := detail(t, s, hostID(0)).Host.Presence; p != fleet.Silent {
		t.Errorf("five minutes later the host is %s", p)
	}
}

// TestManySilentHosts are told in short steps.
func TestManySilentHosts(t *testing.T) {
	l := newLife(t, Config{ArchiveAfter: 48 * time.Hour})
	const n = 2*maxSilent + 7
	err := l.Update(t.Context(), func(tx *membership.Tx) error {
		for i := range n {
			if err := tx.PutMember(fleet.Member{Host: hostID(i), Key: fleet.KeyHash{byte(i >> 8), byte(i)}, Standing: fleet.Active}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// 25 hours go by without a sweep, each minute marked.
	for range 25 * 15 {
		l.now = l.now.Add(4 * time.Minute)
		if err := l.chore(func(b *host.Batch) error { return presence.Mark(b.Writer, b.Now) }); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []time.Duration{sweepPause, sweepPause, sweepEvery, sweepEvery} {
		if pause := l.sweep(); pause != want {
			t.Errorf("step %d: pause %v, want %v", i, pause, want)
		}
	}
	if events := count(t, l.Store, "event"); events != n {
		t.Errorf("%d events, want %d", events, n)
	}
}

// TestTokenTags keeps what tags a token gives, gives them with the membership, and finds
// the host by them.
func TestTokenTags(t *testing.T) {
	s, _ := openTest(t, Config{})
	want := fleet.Token{ID: "t", Uses: 1, Created: time.Unix(1, 0).UTC(), Tags: []string{"env=prod", "Größe=\"2\""}}
	asked := fleet.Request{Key: fleet.KeyHash{7}, Token: "t", Decision: fleet.Waiting}
	err := s.Update(t.Context(), func(tx *membership.Tx) error {
		m := fleet.Member{Host: hostID(1), Key: fleet.KeyHash{1}, Standing: fleet.Active}
		return errors.Join(tx.PutToken(want), tx.PutRequest(asked), tx.PutMember(m), tx.GiveTags(hostID(1), want.Tags), tx.GiveTags(hostID(1), want.Tags[:1]))
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := s.Tokens(t.Context())
	if err != nil || len(tokens) != 1 || !slices.Equal(tokens[0].Tags, want.Tags) {
		t.Errorf("tokens: %+v, %v", tokens, err)
	}
	requests, err := s.Requests(t.Context())
	if err != nil || len(requests) != 1 || !slices.Equal(requests[0].Tags, want.Tags) {
		t.Errorf("requests: %+v, %v", requests, err)
	}
	for tag, n := range map[string]int{want.Tags[0]: 1, want.Tags[1]: 1, "env": 0} {
		page, err := s.HostPage(t.Context(), fleet.HostQuery{Tag: tag})
		scoped, bad := s.HostPage(t.Context(), fleet.HostQuery{Scope: []string{tag}})
		if err != nil || bad != nil || page.Total != n || scoped.Total != n {
			t.Errorf("hosts with %q: %d, in its scope %d; want %d; %v %v", tag, page.Total, scoped.Total, n, err, bad)
		}
	}
}
