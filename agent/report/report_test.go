package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
	"seawall/pkg/finding"
)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	sheettest.Golden(t, name, got)
}

func cause() *finding.Cause {
	return sheettest.Cause()
}

func sample() ([]finding.Result, []finding.CheckInfo) {
	checks := []finding.CheckInfo{
		{ID: "ssh-root", Family: "ssh", Title: "Root stays out", Remediation: "echo no > f\nreload"},
		{ID: "ssh-tries", Family: "ssh", Title: "Few tries", Remediation: "x"},
		{ID: "ssh-ok", Family: "ssh", Title: "Fine", Remediation: "x"},
		{ID: "ssh-none", Family: "ssh", Title: "None", Remediation: "x"},
		{ID: "patch-updates", Family: "patch", Title: "Up to date", Remediation: "apt-get upgrade"},
		{ID: "audit-a", Family: "audit", Title: "A", Remediation: "x"},
		{ID: "audit-b", Family: "audit", Title: "B", Remediation: "x"},
	}
	results := []finding.Result{
		{Check: "audit-a", Status: finding.StatusError, Severity: finding.SeverityLow, Actual: "refused:\nline 3"},
		{Check: "audit-b", Status: finding.StatusError, Severity: finding.SeverityHigh, Actual: "refused:\nline 3"},
		{Check: "patch-updates", Resource: "zlib:amd64", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "1", Expected: "2"},
		{Check: "patch-updates", Resource: "bash:amd64", Status: finding.StatusFail, Severity: finding.SeverityCritical, Actual: "5", Expected: "6"},
		{Check: "ssh-none", Status: finding.StatusNotApplicable, Actual: "no sshd"},
		{Check: "ssh-ok", Status: finding.StatusPass, Severity: finding.SeverityHigh, Actual: strings.Repeat("long ", 40)},
		{Check: "ssh-root", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "yes", Expected: "no", Cause: cause(),
			Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 12, Text: "\tPermitRootLogin yes"}, {Text: "asked for root"}, {File: "/x"}}},
		{Check: "ssh-tries", Resource: "r", Status: finding.StatusUnknown, Severity: finding.SeverityLow, Actual: "not asked"},
	}
	return results, checks
}

// of is a look at what was asked for by name, of a host that is not known.
func of(results []finding.Result, checks []finding.CheckInfo) *sheet.Sheet {
	return sheet.New(sheet.Sheet{Results: results, Checks: checks, Named: []string{"all"}})
}

func TestTable(t *testing.T) {
	results, checks := sample()
	for name, opt := range map[string]Options{"table.txt": {}, "color.txt": {Color: true, Width: 60}} {
		var b bytes.Buffer
		if err := Table(&b, of(results, checks), opt); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestTableOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := Table(&b, of(nil, nil), Options{}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != "0 checks: nothing was checked\n" {
		t.Errorf("got %q", got)
	}
}

// TestDocument: one object, and what programs look for in each result.
func TestDocument(t *testing.T) {
	for name, s := range map[string]*sheet.Sheet{"document.json": sheettest.Sheet(), "changes.json": sheettest.Compared()} {
		var b bytes.Buffer
		if err := Document(&b, s); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		var back struct {
			Results []map[string]any `json:"results"`
		}
		if err := json.Unmarshal(b.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		for _, r := range back.Results {
			for _, key := range []string{"check", "resource", "status", "severity", "actual", "expected", "evidence", "remediation", "cause"} {
				if _, ok := r[key]; !ok {
					t.Errorf("%v lacks %s", r["check"], key)
				}
			}
			if _, ok := r["evidence"].([]any); !ok {
				t.Errorf("%v: evidence is %v, want a list", r["check"], r["evidence"])
			}
		}
	}
}

// TestLines: each result is an object of its own, which says whose it is.
func TestLines(t *testing.T) {
	var b bytes.Buffer
	s := sheettest.Sheet()
	if err := Lines(&b, s); err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(b.String()) {
		var r struct{ Host, Family, Title, Check, Status string }
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Host != "web-1" || r.Family == "" || r.Title == "" || r.Check == "" || r.Status == "" {
			t.Errorf("%v: %+v", err, r)
		}
		n++
	}
	if n != len(s.Results) {
		t.Errorf("%d lines of %d results", n, len(s.Results))
	}
}

// TestTableOfChanges: what changed, what it was, what is gone, and the whole's score.
func TestTableOfChanges(t *testing.T) {
	var b bytes.Buffer
	if err := Table(&b, sheettest.Compared(), Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "since.txt", b.Bytes())
}

func TestChange(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 1, 0, time.Local)
	results, _ := sample()
	var b bytes.Buffer
	for _, c := range []finding.Change{
		{Result: results[6], Previous: finding.StatusPass},
		{Result: results[2], Previous: finding.StatusFail, Removed: true},
		{Result: results[7]},
		{Result: results[5], Previous: finding.StatusFail},
	} {
		if err := Change(&b, at, c, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "changes.txt", b.Bytes())
}

func TestFacts(t *testing.T) {
	facts := map[string]any{
		"meta":     map[string]any{"state": "known", "depends": []string{"/x"}, "took": 5},
		"settings": map[string]any{"port": map[string]any{"value": "22", "set": false}, "x": map[string]any{"value": "a\x1b[2Jb", "set": true, "file": "/f", "line": 3}},
		"list":     []any{1, "b", true}, "rows": []any{map[string]any{"a": 1}}, "nil": nil, "big": uint64(1) << 63,
	}
	var b bytes.Buffer
	if err := Facts(&b, "sshd", facts, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "facts.txt", b.Bytes())
}

// TestHostile: nothing that a host says steers the terminal, in any form.
func TestHostile(t *testing.T) {
	evil := "a\nFAIL\r\x1b]0;x\a\u009b2J\u202e\u2028\x7f\x00b"
	r := finding.Result{Check: "ssh-x", Resource: evil, Status: finding.StatusFail, Actual: evil, Expected: evil,
		Evidence: []finding.Evidence{{File: evil, Line: 1, Text: evil}}, Cause: &finding.Cause{Command: evil, Exe: evil, LoginUser: evil}}
	two := r
	two.Resource += "2"
	checks := []finding.CheckInfo{{ID: "ssh-x", Remediation: "fix"}}
	outputs := map[string]func(*bytes.Buffer) error{
		"one":    func(b *bytes.Buffer) error { return Table(b, of([]finding.Result{r}, checks), Options{}) },
		"rows":   func(b *bytes.Buffer) error { return Table(b, of([]finding.Result{r, two}, checks), Options{Width: 80}) },
		"change": func(b *bytes.Buffer) error { return Change(b, time.Now(), finding.Change{Result: r}, Options{}) },
		"facts":  func(b *bytes.Buffer) error { return Facts(b, evil, map[string]any{evil: evil}, Options{}) },
		"json":   func(b *bytes.Buffer) error { return Document(b, of([]finding.Result{r}, checks)) },
		"line":   func(b *bytes.Buffer) error { return Line(b, r) },
	}
	for name, write := range outputs {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexAny(b.String(), "\r\x1b\a\u009b\u202e\u2028\x7f\x00"); i >= 0 {
			t.Errorf("%s lets %q through", name, b.String()[max(0, i-10):i+4])
		}
		if name == "change" && strings.Contains(b.String(), "\nFAIL") {
			t.Errorf("%s: a line was forged:\n%s", name, b.String())
		}
	}
}
