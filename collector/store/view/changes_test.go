package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/view/pending"
	"seawall/collector/store/view/pick"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// timeline is so many events, one a minute until now: the checks and hosts turn, each
// tenth has a cause and each hundredth is critical.
func timeline(t *testing.T, n int) *View {
	t.Helper()
	var events [][]any
	for i := 1; i <= n; i++ {
		r := finding.Result{Check: []string{"ssh-a", "ssh-b", "sshd-c"}[i%3], Status: finding.StatusFail, Severity: finding.SeverityLow}
		if i%10 == 0 {
			r.Cause = &finding.Cause{LoginUser: "alice", User: "root"}
		}
		if i%100 == 0 {
			r.Status, r.Severity = finding.StatusPass, finding.SeverityCritical
		}
		body, err := wire.Encode(wire.Record{Change: &finding.Change{Result: r}})
		if err != nil {
			t.Fatal(err)
		}
		received := now.Add(-time.Duration(n-i) * time.Minute).UnixNano()
		events = append(events, []any{i, mustKey(t, i%2), "posture", 1, i, received, r.Check, body})
	}
	return fill(t, map[string][][]any{
		"host (host, first_seen, last_seen, name)": {{mustKey(t, 0), 0, 0, "even"}, {mustKey(t, 1), 0, 0, "odd"}},
		"host_tag": {{mustKey(t, 1), "odd"}},
		"event (id, host, lane, epoch, seq, received, check_id, body)": events,
	})
}

// walk reads all pages of a query, and returns the numbers of the events.
func walk(t *testing.T, v *View, q fleet.ChangeQuery) (ids []int64, pages int) {
	t.Helper()
	for pages = 1; ; pages++ {
		p, err := v.Changes(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			ids = append(ids, e.ID)
		}
		if p.Next == 0 {
			return ids, pages
		}
		if q.Before != 0 && p.Next >= q.Before {
			t.Fatalf("page before %d goes on before %d", q.Before, p.Next)
		}
		q.Before = p.Next
	}
}

func TestChanges(t *testing.T) {
	const n = 9000
	v := timeline(t, n)
	at := func(id int) time.Time { return now.Add(-time.Duration(n-id) * time.Minute) }
	for name, c := range map[string]struct {
		query fleet.ChangeQuery
		keep  func(i int) bool
	}{
		"all":              {fleet.ChangeQuery{Limit: 200}, func(int) bool { return true }},
		"check":            {fleet.ChangeQuery{Check: "ssh-b", Limit: 200}, func(i int) bool { return i%3 == 1 }},
		"family":           {fleet.ChangeQuery{Family: "ssh", Limit: 200}, func(i int) bool { return i%3 != 2 }},
		"family's pattern": {fleet.ChangeQuery{Family: "ss_"}, func(int) bool { return false }},
		"host":             {fleet.ChangeQuery{Host: id(1), Limit: 200}, func(i int) bool { return i%2 == 1 }},
		"text":             {fleet.ChangeQuery{Text: "D-C", Limit: 200}, func(i int) bool { return i%3 == 2 }},
		"scope":            {fleet.ChangeQuery{Scope: []string{"odd"}, Limit: 200}, func(i int) bool { return i%2 == 1 }},
		"actor":            {fleet.ChangeQuery{Actor: "alice"}, func(i int) bool { return i%10 == 0 }},
		"as whom":          {fleet.ChangeQuery{Actor: "root"}, func(i int) bool { return i%10 == 0 }},
		"another actor":    {fleet.ChangeQuery{Actor: "mallory"}, func(int) bool { return false }},
		"caused":           {fleet.ChangeQuery{Caused: true}, func(i int) bool { return i%10 == 0 }},
		"severity":         {fleet.ChangeQuery{Severity: finding.SeverityHigh}, func(i int) bool { return i%100 == 0 }},
		"status":           {fleet.ChangeQuery{Status: finding.StatusPass}, func(i int) bool { return i%100 == 0 }},
		"since":            {fleet.ChangeQuery{Since: at(8950)}, func(i int) bool { return i >= 8950 }},
		"until":            {fleet.ChangeQuery{Until: at(31)}, func(i int) bool { return i < 31 }},
		"a time":           {fleet.ChangeQuery{Since: at(4000), Until: at(4100), Caused: true}, func(i int) bool { return i >= 4000 && i < 4100 && i%10 == 0 }},
	} {
		var want []int64
		for i := n; i > 0; i-- {
			if c.keep(i) {
				want = append(want, int64(i))
			}
		}
		got, pages := walk(t, v, c.query)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %d pages: %s", name, pages, diff)
		}
	}
}

// TestFollow reads the timeline forward: every event, once, the oldest first.
func TestFollow(t *testing.T) {
	v := timeline(t, 450)
	after := int64(-1)
	for want := int64(1); ; {
		page, err := v.Timeline(t.Context(), fleet.TimelineQuery{After: after, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if e.ID != want || e.HostName == "" {
				t.Fatalf("event %d of %q, want %d", e.ID, e.HostName, want)
			}
			after, want = e.ID, want+1
		}
		if len(page) == 0 {
			if after != 450 {
				t.Errorf("the last is %d", after)
			}
			break
		}
	}
	if _, err := v.Timeline(t.Context(), fleet.TimelineQuery{After: 1, Host: id(1)}); err == nil {
		t.Error("a host's timeline forward is taken")
	}
}

// TestChangesAreBounded has a page look at some events only, and say how far.
func TestChangesAreBounded(t *testing.T) {
	v := timeline(t, maxLooked+3*stride)
	p, err := v.Changes(t.Context(), fleet.ChangeQuery{Actor: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Events) != 0 || p.Next != 3*stride+1 || !p.Reached.After(now.Add(-(maxLooked+1)*time.Minute)) {
		t.Errorf("%d events, next before %d, reached %v", len(p.Events), p.Next, p.Reached)
	}
	if _, err := v.Changes(t.Context(), fleet.ChangeQuery{Host: "../etc/passwd"}); err == nil {
		t.Error("any text is a host")
	}
}

func TestPackagesAndResults(t *testing.T) {
	var hosts, states, bad [][]any
	for i := range 9 {
		archived := i / 8
		hosts = append(hosts, []any{mustKey(t, i), 0, 0, fmt.Sprintf("h%d", i), archived})
		for p := range i {
			name := fmt.Sprintf("lib%d", p)
			since := now.Add(-time.Duration(i) * time.Hour).UnixNano()
			states = append(states, []any{mustKey(t, i), pick.PendingCheck, name, 2, 4, since, stateBody(t, pick.PendingCheck, name, finding.StatusFail)})
		}
		states = append(states, []any{mustKey(t, i), pick.PendingCheck, "known", 4, 4, 0, stateBody(t, pick.PendingCheck, "known", finding.StatusUnknown)},
			[]any{mustKey(t, i), "ssh-a", "lib0", 1, 4, 0, stateBody(t, "ssh-a", "lib0", finding.StatusPass)})
		bad = append(bad, []any{mustKey(t, i), pick.PendingCheck, i + 1})
	}
	v := fill(t, map[string][][]any{"host (host, first_seen, last_seen, name, archived)": hosts, "state": states,
		"host_check": bad, "host_tag": {{mustKey(t, 3), "x"}}})
	p, err := pending.New(v.db).Packages(t.Context(), fleet.PackageQuery{Size: 2, Page: 1})
	if err != nil {
		t.Fatal(err)
	}
	oldest := now.Add(-7 * time.Hour)
	want := fleet.PackagePage{Packages: []fleet.Package{{Name: "lib2", Hosts: 5, Since: oldest}, {Name: "lib3", Hosts: 4, Since: oldest}}, Total: 7, Page: 1, Size: 2}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		query fleet.PackageQuery
		total int
	}{
		"text":            {fleet.PackageQuery{Text: "LIB3"}, 1},
		"scope":           {fleet.PackageQuery{Scope: []string{"x"}}, 3},
		"behind the last": {fleet.PackageQuery{Page: 9}, 7},
		"young":           {fleet.PackageQuery{From: now.Add(-3 * time.Hour)}, 3},
		"old":             {fleet.PackageQuery{To: now.Add(-6 * time.Hour)}, 7},
		"older than all":  {fleet.PackageQuery{To: now.Add(-7 * time.Hour)}, 0},
		"between":         {fleet.PackageQuery{From: now.Add(-2 * time.Hour), To: now.Add(-time.Hour), Text: "lib"}, 2},
	} {
		p, err := pending.New(v.db).Packages(t.Context(), c.query)
		if err != nil || p.Total != c.total {
			t.Errorf("%s: %d packages, %v, want %d", name, p.Total, err, c.total)
		}
		for _, one := range p.Packages { // the list counts what the page of the package shows
			of, err := v.Results(t.Context(), fleet.CheckQuery{Check: pick.PendingCheck, Resource: one.Name, From: c.query.From, To: c.query.To, Scope: c.query.Scope})
			if err != nil || len(of.States) != one.Hosts {
				t.Errorf("%s: %d hosts of %s are shown, %v, and %d are counted", name, len(of.States), one.Name, err, one.Hosts)
			}
			oldest := time.Time{}
			for _, s := range of.States {
				if oldest.IsZero() || s.Since.Before(oldest) {
					oldest = s.Since
				}
			}
			if !oldest.Equal(one.Since) {
				t.Errorf("%s: %s since %v on its page, %v in the list", name, one.Name, oldest, one.Since)
			}
		}
	}
	for name, c := range map[string]struct {
		query fleet.CheckQuery
		want  string // hosts
		more  bool
	}{
		"a package":     {fleet.CheckQuery{Check: pick.PendingCheck, Resource: "lib4"}, "h5 h6 h7", false},
		"a page of it":  {fleet.CheckQuery{Check: pick.PendingCheck, Resource: "lib0", Size: 3, Page: 1}, "h4 h5 h6", true},
		"in a scope":    {fleet.CheckQuery{Check: pick.PendingCheck, Resource: "lib0", Scope: []string{"x"}}, "h3", false},
		"unknown":       {fleet.CheckQuery{Check: pick.PendingCheck, Status: finding.StatusUnknown, Size: 2}, "h0 h1", true},
		"bad":           {fleet.CheckQuery{Check: pick.PendingCheck, Size: 4}, "h0 h1 h1 h2", true},
		"good":          {fleet.CheckQuery{Check: "ssh-a", Status: finding.StatusPass, Size: 5, Page: 1}, "h5 h6 h7", false},
		"none of these": {fleet.CheckQuery{Check: "ssh-a"}, "", false},
		"young":         {fleet.CheckQuery{Check: pick.PendingCheck, Resource: "lib0", From: now.Add(-3 * time.Hour)}, "h1 h2 h3", false},
		"old":           {fleet.CheckQuery{Check: pick.PendingCheck, Resource: "lib0", To: now.Add(-6 * time.Hour)}, "h7", false},
		"between":       {fleet.CheckQuery{Check: pick.PendingCheck, Resource: "lib0", From: now.Add(-5 * time.Hour), To: now.Add(-3 * time.Hour), Size: 1}, "h4", true},
	} {
		p, err := v.Results(t.Context(), c.query)
		var got []string
		for _, s := range p.States {
			got = append(got, s.HostName)
		}
		if s := strings.Join(got, " "); err != nil || s != c.want || p.More != c.more {
			t.Errorf("%s: %q, more %v, %v, want %q", name, s, p.More, err, c.want)
		}
	}
}
