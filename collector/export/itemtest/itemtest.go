// Package itemtest has items for the tests of all who write them: one of every kind, and
// those of a host that means ill.
package itemtest

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/export/item"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// At is the time of the items.
func At() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC) }

// Host is the id of the host that the items are of.
const Host = fleet.HostID("a11cea11cea11cea11cea11cea11cea1")

// Labels are its labels.
func Labels() finding.Host {
	return finding.Host{Name: "web-1", OS: "Debian GNU/Linux 12 (bookworm)", OSID: "debian", OSVersion: "12", Kernel: "6.1.0-32-amd64", Arch: "x86_64",
		DropletID: "481516234", Region: "fra1", Tags: []string{"prod", "web"}, AgentVersion: "0.3.1"}
}

func check() finding.CheckInfo {
	return finding.CheckInfo{ID: "ssh-permit-root-login", Family: "ssh", Title: "Root cannot log in over SSH", Severity: finding.SeverityCritical,
		Rationale: "Root has no name of its own.", Remediation: "echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/00-root.conf",
		References: []string{"CIS Debian Linux 12 Benchmark 1.1.0, 5.1.20"}}
}

func result(status finding.Status) finding.Result {
	return finding.Result{Check: check().ID, Status: status, Severity: finding.SeverityCritical, Actual: "yes", Expected: "no",
		Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config.d/50-cloud-init.conf", Line: 3, Text: "PermitRootLogin yes"}},
		Cause: &finding.Cause{Serial: 48_211, Time: At().Add(-time.Second), AUID: 1000, LoginUser: "alice", User: "root", Session: 4, PID: 2210, TTY: "pts0",
			Exe: "/usr/bin/vim.basic", Command: "vim /etc/ssh/sshd_config", Path: "/etc/ssh/sshd_config", Operation: "rename"},
		Time: At()}
}

func state(status finding.Status) item.Item {
	return item.State(Labels(), check(), fleet.State{Host: Host, HostName: "web-1", Result: result(status), Since: At().AddDate(0, 0, -3)})
}

func change(id int64, status, previous finding.Status, removed bool) item.Item {
	return item.Change(Labels(), check(), fleet.Event{ID: id, Host: Host, HostName: "web-1", Received: At().Add(2 * time.Second),
		Change: finding.Change{Result: result(status), Previous: previous, Removed: removed}})
}

func patch(status finding.Status, advisory string) item.Item {
	info := finding.CheckInfo{ID: item.Patches, Family: "patch", Title: "Security updates are installed", Severity: finding.SeverityHigh, Remediation: "apt upgrade"}
	return item.State(Labels(), info, fleet.State{Host: Host, HostName: "web-1", Since: At().AddDate(0, 0, -1), Result: finding.Result{
		Check: item.Patches, Resource: "libssl3:amd64", Group: "openssl", Status: status, Severity: finding.SeverityHigh, Actual: "3.0.15-1", Expected: "3.0.16-1",
		Evidence: []finding.Evidence{{Text: "Debian-Security:12/stable-security"}, {Text: advisory}}, Since: At().AddDate(0, 0, -12), Time: At()}})
}

func storm(ended bool) item.Item {
	return item.Detected(Labels(), fleet.Detection{Place: 9, Host: Host, HostName: "web-1", Received: At().Add(time.Second), Detection: finding.Detection{
		ID: "00ff", Rule: "b1b2b3b4-0000-4000-8000-000000000001", Title: "Shell under a web server", Severity: finding.SeverityHigh,
		Techniques: []string{"T1059.004", "T1505", "nonsense"}, Description: "A web server started a shell.", FalsePositives: []string{"CGI"},
		Count: 12, First: At().Add(-time.Minute), Last: At(), Group: []string{"www-data"}, Ended: ended,
		Samples: []finding.Sample{{Time: At(), Serial: 77, Command: "sh -c id", Target: "/usr/bin/dash", Syscall: "execve",
			Actor:    finding.Actor{AUID: finding.Unset, UID: 33, User: "www-data", Session: finding.Unset, From: "203.0.113.9", Program: "/usr/bin/dash", Text: "www-data, by nginx.service"},
			Ancestry: []finding.Process{{PID: 4711, Exe: "/usr/bin/dash", Command: "sh -c id"}, {PID: 812, Exe: "/usr/sbin/nginx", Command: "nginx: worker process"}},
			Records:  []string{"type=SYSCALL"}}}}})
}

// Items are one of every kind.
func Items() []item.Item {
	all := []item.Item{}
	for s := finding.StatusPass; s <= finding.StatusWaived; s++ {
		all = append(all, state(s))
	}
	return append(all,
		change(41, finding.StatusFail, finding.StatusPass, false), change(42, finding.StatusPass, finding.StatusFail, false),
		change(43, finding.StatusError, finding.StatusFail, false), change(44, finding.StatusWaived, finding.StatusFail, false),
		change(45, finding.StatusPass, finding.StatusFail, true), change(46, finding.StatusFail, finding.StatusUnspecified, false),
		patch(finding.StatusFail, "DSA-5764-1: CVE-2024-6119, CVE-2024-6119, CVE-2024-5535"), patch(finding.StatusFail, "no advisory"),
		patch(finding.StatusPass, "DSA-5764-1: CVE-2024-6119"), storm(false), storm(true))
}

// Steers are characters that no line may have.
const Steers = "\x00\x07\x1b\x7f\u0085\u200b\u202e\u2028\ufeff"

// Hostile are items whose every text is ill: controls, markup, formulas, no UTF-8, and
// times and numbers that are none.
func Hostile() []item.Item {
	bad := Steers + "=cmd|' /c calc'!A1<script>alert(1)</script>\"\\\n'; DROP TABLE host; --\xff\U000e0041" + strings.Repeat("A", 5000)
	year := time.Date(60_000, 1, 1, 0, 0, 0, 0, time.UTC)
	l := finding.Host{Name: bad, OS: bad, OSID: bad, OSVersion: bad, Kernel: bad, Arch: bad, DropletID: bad, Region: bad, Tags: []string{bad}, AgentVersion: bad,
		Load1: math.NaN(), BootTime: year}
	r := finding.Result{Check: bad, Resource: bad, Group: bad, Status: 250, Severity: 250, Actual: bad, Expected: bad, Evidence: []finding.Evidence{{File: bad, Line: -1, Text: bad}},
		Cause: &finding.Cause{Serial: math.MaxUint64, Time: year, LoginUser: bad, User: bad, TTY: bad, Exe: bad, Command: bad, Path: bad, Operation: bad}, Since: year, Time: year}
	d := finding.Detection{ID: bad, Rule: bad, Title: bad, Severity: 250, Techniques: []string{bad, "T1"}, Description: bad, FalsePositives: []string{bad}, Count: math.MaxUint64,
		First: year, Last: year, Group: []string{bad}, Samples: []finding.Sample{{Time: year, Actor: finding.Actor{Login: bad, User: bad, From: bad, Via: bad, Program: bad, Text: bad},
			Command: bad, Target: bad, Syscall: bad, Ancestry: make([]finding.Process, 1000), Records: []string{bad}}}}
	p := r
	p.Check, p.Status = item.Patches, finding.StatusFail
	p.Evidence = []finding.Evidence{{Text: "CVE-2024-6119 " + bad}}
	return []item.Item{
		item.State(l, finding.CheckInfo{}, fleet.State{Host: Host, HostName: bad, Result: r, Since: year}),
		item.State(finding.Host{}, finding.CheckInfo{}, fleet.State{Host: Host}),
		item.State(l, finding.CheckInfo{}, fleet.State{Host: Host, Result: p}),
		item.Change(l, finding.CheckInfo{Title: bad, Rationale: bad, Remediation: bad, References: []string{bad}},
			fleet.Event{ID: math.MaxInt64, Host: Host, Received: year, Change: finding.Change{Result: r, Previous: 99}}),
		item.Detected(l, fleet.Detection{Host: Host, Received: year, Detection: d}),
		item.Detected(finding.Host{}, fleet.Detection{}),
	}
}

// Golden compares got with testdata/name, or with -update writes it. The flag is the
// test's own.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: not as it was (-update writes it): %s", name, diff)
	}
}
