package auditcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/console"
	"seawall/agent/gaps"
	"seawall/agent/meaning"
	"seawall/agent/ruleset"
	"seawall/agent/spool"
	"seawall/agent/usage"
	"seawall/pkg/auditrule"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
	"seawall/pkg/wire"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares with testdata/name, and holds every line to 80 columns.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func printed(show func(*page)) string {
	var b bytes.Buffer
	show(&page{out: &b})
	return b.String()
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func someGaps() []gaps.Gap {
	return []gaps.Gap{
		{From: 100, To: 2399, Missing: 2300, Filled: 20, Before: noon.Add(-49 * time.Hour), After: noon, Cause: gaps.Several, Settled: true, Merged: 11},
		{From: 4001, To: 4001, Missing: 1, Late: 1, Before: noon, After: noon.Add(8 * time.Millisecond), Cause: gaps.Overrun, Settled: true},
		{From: 5000, To: 6099, Missing: 1100, Filled: 1100, Before: noon, After: noon.Add(292 * time.Millisecond), Cause: gaps.Overrun, Settled: true},
		{From: 7000, To: 7009, Missing: 10, Before: noon.Add(time.Minute), After: noon.Add(61500 * time.Millisecond), Cause: gaps.Stopped, Settled: true, Why: "the audit daemon's log does not have them"},
		{From: 7100, To: 7200, Missing: 17, Before: noon.Add(2 * time.Minute), After: noon.Add(17 * time.Minute), Cause: gaps.Backlog, Settled: true},
		{From: 4294967290, To: 3, Missing: 9, Before: noon.Add(3 * time.Minute), After: noon.Add(2 * time.Minute), Cause: gaps.Switched},
	}
}

func TestGaps(t *testing.T) {
	l := gapList{Since: noon.Add(-50 * time.Hour), Missing: 3437, Filled: 1120, Late: 1, Left: 2316, Gaps: someGaps()}
	none := &gapList{Since: noon}
	golden(t, "gaps.txt", printed(l.print)+"\n--\n"+printed(none.print))
}

func TestStatus(t *testing.T) {
	ledger := gaps.NewLedger("boot", noon.Add(-50*time.Hour))
	s := &gaps.State{
		Time: noon, PID: 812, Mode: "multicast", Reason: "process 640 is the audit daemon", Profile: "detect", Buffer: 32 << 20,
		Records: 1234567, Events: 250001, Partial: 2, Overruns: 3, BacklogHigh: 6041, RulesWanted: 128, RulesLoaded: 120, RulesShared: 6,
		RulesRefused: []string{"-w /nosuch/x -p wa -k gone -k seawall-local: there is no /nosuch"},
		Problems:     []string{"/etc/seawall/audit.d/a.rules:2: -D is no rule (-a, -A, -w): settings and deletions belong to /etc/audit/rules.d"},
		LogFile:      "/var/log/audit/audit.log",
	}
	pages := []statusPage{
		{
			Kernel: &kaudit.Status{Enabled: 1, Failure: 1, PID: 640, BacklogLimit: 8192, BacklogWaitTime: 15000, Lost: 17}, Daemon: "auditd",
			Running: true, Age: 9.2, Sensor: s, Gaps: 6, Missing: 3437, Filled: 1121, Left: 2316, ledger: ledger,
		},
		{
			Kernel: &kaudit.Status{Enabled: 2, Failure: 2, RateLimit: 100, BacklogLimit: 64}, Running: false,
			Sensor: &gaps.State{Time: noon, Mode: "unicast", Reason: "no audit daemon is registered", Profile: "drift", Buffer: 425984}, ledger: ledger,
		},
		{KernelError: forRoot(fmt.Errorf("open: %w", kaudit.ErrPermission)).Error(), SensorError: "open /var/lib/seawall/spool/audit.json: no such file or directory; does the sensor run, and with this spool?"},
	}
	var all strings.Builder
	for i, st := range pages {
		fmt.Fprintf(&all, "%s-- %d things to look at\n", printed(st.print), st.problems())
		_ = i
	}
	golden(t, "status.txt", all.String())
}

func TestRules(t *testing.T) {
	rule := func(text string) auditrule.Rule {
		r, err := auditrule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	dir := rule("-a always,exit -F dir=/srv -F perm=wa -k shop -k seawall-local")
	want := []ruleset.Rule{
		{Rule: dir, File: "/etc/seawall/audit.d/a.rules", Line: 1},
		{Rule: rule("-w /nosuch/x -p wa -k gone -k seawall-local"), File: "/etc/seawall/audit.d/a.rules", Line: 2},
		{Rule: rule("-a always,exit -F arch=b64 -S execve -S execveat -k seawall-exec"), File: "profile detect", Line: 5},
		{Rule: rule("-a always,exit -F arch=b64 -S ptrace -F a0=16 -k seawall-ptrace"), File: "profile detect", Line: 9},
		{Rule: rule("-a always,exit -F dir=/opt -F perm=wa -k seawall-half"), File: "profile detect", Line: 10},
	}
	have := append(auditrule.Narrow(dir), want[2].Rule, rule("-a always,exit -F arch=b64 -S ptrace -F a0=16 -k mine"),
		rule("-w /etc/hosts -p wa -k other"), rule("-w /old -p wa -k seawall-old"), rule("-w /etc/passwd -p wa -k seawall"),
		auditrule.Narrow(want[4].Rule)[0])
	r := &rulePage{Profile: "detect", Sensor: "drift", Hits: true, All: true, Problems: []string{"/etc/seawall/audit.d/a.rules:3: -D is no rule (-a, -A, -w)"}}
	r.compare(have, want, map[string]uint64{"shop\x01seawall-local": 12, "seawall-exec": 123456, "seawall": 7})
	golden(t, "rules.txt", printed(r.print))
	if !r.wrong() {
		t.Error("rules are missing, and that is right")
	}
}

// run runs a command line and returns what it wrote and its exit status.
func run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	root, err := hostfs.Open(t.TempDir()) // a host without auditd
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	refuse := func(func(*kaudit.Control) error) error { return kaudit.ErrNamespace } // of its rules others may have theirs
	p := &program{Console: &console.Console{Stdout: &out, Stderr: &out}, now: func() time.Time { return noon }, root: root, kernel: refuse}
	cmd := p.command()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	usage.Finish(cmd)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(context.Background())
	var exit *console.ExitError
	switch {
	case errors.As(err, &exit) && exit.Err == nil:
		return out.String(), exit.Code
	case errors.As(err, &exit):
		p.Complain(err)
		return out.String(), exit.Code
	case err != nil:
		p.Complain(err)
		return out.String(), console.Problem
	}
	return out.String(), 0
}

// told makes a spool with a detection of one event and a result that another explains.
func told(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spool")
	sp, err := spool.Open(dir, spool.Config{Lanes: map[string]int64{"posture": 1 << 20, "detections": 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	d := finding.Detection{
		ID: "0123456789abcdef", Rule: "reverse-shell", Title: "A shell talks to the network", Severity: finding.SeverityHigh, Count: 1,
		First: noon, Last: noon, Samples: []finding.Sample{{
			Time: noon, Serial: 9001, Command: "bash -i", Target: "203.0.113.7:443", Syscall: "connect",
			Actor:   finding.Actor{Text: "www-data through nginx.service", Program: "/usr/bin/bash"},
			Records: []string{"type=SOCKADDR msg=audit(1795348800.000:9001): saddr=020001BBCB0071070000000000000000"},
		}},
	}
	c := finding.Change{Previous: finding.StatusPass, Result: finding.Result{
		Check: "ssh-root-login", Resource: "sshd", Status: finding.StatusFail, Severity: finding.SeverityHigh, Time: noon,
		Cause: &finding.Cause{
			Serial: 9002, Time: noon, AUID: 1000, LoginUser: "alice", UID: 0, User: "root", PID: 4242, Exe: "/usr/bin/vim",
			Command: "vim /etc/ssh/sshd_config", Path: "/etc/ssh/sshd_config", Operation: "write",
		},
	}}
	for lane, rec := range map[string]wire.Record{"detections": {Time: noon, Detection: &d}, "posture": {Time: noon, Change: &c}} {
		b, err := wire.Encode(rec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sp.Append(lane, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := sp.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestExplain(t *testing.T) {
	dir := told(t)
	var all strings.Builder
	for _, serial := range []string{"4711", "4712", "#4713", "4714", "9001", "9002"} {
		out, code := run(t, "explain", serial, "--spool", dir, "--log", "testdata/audit.log", "--detections", "/nonexistent")
		// The log is where the test runs.
		at, _ := filepath.Abs("testdata")
		out = strings.ReplaceAll(out, at, "testdata")
		if strings.Contains(out, "hunter2") || strings.Contains(out, "abcdef ") {
			t.Errorf("a secret is shown: %s", out)
		}
		fmt.Fprintf(&all, "$ explain %s\n%s# status %d\n\n", serial, out, code)
	}
	golden(t, "explain.txt", all.String())
	if out, code := run(t, "explain", "4711", "--json", "--spool", dir, "--log", "testdata/audit.log"); code != 0 || strings.Contains(out, "hunter2") || !strings.Contains(out, `"serial": 4711`) {
		t.Errorf("status %d: %s", code, out)
	}
}

func TestStatuses(t *testing.T) {
	dir := told(t)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"explain", "77", "--spool", dir, "--log", "testdata/audit.log"}, 1, "no event with serial 77"},
		{[]string{"explain", "77", "--spool", dir, "--log", "testdata/none.log"}, 2, "no such file"},
		{[]string{"explain", "x", "--spool", dir}, 2, "is no serial"},
		{[]string{"explain", "0", "--spool", dir}, 2, "is no serial"},
		{[]string{"explain"}, 2, "serial"},
		{[]string{"gaps", "--spool", dir}, 2, "does the sensor run"},
		{[]string{"gaps", "--sool", dir}, 2, "unknown flag"},
	} {
		if out, code := run(t, tt.args...); code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%v: status %d: %s", tt.args, code, out)
		}
	}
	l := gaps.NewLedger("boot", noon)
	l.Note(gaps.State{Time: noon})
	name := filepath.Join(dir, "audit.json")
	put(t, l, name)
	if out, code := run(t, "gaps", "--spool", dir); code != 0 || !strings.Contains(out, "Nothing was missed") {
		t.Errorf("status %d: %s", code, out)
	}
	l.Add(gaps.Gap{From: 1, To: 2, Missing: 2, Before: noon, After: noon, Cause: gaps.Kernel, Settled: true})
	put(t, l, name)
	if out, code := run(t, "gaps", "--spool", dir, "--json"); code != 1 || !strings.Contains(out, `"left": 2`) {
		t.Errorf("status %d: %s", code, out)
	}
	if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, "gaps", "--spool", dir); code != 2 || !strings.Contains(out, "audit.json") {
		t.Errorf("status %d: %s", code, out)
	}
}

func put(t *testing.T, l *gaps.Ledger, name string) {
	t.Helper()
	b, err := l.Encode()
	if err == nil {
		err = gaps.WriteFile(name, b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPageEscapes(t *testing.T) {
	x := &explanation{Who: "a\x1b[2Jb", Files: []string{"\x00\n"}, Records: []record{{"X", []meaning.Field{{Name: "\x1b", Value: "\x07"}}}}}
	if out := printed(x.print); strings.ContainsAny(out, "\x1b\x00\x07") {
		t.Errorf("%q", out)
	}
}

// TestStatusJSON: programs find what auditctl says by auditctl's names.
func TestStatusJSON(t *testing.T) {
	b, err := json.Marshal(statusPage{Kernel: &kaudit.Status{PID: 7, BacklogLimit: 8193, BacklogWaited: 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kernel":{"enabled":0,`, `"pid":7`, `"backlog_limit":8193`, `"backlog_wait_time_actual":2`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}
