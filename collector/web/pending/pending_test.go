package pending

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

var now = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return now.AddDate(0, 0, n) }

// update is a package's state as the agent tells it.
func update(resource, group string, severity finding.Severity, since time.Time, evidence ...string) fleet.State {
	s := fleet.State{Since: day(-1), Result: finding.Result{
		Check: Check, Resource: resource, Group: group, Status: finding.StatusFail, Severity: severity, Actual: "1.0", Expected: "1.2", Since: since,
	}}
	for _, text := range evidence {
		s.Result.Evidence = append(s.Result.Evidence, finding.Evidence{Text: text})
	}
	return s
}

func TestGroups(t *testing.T) {
	passes := update("", "", 0, time.Time{})
	passes.Result.Status = finding.StatusPass
	other := update("x", "openssl", 5, day(-3))
	other.Result.Check = "ssh-x"
	unknown := update("", "", 4, time.Time{})
	unknown.Result.Status = finding.StatusUnknown
	var got []string
	for _, g := range Groups(now, []fleet.State{
		passes, other, unknown,
		update("vim:amd64", "", 2, day(-2)),
		update("openssl:amd64", "openssl", 2, day(-12)), update("libssl3:i386", "openssl", 4, day(-3)), update("libssl3:amd64", "openssl", 3, day(-3)),
		update("curl:amd64", "curl", 4, day(-20)), update(":amd64", "", 1, time.Time{}),
	}) {
		line := fmt.Sprintf("%s %s %d:", g.Name, g.Severity, g.Days)
		for _, p := range g.Packages {
			line += " " + p.Resource
		}
		got = append(got, line)
	}
	want := []string{
		"curl high 20: curl:amd64", "openssl high 12: libssl3:amd64 libssl3:i386 openssl:amd64", "vim low 2: vim:amd64", ":amd64 informational 1: :amd64",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if none := Groups(now, nil); none == nil || len(none) > 0 {
		t.Errorf("of nothing: %#v", none)
	}
}

// Since when a package is pending is the host's word, where that can be.
func TestSince(t *testing.T) {
	for said, want := range map[time.Time]time.Time{
		day(-12): day(-12), now: day(-1), {}: day(-1), day(1): day(-1), time.Unix(-1, 0).UTC(): day(-1), time.Unix(1<<60, 0).UTC(): day(-1),
	} {
		s := update("a", "", 2, said)
		if got := Since(&s); !got.Equal(want) {
			t.Errorf("%v: %v, want %v", said, got, want)
		}
	}
	s := update("a", "", 2, time.Time{})
	for _, s.Since = range []time.Time{day(3), {}} {
		if g := Groups(now, []fleet.State{s}); g[0].Days != 0 {
			t.Errorf("since %v: %d days", s.Since, g[0].Days)
		}
	}
}

func TestEvidence(t *testing.T) {
	for text, want := range map[string]Package{
		"1.2 in Debian-Security, source openssl": {Origin: "Debian-Security"},
		"1.2 in Archive, source a, source b":     {Origin: "Archive, source a"},
		"1.2 in Debian-Security":                 {Origin: "Debian-Security"},
		"1.2":                                    {},
		"1.2, source openssl":                    {},
		"1.20 is another version":                {Notes: []string{"1.20 is another version"}},
		"held":                                   {Label: "held"},
		"held: dpkg says hold":                   {Label: "held", Reason: "dpkg says hold"},
		"pinned: Pin: release n=x in /etc/apt/preferences": {Label: "pinned", Reason: "Pin: release n=x in /etc/apt/preferences"},
		"deferred phasing: 20 %":                           {Label: "deferred phasing", Reason: "20 %"},
		"esm not enabled: pro":                             {Label: "esm not enabled", Reason: "pro"},
		"excluded: excludepkgs=x":                          {Label: "excluded", Reason: "excludepkgs=x"},
		"not available":                                    {Label: "not available"},
		"not running: restart the host":                    {Label: "not running", Reason: "restart the host"},
		"masked by nothing":                                {Notes: []string{"masked by nothing"}},
		"moderate RHSA-2024:1: CVE-2024-1":                 {Notes: []string{"moderate RHSA-2024:1: CVE-2024-1"}},
		"":                                                 {},
	} {
		s := update("a", "", 2, day(-4), text)
		got := Groups(now, []fleet.State{s})[0].Packages[0]
		want.Resource, want.Installed, want.Fixed, want.Severity, want.Since = "a", "1.0", "1.2", 2, day(-4)
		if want.Notes == nil {
			want.Notes = []string{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (- want, + got):\n%s", text, diff)
		}
	}
}

// What is said of all packages is said once; what is said of some names them.
func TestSaid(t *testing.T) {
	states := []fleet.State{
		update("a:amd64", "s", 2, now, "DSA-1", "held: x", "second"), update("b:amd64", "s", 2, now, "DSA-1"), update("c:amd64", "s", 2, now, "DSA-1", "DSA-1", "held: x"),
	}
	states[1].Result.Expected = "2.0"
	g := Groups(now, states)[0]
	if diff := cmp.Diff([]Said{{Label: "held", Text: "x", Of: []string{"a:amd64", "c:amd64"}}}, g.Labels()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Said{{Text: "DSA-1"}, {Text: "second", Of: []string{"a:amd64"}}}, g.Notes()); diff != "" {
		t.Error(diff)
	}
	if v := g.Versions(); !cmp.Equal(v.Installed, []string{"1.0"}) || !cmp.Equal(v.Fixed, []string{"1.2", "2.0"}) {
		t.Errorf("versions: %+v", v)
	}
	for want, s := range map[string]fleet.State{"": update("vim:amd64", "vim", 2, now), "vim-common:all": update("vim-common:all", "vim", 2, now)} {
		if got := Groups(now, []fleet.State{s})[0].Single(); got != want {
			t.Errorf("single: %q, want %q", got, want)
		}
	}
	if got := g.Single(); got != "" {
		t.Errorf("single of three: %q", got)
	}
}

// FuzzGroups holds that every package is in one group, whatever a host says, and
// that the answer can be encoded.
func FuzzGroups(f *testing.F) {
	f.Add("openssl:amd64\nlibssl3:amd64\nvim", "openssl\nopenssl\n", "1.2 in Debian-Security, source openssl\nheld: x\nDSA-1", int64(0))
	f.Add(":\n::\n\xff", "\n \n:", "pinned\n1.2,\n1.2 in ", int64(1)<<62)
	f.Fuzz(func(t *testing.T, resources, groups, evidence string, since int64) {
		var states []fleet.State
		group := strings.Split(groups, "\n")
		for i, resource := range strings.Split(resources, "\n") {
			states = append(states, update(resource, group[i%len(group)], finding.Severity(i%7), time.Unix(since, 0), strings.Split(evidence, "\n")...))
		}
		want, got := 0, 0
		for i := range states {
			if Is(&states[i].Result) {
				want++
			}
		}
		all := Groups(now, states)
		for _, g := range all {
			got += len(g.Packages)
			if g.Name == "" || g.Days < 0 || len(g.Labels()) > len(g.Packages) || len(g.Notes()) > len(evidence)+1 {
				t.Errorf("group %+v", g)
			}
		}
		if _, err := json.Marshal(all); err != nil || got != want {
			t.Errorf("%d of %d packages, %v", got, want, err)
		}
	})
}
