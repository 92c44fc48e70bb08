package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

func TestRuleCheck(t *testing.T) {
	good := func() Rule {
		r := NewRule()
		r.Name, r.Routes = "r", []string{"mail"}
		return r
	}
	r := good()
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Rule){
		"name: ":       func(r *Rule) { r.Name = "a\u202eb" },
		"topics: at":   func(r *Rule) { r.Topics = nil },
		"topics: ther": func(r *Rule) { r.Topics = []Topic{"x"} },
		"severity: ":   func(r *Rule) { r.MinSeverity = 6 },
		"routes: at l": func(r *Rule) { r.Routes = nil },
		"routes: 1 to": func(r *Rule) { r.Routes = []string{""} },
		"tags: at mos": func(r *Rule) { r.Tags = make([]string, MaxList+1) },
		`checks: "["`:  func(r *Rule) { r.Checks = []string{"["} },
		"group: ":      func(r *Rule) { r.Group = "x" },
		"wait: ":       func(r *Rule) { r.Wait = -1 },
		"quiet: ":      func(r *Rule) { r.Quiet = 25 * time.Hour },
		"hourly: ":     func(r *Rule) { r.Hourly = 0 },
	} {
		r := good()
		spoil(&r)
		if err := r.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want %s…, got %v", want, err)
		}
	}
}

func event(check string, from, to finding.Status) *fleet.Event {
	return &fleet.Event{ID: 1, Host: fleet.HostID(strings.Repeat("0", 32)), HostName: "web-1", Change: finding.Change{Previous: from,
		Result: finding.Result{Check: check, Status: to, Severity: finding.SeverityHigh, Time: time.Unix(1_800_000_000, 0)}}}
}

func TestFromEvent(t *testing.T) {
	pass, fail, unknown := finding.StatusPass, finding.StatusFail, finding.StatusUnknown
	for _, tt := range []struct {
		check    string
		from, to finding.Status
		topic    Topic
		over, ok bool
	}{
		{"ssh-root", pass, fail, Finding, false, true},
		{"ssh-root", finding.StatusUnspecified, fail, Finding, false, true},
		{"ssh-root", finding.StatusUnspecified, pass, Finding, true, false},
		{"ssh-root", fail, pass, Finding, true, true},
		{"ssh-root", fail, finding.StatusWaived, Finding, true, true},
		{"ssh-root", fail, unknown, Finding, false, false}, // bad before and after
		{"tls-certificate-expiring", pass, fail, Certificate, false, true},
		{"os-end-of-life", pass, fail, Release, false, true},
		{"agent-silent", finding.StatusUnspecified, fail, Silent, false, true},
		{"agent-silent", finding.StatusUnspecified, pass, Silent, true, true},
		{"agent-records-lost", finding.StatusUnspecified, fail, Lost, false, true},
		{"agent-identity", finding.StatusUnspecified, fail, Identity, false, true},
		{"agent-identity", finding.StatusUnspecified, pass, Identity, true, false},
	} {
		s, ok := FromEvent(event(tt.check, tt.from, tt.to), finding.CheckInfo{})
		if ok != tt.ok || s.Topic != tt.topic || s.Over != tt.over {
			t.Errorf("%s %s → %s: %v, %s, over %v", tt.check, tt.from, tt.to, ok, s.Topic, s.Over)
		}
	}
	moved := event("ssh-root", pass, fail)
	moved.Moved = true
	if _, ok := FromEvent(moved, finding.CheckInfo{}); ok {
		t.Error("evidence that moved is a signal")
	}
	gone := event("patch", fail, fail)
	gone.Change.Removed = true
	if s, ok := FromEvent(gone, finding.CheckInfo{}); !ok || !s.Over {
		t.Errorf("a result that left: %v, over %v", ok, s.Over)
	}
}

func TestSubject(t *testing.T) {
	a := Signal{Topic: Finding, Host: "h", Check: "c", Resource: "r"}
	b := a
	b.Over, b.Severity, b.Actual = true, 5, "x"
	if a.Subject() != b.Subject() {
		t.Error("the end of a thing is another subject")
	}
	c := a
	c.Check, c.Resource = "cr", ""
	if a.Subject() == c.Subject() {
		t.Error("two things are one subject")
	}
}

func TestCompose(t *testing.T) {
	signals := []Signal{
		{Topic: Finding, Over: true, Severity: 5, Host: "1", HostName: "web-1", Check: "a", Title: "A"},
		{Topic: Finding, Severity: 3, Host: "1", HostName: "web-1", Check: "b", Title: "B", Resource: "x", Actual: "1", Expected: "2", Who: "alice: vi", Path: "/hosts/1", Held: 3,
			Time: time.Unix(1_800_000_000, 0)},
		{Topic: Finding, Severity: 4, Host: "2", HostName: "web-2", Check: "c", Title: "C", Time: time.Unix(1_800_000_000, 0)},
	}
	m := Compose("id", "rule", time.Unix(1_800_000_000, 0), signals, 2)
	m.Dashboard = "https://d"
	want := []string{
		"2 hosts: 2 new, 1 resolved, 2 more", "",
		"[high] web-2: C", "    check: c", "    at: 2027-01-15 08:00:00 UTC",
		"[medium] web-1: B (x)", "    actual: 1", "    expected: 2", "    by: alice: vi", "    check: b", "    at: 2027-01-15 08:00:00 UTC",
		"    changed 3 more times meanwhile", "    https://d/hosts/1",
		"[resolved] web-1: A: resolved", "    check: a", "    at: 0001-01-01 00:00:00 UTC",
		"and 2 more, which the dashboard shows", "", "Rule: rule", "Message: id",
	}
	if d := cmp.Diff(want, m.Lines()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if m.Severity != finding.SeverityHigh || m.Over() || m.Word() != "high" {
		t.Errorf("severity %s, over %v, word %s", m.Severity, m.Over(), m.Word())
	}
	over := Compose("id", "rule", time.Now(), signals[2:], 0)
	if !over.Over() || over.Word() != "resolved" || over.Summary != "web-1: A: resolved" {
		t.Errorf("over %v: %s", over.Over(), over.Summary)
	}
}

// FuzzSignal: whatever a host says, each text of a signal is one bounded line that
// steers nothing, and a message of it survives JSON.
func FuzzSignal(f *testing.F) {
	f.Add("web-1", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a\nb\r\x1b[31m")
	f.Add("\u202etxt.exe", "\xff\xfe", strings.Repeat("x", 1<<20), "```@channel <!here>")
	f.Fuzz(func(t *testing.T, name, check, resource, actual string) {
		e := event(check, finding.StatusPass, finding.StatusFail)
		e.HostName, e.Change.Result.Resource, e.Change.Result.Actual = name, resource, actual
		e.Change.Result.Cause = &finding.Cause{User: name, Command: actual}
		s, _ := FromEvent(e, finding.CheckInfo{Title: actual, Family: name})
		for _, v := range []string{s.HostName, s.Check, s.Resource, s.Actual, s.Title, s.Who, s.Family} {
			if len(v) > maxText || !utf8.ValidString(v) || strings.ContainsAny(v, "\n\r\x00\x1b\u2028\u202e") {
				t.Fatalf("text %q", v)
			}
		}
		m := Compose("id", "rule", time.Unix(1, 0), []Signal{s}, 0)
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back Message
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m.Lines(), back.Lines()); d != "" {
			t.Fatal(d)
		}
		for _, l := range m.Lines() {
			if strings.Contains(l, "\n") {
				t.Fatalf("line %q", l)
			}
		}
	})
}
