package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/advisory"
	"seawall/collector/store/view/pending"
	"seawall/collector/store/view/pick"
	"seawall/pkg/finding"
)

// advised is hosts of which host i has i updates pending for RHSA-2024:1 and CVE-2024-1,
// and each odd one an update for RHSA-2024:2, which is worse. The last is archived.
func advised(t *testing.T) *pending.Updates {
	t.Helper()
	var hosts, states, names, together [][]any
	add := func(i int, name string, severity int, of ...string) {
		since := now.Add(-time.Duration(i) * time.Hour).UnixNano()
		states = append(states, []any{mustKey(t, i), pick.PendingCheck, name, 2, severity, since, stateBody(t, pick.PendingCheck, name, finding.StatusFail)})
		for _, n := range of {
			names = append(names, []any{int(advisory.Of(n)), n, mustKey(t, i), name, severity, since})
			if name == "lib0" || name == "kernel" {
				together = append(together, []any{int(advisory.Of(n)), n, mustKey(t, i), max(i*(4-severity), 1), severity, since})
			}
		}
	}
	for i := range 6 {
		hosts = append(hosts, []any{mustKey(t, i), 0, 0, fmt.Sprintf("h%d", i), i / 5})
		for p := range i {
			add(i, fmt.Sprintf("lib%d", p), 3, "RHSA-2024:1", "CVE-2024-1")
		}
		if i%2 == 1 {
			add(i, "kernel", 5, "RHSA-2024:2")
		}
	}
	v := fill(t, map[string][][]any{"host (host, first_seen, last_seen, name, archived)": hosts, "state": states, "advisory": names, "advised": together,
		"host_tag": {{mustKey(t, 2), "x"}}})
	return pending.New(v.db)
}

func TestAdvisories(t *testing.T) {
	u := advised(t)
	p, err := u.Advisories(t.Context(), advisory.Query{})
	want := advisory.Page{Total: 2, Advisories: []advisory.Advisory{
		{Name: "RHSA-2024:2", Severity: finding.SeverityCritical, Hosts: 2, Packages: 2, Since: now.Add(-3 * time.Hour)},
		{Name: "RHSA-2024:1", Severity: finding.SeverityMedium, Hosts: 4, Packages: 10, Since: now.Add(-4 * time.Hour)},
	}}
	if diff := cmp.Diff(want, p); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for name, c := range map[string]struct {
		query advisory.Query
		want  string
		total int
	}{
		"CVEs":            {advisory.Query{Kind: advisory.CVE}, "CVE-2024-1:4", 1},
		"text":            {advisory.Query{Text: "rhsa-2024:2"}, "RHSA-2024:2:2", 1},
		"no pattern":      {advisory.Query{Text: "%"}, "", 0},
		"scope":           {advisory.Query{Scope: []string{"x"}}, "RHSA-2024:1:1", 1},
		"another scope":   {advisory.Query{Scope: []string{"y"}}, "", 0},
		"a page":          {advisory.Query{Page: 1, Size: 1}, "RHSA-2024:1:4", 2},
		"behind the last": {advisory.Query{Page: 7}, "", 2},
	} {
		p, err := u.Advisories(t.Context(), c.query)
		var got []string
		for _, a := range p.Advisories {
			got = append(got, fmt.Sprintf("%s:%d", a.Name, a.Hosts))
		}
		if s := strings.Join(got, " "); err != nil || s != c.want || p.Total != c.total {
			t.Errorf("%s: %q of %d, %v, want %q of %d", name, s, p.Total, err, c.want, c.total)
		}
	}
	for _, q := range []advisory.Query{{Text: strings.Repeat("x", pick.MaxText+1)}, {Scope: make([]string, pick.MaxScope+1)}} {
		if _, err := u.Advisories(t.Context(), q); err == nil {
			t.Errorf("%d bytes, %d tags: taken", len(q.Text), len(q.Scope))
		}
	}
}

func TestAdvised(t *testing.T) {
	u := advised(t)
	for name, c := range map[string]struct {
		query advisory.HostQuery
		want  string
		more  bool
	}{
		"an advisory": {advisory.HostQuery{Name: "RHSA-2024:2"}, "h1/kernel h3/kernel", false},
		"a CVE":       {advisory.HostQuery{Name: "CVE-2024-1", Size: 3}, "h1/lib0 h2/lib0 h2/lib1", true},
		"a page":      {advisory.HostQuery{Name: "CVE-2024-1", Size: 3, Page: 3}, "h4/lib3", false},
		"a scope":     {advisory.HostQuery{Name: "RHSA-2024:1", Scope: []string{"x"}}, "h2/lib0 h2/lib1", false},
		"none":        {advisory.HostQuery{Name: "RHSA-2024:%"}, "", false},
	} {
		p, err := u.Advised(t.Context(), c.query)
		var got []string
		for _, s := range p.States {
			got = append(got, s.HostName+"/"+s.Result.Resource)
		}
		if s := strings.Join(got, " "); err != nil || s != c.want || p.More != c.more {
			t.Errorf("%s: %q, more %v, %v, want %q", name, s, p.More, err, c.want)
		}
	}
	if _, err := u.Advised(t.Context(), advisory.HostQuery{Scope: make([]string, pick.MaxScope+1)}); err == nil {
		t.Error("a scope of too many tags is taken")
	}
}
