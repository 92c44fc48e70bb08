package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/updates"
	"seawall/pkg/finding"
)

func updatesCases() []testCase {
	off := func(part func(*updates.Facts) *updates.Part, known bool, reason string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			p := part(&f.Updates)
			p.Answer = fact.Tri{Known: known, Reason: reason}
			p.Evidence = []finding.Evidence{{File: "/etc/dnf/automatic.conf", Line: 7, Text: "apply_updates = no"}}
			f.Updates.Automatic = p.Answer
		}
	}
	installed := func(u *updates.Facts) *updates.Part { return &u.Installed }
	configured := func(u *updates.Facts) *updates.Part { return &u.Configured }
	timer := func(u *updates.Facts) *updates.Part { return &u.Timer }
	run := func(u *updates.Facts) *updates.Part { return &u.LastRun }
	failed := func(f *facts.Facts) { f.Updates.Failure = "dpkg returned an error" }
	left := func(f *facts.Facts) {
		f.Updates.Excluded = []updates.Setting{{Name: "Unattended-Upgrade::Package-Blacklist", Value: "linux-", File: "/etc/apt/apt.conf.d/99local", Line: 2}}
	}
	return []testCase{
		{"patch-automatic", off(installed, true, "unattended-upgrades is not installed"), "fail medium: unattended-upgrades is not installed"},
		{"patch-automatic", off(configured, true, "the timer is on, but apply_updates = no"), "fail medium: the timer is on, but apply_updates = no @/etc/dnf/automatic.conf:7"},
		{"patch-automatic", all(off(installed, true, "a"), off(timer, true, "b")), "fail medium: a"},
		{"patch-automatic", all(off(configured, true, "a"), off(timer, true, "b")), "fail medium: a; b"},
		{"patch-automatic", off(timer, false, "no D-Bus"), "unknown: no D-Bus"},
		{"patch-automatic", off(run, true, "the last was on 2026-01-01"), "fail medium: no successful run of unattended-upgrades in the last 7 days"},
		{"patch-automatic", all(off(run, true, "x"), failed), "fail high: the last run failed: dpkg returned an error"},
		{"patch-automatic", off(run, false, "the host is new"), "unknown: the host is new"},
		{"patch-automatic", failed, "pass: unattended-upgrades installs them"},
		{"patch-automatic-excluded", left, "fail low: Unattended-Upgrade::Package-Blacklist linux- @/etc/apt/apt.conf.d/99local:2"},
		{"patch-automatic-excluded", off(installed, true, "no"), "not_applicable: nothing updates"},
		{"patch-automatic-excluded", off(configured, false, "read apt's configuration: permission denied"), "unknown: read apt's"},
	}
}
