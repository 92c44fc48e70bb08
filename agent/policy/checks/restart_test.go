package checks

import (
	"fmt"
	"testing"
	"time"

	"seawall/agent/facts"
	"seawall/agent/facts/restart"
	"seawall/pkg/finding"
)

// units makes the good host run replaced files.
func units(list ...restart.Unit) func(*facts.Facts) {
	return func(f *facts.Facts) { f.Restart.Units = list }
}

func oldSSH() restart.Unit {
	return restart.Unit{Name: "ssh.service", Kind: restart.KindService, Processes: 2, PIDs: []int{7, 9},
		Files: []string{"/usr/lib/libcrypto.so.3", "/usr/lib/libssl.so.3"}, Command: "systemctl restart ssh.service"}
}

func denied(n int, why string) func(*facts.Facts) {
	return func(f *facts.Facts) { f.Restart.Denied, f.Restart.Limited = n, why }
}

func restartCases() []testCase {
	session := oldSSH()
	session.Name, session.Kind, session.Command, session.Files = "user ann", restart.KindSession, "", []string{"/usr/bin/bash"}
	alone := oldSSH()
	alone.Name, alone.Kind, alone.Command = "/usr/sbin/x", restart.KindProcess, ""
	server := oldSSH()
	server.Listening = true
	proxy := alone
	proxy.Listening = true
	return []testCase{
		{"patch-restart", units(server), "ssh.service fail high: runs the old /usr/lib/libcrypto.so.3, /usr/lib/libssl.so.3 and listens"},
		{"patch-restart", units(proxy), "/usr/sbin/x fail medium: runs"},
		{"patch-restart", units(oldSSH()), "ssh.service fail medium: runs the old /usr/lib/libcrypto.so.3, /usr/lib/libssl.so.3"},
		{"patch-restart", units(session), "user ann fail low: runs the old /usr/bin/bash"},
		{"patch-restart", units(alone), "/usr/sbin/x fail low: runs"},
		{"patch-restart", denied(3, "no socket"), "unknown: not all processes could be looked at: no socket"},
		{"patch-restart", denied(3, ""), "unknown: not all processes could be looked at"},
		{"patch-restart", all(denied(3, "no socket"), units(oldSSH())), "ssh.service fail medium"},
		{"patch-restart", func(f *facts.Facts) { f.Restart.Partial = 1 }, "unknown: processes have more mappings"},
		{"patch-restart", func(f *facts.Facts) { f.Restart.Scanned = 0 }, "unknown: no process was looked at"},
	}
}

// TestRestartOfSome: what is seen of some is told, with one result more that keeps the
// others from counting as restarted.
func TestRestartOfSome(t *testing.T) {
	p := load(t)
	for why, change := range map[string]func(*facts.Facts){
		"not all processes could be looked at: no socket":   denied(3, "no socket"),
		"processes have more mappings than are read":        func(f *facts.Facts) { f.Restart.Partial = 1 },
		"more processes run replaced files than are listed": func(f *facts.Facts) { f.Restart.MoreUnits = 1 },
	} {
		f := good()
		units(oldSSH())(f)
		change(f)
		r := p.Evaluate(f, time.Time{}, "patch-restart")
		if len(r) != 2 || r[0].Status != finding.StatusUnknown || r[0].Resource != "" || r[0].Actual != why || r[1].Resource != "ssh.service" || r[1].Status != finding.StatusFail {
			t.Errorf("%s: got %+v", why, r)
		}
	}
}

// TestRestartSaysHow: each unit's evidence has the processes and what to do, and a
// process more is nothing new.
func TestRestartSaysHow(t *testing.T) {
	p, f := load(t), good()
	bus := oldSSH()
	bus.Name, bus.Kind, bus.Command, bus.Processes = "dbus.service", restart.KindBus, "systemctl reboot", 3
	session := oldSSH()
	session.Name, session.Kind, session.Command, session.Files = "user ann", restart.KindSession, "", []string{"/usr/bin/bash"}
	alone := oldSSH()
	alone.Name, alone.Kind, alone.Command = "/usr/sbin/x", restart.KindProcess, ""
	f.Restart.Stale = "refused"
	units(bus, oldSSH(), session, alone)(f)
	results := p.Evaluate(f, time.Time{}, "patch-restart")
	for i, want := range []string{
		"the installed ones (who started it starts it again), 2 processes: 7, 9", "the installed ones (systemctl reboot), 3 processes: 7, 9, …",
		"the installed ones (systemctl restart ssh.service), 2 processes: 7, 9", "the installed one (who is logged in logs out and in again), 2 processes: 7, 9",
	} {
		if i >= len(results) || len(results[i].Evidence) != 1 {
			t.Fatalf("got %+v", results)
		}
		got := fmt.Sprintf("%s, %s", results[i].Expected, results[i].Evidence[0].Text)
		if want += "; as of the last answer: refused"; got != want {
			t.Errorf("%s: got %s, want %s", results[i].Resource, got, want)
		}
	}
	f.Restart.Units[0].Processes, f.Restart.Units[0].PIDs, f.Restart.Stale = 1, []int{8}, ""
	for i, again := range p.Evaluate(f, time.Time{}, "patch-restart") {
		if !finding.Same(&results[i], &again) {
			t.Errorf("another process makes another finding: %+v", again)
		}
	}
}
