package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts"
	"seawall/agent/facts/patch"
	"seawall/agent/policy"
	"seawall/pkg/finding"
)

// waiting makes packages of one source pending for the given days each.
func waiting(label string, days ...int) func(*facts.Facts) {
	return func(f *facts.Facts) {
		for i, d := range days {
			since := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -d)
			f.Patch.Packages = append(f.Patch.Packages, patch.Package{Name: fmt.Sprintf("libx%d", i), Arch: "amd64", Source: "x",
				Installed: "1", Fixed: "2", Label: label, FirstSeen: since.Format(time.RFC3339), DaysPending: d})
		}
	}
}

func levelCases() []testCase {
	stale := func(f *facts.Facts) {
		f.Patch.Stale = patch.Stale{Since: "2026-11-22T00:00:00Z", AgeSeconds: 99, Reason: "dpkg status, line 7: no name"}
	}
	return []testCase{
		{"patch-security-overdue", waiting("available", 7, 0), "pass: none is pending for more than 7 days"},
		{"patch-security-overdue", waiting("available", 8, 9, 7), "fail high: x, pending for more than 7 days"},
		{"patch-security-overdue", waiting("held", 8), "fail high: x, pending for more than 7 days"},
		{"patch-security-overdue", all(waiting("available", 8), func(f *facts.Facts) { f.Patch.Packages[0].Severity = "Critical" }), "fail critical: x, pending"},
		{"patch-security-overdue", func(f *facts.Facts) { f.Patch.Installed = 0 }, "unknown: the package database"},
		{"patch-security-overdue", func(f *facts.Facts) { f.Patch.Metadata.Expired = true }, "unknown: the package lists expired"},
		{"patch-readable", stale, "error: dpkg status, line 7: no name; what is said of updates is the answer of 2026-11-22T00:00:00Z"},
		{"patch-readable", func(f *facts.Facts) { f.Patch.Installed = 0 }, "unknown: the package database"},
		{"patch-security-updates", all(stale, waiting("available", 1)), "libx0:amd64 fail high: 1"},
		{"patch-security-updates", waiting("held", 1), "libx0:amd64 fail high: 1 @/var/lib/dpkg/status:0"},
		{"patch-metadata-age", func(f *facts.Facts) {
			f.Patch.Sources = []patch.Source{{File: "/etc/apt/sources.list", Line: 3, Error: "404"}, {File: "/b"}}
		}, "pass: refreshed in the last 7 days @/var/lib/apt/lists/InRelease:0 @/etc/apt/sources.list:3"},
		{"patch-other-updates", func(f *facts.Facts) { f.Patch.OtherPending, f.Patch.Deferred = 3, 2 }, "fail informational: 1 update"},
		{"patch-other-updates", func(f *facts.Facts) { f.Patch.OtherPending = 54 }, "fail informational: 10 to 99 updates"},
		{"patch-other-updates", func(f *facts.Facts) { f.Patch.OtherPending, f.Patch.Deferred = 2, 2 }, "pass: none"},
		{"patch-other-updates", unreadSource("/etc/apt/sources.list", 0), "unknown: source stable could not be read: no Release file"},
		{"patch-other-updates", unreadSource("/etc/apt/sources.list", 4), "fail informational: 2 to 9 updates"},
		{"patch-other-updates", unreadSource("/var/lib/ubuntu-advantage/apt-esm/etc/apt/sources.list", 0), "pass: none"},
	}
}

// TestPendingFinding: a finding has everything that is known of a package.
func TestPendingFinding(t *testing.T) {
	f := good()
	f.Patch.Packages = []patch.Package{
		{Name: "openssl-libs", Arch: "x86_64", Source: "openssl", Installed: "1:3.0.7-1", Fixed: "1:3.0.7-2", Label: patch.LabelNotAvailable,
			Reason: "no enabled repository has it", Origin: "baseos", Severity: "Important", Advisories: []string{"ALSA-2026:1", "ALSA-2026:2"},
			CVEs: []string{"CVE-2026-1"}, Published: "2026-11-01T00:00:00Z", FirstSeen: "2026-11-10T04:05:06Z", DaysPending: 12},
		{Name: "bash", Arch: "amd64", Installed: "5.2-1", Fixed: "5.2-2", Label: patch.LabelAvailable},
	}
	got := load(t).Evaluate(f, time.Time{}, "patch-security-updates")
	if len(got) != 2 || got[0].Group != "bash" || !got[0].Since.IsZero() || len(got[0].Evidence) != 1 {
		t.Fatalf("got %+v", got)
	}
	r := got[1]
	want := finding.Result{Check: "patch-security-updates", Resource: "openssl-libs:x86_64", Group: "openssl", Status: finding.StatusFail,
		Severity: finding.SeverityHigh, Actual: "1:3.0.7-1", Expected: "1:3.0.7-2", Since: time.Date(2026, 11, 10, 4, 5, 6, 0, time.UTC), Evidence: r.Evidence}
	if !finding.Same(&want, &r) || !r.Since.Equal(want.Since) || r.Key() != want.Key() {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	var said []string
	for _, e := range r.Evidence {
		said = append(said, e.Text)
	}
	if got, want := strings.Join(said, "\n"), `1:3.0.7-2 in baseos, source openssl
Important ALSA-2026:1, ALSA-2026:2: CVE-2026-1, published 2026-11-01T00:00:00Z
not available: no enabled repository has it`; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestOnlyClock: a result that differs by the clock alone is the same, so that a
// host with nothing new says nothing; a hold that is set says something.
func TestOnlyClock(t *testing.T) {
	p := load(t)
	day := func(days int, label string) map[finding.Key]finding.Result {
		f := good()
		waiting(label, 8, 10)(f)
		for i := range f.Patch.Packages {
			f.Patch.Packages[i].DaysPending += days
		}
		f.Patch.Metadata.AgeSeconds += days * 86400
		out := map[finding.Key]finding.Result{}
		for _, r := range p.Evaluate(f, time.Time{}, "patch-security-updates", "patch-security-overdue", "patch-readable", "patch-other-updates", "patch-metadata-age") {
			out[r.Key()] = r
		}
		return out
	}
	first := day(0, patch.LabelAvailable)
	for key, r := range day(30, patch.LabelAvailable) {
		if old := first[key]; !finding.Same(&old, &r) {
			t.Errorf("%v changes by the clock alone:\n%+v\n%+v", key, old, r)
		}
	}
	changed := 0
	for key, r := range day(0, patch.LabelHeld) {
		if old := first[key]; !finding.Same(&old, &r) {
			changed++
		}
	}
	if changed != 2 {
		t.Errorf("a hold changes %d results, want those of both packages", changed)
	}
}

// TestOverdueDays: the limit is the user's to set.
func TestOverdueDays(t *testing.T) {
	p, err := policy.Load(facts.Facts{}, append(baseline(t), policy.Source{Name: "mine.yaml", Data: []byte("parameters: {patch-security-overdue: {days: 30}}")})...)
	if err != nil {
		t.Fatal(err)
	}
	f := good()
	waiting("available", 12)(f)
	if got := one(p, f, "patch-security-overdue"); got != "pass: none is pending for more than 30 days" {
		t.Errorf("got %s", got)
	}
	waiting("available", 31)(f)
	if got := one(p, f, "patch-security-overdue"); !strings.HasPrefix(got, "fail high: x, pending for more than 30 days") {
		t.Errorf("got %s", got)
	}
}

// TestOverdueOfMany: thousands of packages are judged within the limit of cost, and
// the result stays short.
func TestOverdueOfMany(t *testing.T) {
	f := good()
	for i := range 600 {
		f.Patch.Packages = append(f.Patch.Packages, patch.Package{Name: fmt.Sprintf("p%d", i), Source: fmt.Sprintf("s%d", i/2), Arch: "amd64",
			Label: "available", FirstSeen: "2026-01-01T00:00:00Z", DaysPending: 300})
	}
	r := load(t).Evaluate(f, time.Time{}, "patch-security-overdue")[0]
	if r.Status != finding.StatusFail || !strings.HasSuffix(r.Actual, "s11 and 288 more, pending for more than 7 days") || len(r.Evidence) != 16 {
		t.Errorf("got %s: %s, %d places", r.Status, r.Actual, len(r.Evidence))
	}
}

func baseline(t *testing.T) []policy.Source {
	t.Helper()
	sources, err := policy.Sources(files, "baseline")
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// unreadSource is a host with a source that could not be read, and other updates.
func unreadSource(file string, pending int) func(*facts.Facts) {
	return func(f *facts.Facts) {
		f.Patch.Sources = append(f.Patch.Sources, patch.Source{Suite: "stable", File: file, Reason: "no Release file"})
		f.Patch.OtherPending = pending
	}
}
