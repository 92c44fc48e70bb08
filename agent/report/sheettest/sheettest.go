// Package sheettest has looks at hosts for the tests of all who write them: one with a
// result of every kind, and one by a host that means ill.
package sheettest

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/report/sheet"
	"seawall/pkg/finding"
)

var update = flag.Bool("update", false, "write the golden files")

// Golden compares output with a file of testdata.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

// Written is what write writes of a look.
func Written(t testing.TB, write func(io.Writer, *sheet.Sheet) error, s *sheet.Sheet) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// At is when the looks were.
func At() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// Cause is who changed sshd's configuration.
func Cause() *finding.Cause {
	return &finding.Cause{Serial: 4711, Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), AUID: 1000, LoginUser: "ann", UID: 0,
		User: "root", Session: 7, TTY: "pts0", Exe: "/usr/bin/tee", Command: "tee /etc/ssh/sshd_config",
		Path: "/etc/ssh/sshd_config", Operation: "write"}
}

// Sheet is a look with a result of every kind.
func Sheet() *sheet.Sheet {
	info := func(id, family, title string, severity finding.Severity) finding.CheckInfo {
		return finding.CheckInfo{ID: id, Family: family, Title: title, Severity: severity, Rationale: "Because *it*\n  matters <much>.",
			Remediation: "echo 'no' > /etc/f\n# then\nsystemctl reload `x` && true", References: []string{"CIS Debian 12 5.1.20", "sshd_config(5)"}}
	}
	results := []finding.Result{
		{Check: "audit-a", Status: finding.StatusError, Severity: finding.SeverityLow, Actual: "refused:\nline 3"},
		{Check: "patch-updates", Resource: "zlib:amd64", Group: "zlib", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "1", Expected: "2",
			Since: At().AddDate(0, 0, -9)},
		{Check: "patch-updates", Resource: "bash:amd64", Status: finding.StatusFail, Severity: finding.SeverityCritical, Actual: "5", Expected: "6"},
		{Check: "patch-updates", Resource: "curl:amd64", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "7", Expected: "8"},
		{Check: "patch-updates", Resource: "dash:amd64", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "9", Expected: "10"},
		{Check: "ssh-none", Status: finding.StatusNotApplicable, Severity: finding.SeverityLow, Actual: "no sshd"},
		{Check: "ssh-ok", Status: finding.StatusPass, Severity: finding.SeverityHigh, Actual: "fine"},
		{Check: "ssh-root", Status: finding.StatusFail, Severity: finding.SeverityMedium, Actual: "yes", Expected: "no", Cause: Cause(),
			Evidence: []finding.Evidence{{File: "/etc/ssh/sshd config", Line: 12, Text: "\tPermitRootLogin yes"}, {Text: "asked for root"}, {File: "/x"}}},
		{Check: "ssh-tries", Resource: "r", Status: finding.StatusUnknown, Severity: finding.SeverityLow, Actual: "not asked"},
		{Check: "ssh-waived", Status: finding.StatusWaived, Severity: finding.SeverityHigh, Actual: "a", Expected: "b",
			Evidence: []finding.Evidence{{File: "/etc/seawall/waivers.d/w.yaml", Line: 2, Text: "waived by ann until 2026-12-31: we move"}}},
	}
	for i := range results {
		results[i].Time = At()
	}
	return sheet.New(sheet.Sheet{
		Host: sheet.Host{Name: "web-1", OS: "Debian GNU/Linux 12 (bookworm)", OSID: "debian", OSVersion: "12", Kernel: "6.1.0", Arch: "amd64",
			Root: "/"},
		Profile: "baseline", Time: At(), Version: "v0.9", Results: results,
		Checks: []finding.CheckInfo{
			info("audit-a", "audit", "A", finding.SeverityLow), info("patch-updates", "patch", "Up to date", finding.SeverityHigh),
			info("ssh-none", "ssh", "None", finding.SeverityLow), info("ssh-ok", "ssh", "Fine", finding.SeverityHigh),
			info("ssh-root", "ssh", "Root *stays* out", finding.SeverityMedium), info("ssh-tries", "ssh", "Few tries", finding.SeverityLow),
			info("ssh-waived", "ssh", "Waived", finding.SeverityHigh), info("ssh-unused", "ssh", "Not evaluated", finding.SeverityHigh),
		},
	})
}

// Compared is the same look, narrowed to what changed since an earlier one.
func Compared() *sheet.Sheet {
	s := Sheet()
	e := &sheet.Earlier{Name: "old.json", Time: At().AddDate(0, 0, -1), Results: map[finding.Key]finding.Result{}}
	for _, r := range s.Results {
		e.Results[r.Key()] = r
	}
	change := func(check, resource string, status finding.Status) {
		key := finding.Key{Check: check, Resource: resource}
		r := e.Results[key]
		r.Check, r.Resource, r.Status = check, resource, status
		e.Results[key] = r
	}
	delete(e.Results, finding.Key{Check: "patch-updates", Resource: "dash:amd64"})
	change("ssh-root", "", finding.StatusPass)
	change("ssh-ok", "", finding.StatusUnknown)
	change("patch-updates", "gone:amd64", finding.StatusFail)
	change("other-check", "", finding.StatusFail)
	s.Compare(e)
	return s
}

// Evil is what a hostile host may put into any text: terminal escapes, markup of every
// format, a forged line, bytes that are no UTF-8, and what XML cannot have.
const Evil = "a\nFAIL\r\x1b]0;x\a\u009b2J\u202e\u2028\x7f\x00b</code></td>]]><script>alert(1)</script><img src=x onerror=y>\"'&amp;" +
	"``` ` [l](javascript:x) ![i](http://e/x) | @ann \xff\xfe \U000e0041 %s"

// Hostile is a look at a host that means ill: every text of it is Evil.
func Hostile() *sheet.Sheet {
	s := Sheet()
	s.Host = sheet.Host{Name: Evil, OS: Evil, OSID: Evil, OSVersion: Evil, Kernel: Evil, Arch: Evil, Root: Evil}
	for i := range s.Results {
		r := &s.Results[i]
		r.Resource, r.Group, r.Actual, r.Expected = Evil+r.Resource, Evil, Evil, Evil
		r.Evidence = []finding.Evidence{{File: Evil, Line: 1, Text: Evil}, {Text: Evil}, {File: "/" + Evil}}
		r.Cause = &finding.Cause{Command: Evil, Exe: Evil, LoginUser: Evil, User: Evil, Path: Evil, TTY: Evil, Operation: Evil}
	}
	s.Gone = []finding.Result{s.Results[0]}
	return s
}

// Steers is what no output may have.
const Steers = "\r\x1b\a\u009b\u202e\u2028\x7f\x00\U000e0041"
