package waiver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
)

var (
	now    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	checks = []string{"ssh-x11-forwarding", "patch-security-updates"}
)

const good = `# decided on 2026-11-20
waivers:
  - check: ssh-x11-forwarding
    owner: ann@example.com
    reason: The desktop team works over X11.
    expires: 2026-12-31
  - {check: patch-security-updates, resource: "linux-*", owner: bob, reason: reboot on Sunday, expires: "2026-11-21"}
`

func TestParse(t *testing.T) {
	got, err := Parse("w.yaml", []byte(good), checks, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []Waiver{
		{Check: "ssh-x11-forwarding", Resource: "*", Owner: "ann@example.com", Reason: "The desktop team works over X11.",
			Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), File: "w.yaml", Line: 3},
		{Check: "patch-security-updates", Resource: "linux-*", Owner: "bob", Reason: "reboot on Sunday",
			Expires: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), File: "w.yaml", Line: 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, empty := range []string{"", "# none\n", "waivers: []"} {
		if got, err := Parse("w.yaml", []byte(empty), checks, now); len(got) != 0 || err != nil {
			t.Errorf("%q: got %v, %v", empty, got, err)
		}
	}
}

func TestParseProblems(t *testing.T) {
	for _, tt := range []struct{ old, with, want string }{
		{"expires: 2026-12-31", "expires: 2027-12-31", "w.yaml:6:14: 2027-12-31 is more than a year ahead"},
		{"expires: 2026-12-31", "expires: next week", `w.yaml:6:14: "next week" is no day`},
		{"expires: 2026-12-31", "expires: [1]", "is no day"},
		{"    expires: 2026-12-31\n", "", "w.yaml:3:5: expires is missing"},
		{"    owner: ann@example.com\n", "", "owner is missing"},
		{"ann@example.com", "''", "want a text"},
		{"The desktop team", strings.Repeat("x", maxText), "want a text of at most 512 bytes"},
		{"check: ssh-x11-forwarding", "check: ssh-x11-fowarding", `no check is called "ssh-x11-fowarding"; did you mean "ssh-x11-forwarding"?`},
		{"    owner:", "    ownr:", `w.yaml:4:5: unknown key "ownr"; did you mean "owner"?`},
		{"    owner:", "    check: ssh-x11-forwarding\n    owner:", `key "check" stands here twice`},
		{"waivers:\n", "wavers:\n", `unknown key "wavers"; did you mean "waivers"?`},
		{good, "waivers: 1", "want a list"},
		{good, "waivers: [1]", "want a mapping"},
		{good, "waivers: [" + strings.Repeat("1,", maxWaivers) + "1]", "want a list of at most 4096 waivers"},
		{good, "- a", "want a mapping"},
		{good, "\t", "w.yaml: yaml:"},
		{good, "waivers: []\n---\nwaivers: []\n", "more than one document"},
		{good, "waivers: &a [*a]", "w.yaml"},
	} {
		got, err := Parse("w.yaml", []byte(strings.Replace(good, tt.old, tt.with, 1)), checks, now)
		if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
			t.Errorf("%q\ngot  %v, %v\nwant %s", tt.with, got, err, tt.want)
		}
	}
}

// TestApply: only a failure is waived, only what is covered, only until the day ends,
// and nothing else of the result changes.
func TestApply(t *testing.T) {
	waivers, err := Parse("w.yaml", []byte(good), checks, now)
	if err != nil {
		t.Fatal(err)
	}
	result := func(check, resource string, s finding.Status) finding.Result {
		return finding.Result{Check: check, Resource: resource, Status: s, Severity: finding.SeverityHigh, Actual: "a", Expected: "e",
			Evidence: []finding.Evidence{{File: "/etc/x", Line: 1}}}
	}
	const x11, updates = "ssh-x11-forwarding", "patch-security-updates"
	for _, tt := range []struct {
		result finding.Result
		at     time.Time
		want   string // status, and the evidence that was added
	}{
		{result(x11, "", finding.StatusFail), now, "waived w.yaml:3 waived by ann@example.com until 2026-12-31: The desktop team works over X11."},
		{result(x11, "user ann", finding.StatusFail), time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), "waived w.yaml:3 "},
		{result(x11, "", finding.StatusFail), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "fail w.yaml:3 the waiver of ann@example.com ended on 2026-12-31: "},
		{result(x11, "", finding.StatusUnknown), now, "unknown"},
		{result(x11, "", finding.StatusError), now, "error"},
		{result(x11, "", finding.StatusPass), now, "pass"},
		{result(updates, "linux-image-amd64", finding.StatusFail), now, "fail w.yaml:7 the waiver of bob ended on 2026-11-21: reboot on Sunday"},
		{result(updates, "linux-image-amd64", finding.StatusFail), now.AddDate(0, 0, -1), "waived w.yaml:7 waived by bob until 2026-11-21: reboot on Sunday"},
		{result(updates, "curl", finding.StatusFail), now.AddDate(0, 0, -1), "fail"},
		{result("ssh-ciphers", "", finding.StatusFail), now, "fail"},
	} {
		before := tt.result
		list := []finding.Result{tt.result}
		Apply(list, waivers, tt.at)
		got := list[0]
		said := got.Status.String()
		for _, e := range got.Evidence[1:] {
			said += fmt.Sprintf(" %s:%d %s", e.File, e.Line, e.Text)
		}
		if !strings.HasPrefix(said, tt.want) || tt.want == before.Status.String() && said != tt.want {
			t.Errorf("%s %s: got %s, want %s", before.Check, before.Resource, said, tt.want)
		}
		got.Status, got.Evidence = before.Status, got.Evidence[:1]
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("%s: (-before +after)\n%s", before.Check, diff)
		}
	}
}

// TestApplyPrefersWhatHolds: a waiver that ended does not hide one that was made after it.
func TestApplyPrefersWhatHolds(t *testing.T) {
	old := Waiver{Check: "a-b", Resource: "*", Owner: "old", Expires: now.AddDate(0, 0, -9)}
	older, holds := old, old
	older.Owner, older.Expires = "older", now.AddDate(0, 0, -20)
	holds.Owner, holds.Expires = "holds", now.AddDate(0, 0, 1)
	for want, list := range map[string][]Waiver{"holds": {old, holds, older}, "old": {older, old}} {
		r := []finding.Result{{Check: "a-b", Status: finding.StatusFail}}
		Apply(r, list, now)
		if len(r[0].Evidence) != 1 || !strings.Contains(r[0].Evidence[0].Text, want+" ") {
			t.Errorf("got %v, want one of %s", r[0].Evidence, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"*", "/home/ann/.ssh", true}, {"/home/*", "/home/ann/.ssh", true}, {"/home/?nn", "/home/ann", true},
		{"a", "a", true}, {"a", "ab", false}, {"a*c*e", "abcde", true}, {"a*c*e", "abcd", false}, {"", "", true}, {"", "a", false},
		{"?", "", false}, {"**", "x", true}, {"[ab]", "a", false}, {"linux-*", "linux", false},
		{strings.Repeat("*a", 200), strings.Repeat("a", 199) + "b", false},
	} {
		if got := matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%.20q on %.20q: got %v", tt.pattern, tt.name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{good, "waivers: [{check: a}]", "a: &a [*a]", "waivers:\n- expires: 9999-99-99", "\xff"} {
		f.Add([]byte(s), "linux-x")
	}
	f.Fuzz(func(t *testing.T, data []byte, resource string) {
		list, err := Parse("f", data, checks, now)
		if err != nil && list != nil {
			t.Fatal("waivers beside an error")
		}
		for _, w := range list {
			if w.Owner == "" || w.Reason == "" || w.Expires.IsZero() || w.Expires.Sub(now) > longest || w.Line < 1 {
				t.Fatalf("got %+v", w)
			}
			r := []finding.Result{{Check: w.Check, Resource: resource, Status: finding.StatusUnknown}}
			if Apply(r, list, now); r[0].Status != finding.StatusUnknown {
				t.Fatal("what is not known was waived")
			}
		}
	})
}
