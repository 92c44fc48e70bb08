package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/clock"
	"seawall/agent/facts/fact"
)

func goodClock(known fact.Meta) clock.Facts {
	no := fact.Tri{Known: true, Reason: "no"}
	const conf = "/etc/chrony/chrony.conf"
	return clock.Facts{Meta: known, Kernel: clock.Kernel{Known: true, Synchronised: true, MaxErrorMillis: 20},
		Wanted: []string{clock.KindChrony}, WantedKnown: true,
		Files: []clock.File{{Path: conf, Mode: 0o644, Owner: "root", Group: "root"}, {Path: "/etc/chrony/chrony.keys", Keys: true, Mode: 0o640, Owner: "root", Group: "_chrony"}},
		Daemons: []clock.Daemon{{Kind: clock.KindChrony, Service: running("chrony.service"), Known: true, Conf: conf, TellsKernel: true,
			Sources: []clock.Source{{Kind: "pool", Name: "a.example", File: conf, Line: 3}, {Kind: "server", Name: "b.example", Authenticated: true, File: conf, Line: 4}},
			User:    fact.Text{Value: "_chrony"}, Root: fact.Tri{Known: true, Reason: "it runs as _chrony"}, Serves: no, Open: no, Authenticated: 1,
			Step: fact.Tri{Known: true, Yes: true}}}}
}

// daemon changes the program that keeps the time.
func daemon(change func(*clock.Daemon)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Clock.Daemons[0]) }
}

func clockCases() []testCase {
	none := func(f *facts.Facts) { f.Clock.Daemons, f.Clock.Wanted, f.Clock.Files = nil, nil, nil }
	off := all(daemon(func(d *clock.Daemon) { d.Service.Enabled = fact.Tri{Known: true, Reason: "nothing starts it"} }),
		func(f *facts.Facts) { f.Clock.Wanted = nil })
	unknown := func(f *facts.Facts) {
		f.Clock.Daemons, f.Clock.Wanted, f.Clock.WantedKnown, f.Clock.WantedReason = nil, nil, false, "a FIFO"
	}
	unread := daemon(func(d *clock.Daemon) {
		d.Known, d.Reason, d.Sources, d.Authenticated = false, "no such include", nil, 0
		d.Open, d.Step, d.Root = fact.Tri{Reason: d.Reason}, fact.Tri{Reason: d.Reason}, fact.Tri{Reason: d.Reason}
	})
	second := func(f *facts.Facts) {
		f.Clock.Daemons = append(f.Clock.Daemons, clock.Daemon{Kind: clock.KindTimesyncd, Service: running("systemd-timesyncd.service")})
		f.Clock.Wanted = append(f.Clock.Wanted, clock.KindTimesyncd)
	}
	container := func(f *facts.Facts) { f.Clock.Container = true }
	sources := func(list ...clock.Source) func(*facts.Facts) {
		return daemon(func(d *clock.Daemon) { d.Sources, d.Authenticated = list, 0 })
	}
	open := daemon(func(d *clock.Daemon) {
		d.Serves.Yes, d.Open.Yes, d.ServesAt = true, true, fact.Text{Value: "allow", Set: true, File: d.Conf, Line: 9, Raw: "allow"}
	})
	files := func(change func(*clock.File)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Clock.Files[1]) }
	}
	one := clock.Source{Kind: "server", Name: "a", File: "/etc/chrony/chrony.conf", Line: 3}
	return []testCase{
		{"time-daemon", none, "fail medium: none is installed"},
		{"time-daemon", off, "fail medium: chrony does not start at boot"},
		{"time-daemon", unknown, "unknown: a FIFO"},
		{"time-daemon-single", second, "fail low: chrony, systemd-timesyncd"},
		{"time-daemon-single", none, "not_applicable"},
		{"time-daemon-active", daemon(func(d *clock.Daemon) { d.Service.Active = fact.Tri{Known: true, Reason: "chrony.service is failed"} }), "fail medium: chrony.service is failed"},
		{"time-daemon-active", daemon(func(d *clock.Daemon) { d.Service.Active = fact.Tri{Reason: "an image"} }), "unknown: an image"},
		{"time-daemon-active", container, "not_applicable: a container"},
		{"time-daemon-active", unknown, "unknown: a FIFO"},
		{"time-synchronised", func(f *facts.Facts) { f.Clock.Kernel.Synchronised = false }, "fail medium: not synchronised"},
		{"time-synchronised", func(f *facts.Facts) { f.Clock.Kernel = clock.Kernel{Reason: "booted lately"} }, "unknown: booted lately"},
		{"time-sources", sources(), "fail medium: chrony: no source @/etc/chrony/chrony.conf:0"},
		{"time-sources", unread, "unknown: no such include"},
		{"time-sources-several", sources(one, one), "fail informational: chrony: server a, server a @/etc/chrony/chrony.conf:3"},
		{"time-sources-several", sources(one, one, one), "pass"},
		{"time-sources-several", daemon(func(d *clock.Daemon) { d.Kind = clock.KindTimesyncd }), "not_applicable"},
		{"time-sources-authenticated", sources(one), "fail informational: chrony: 0 of 1 with NTS or a key"},
		{"time-sources-authenticated", sources(clock.Source{Kind: "refclock"}), "pass"},
		{"time-sources-authenticated", unread, "unknown: no such"},
		{"time-daemon-user", daemon(func(d *clock.Daemon) { d.Root = fact.Tri{Known: true, Yes: true, Reason: "it runs as root"} }), "fail low: chrony: it runs as root"},
		{"time-daemon-user", unread, "unknown: no such"},
		{"time-daemon-open", open, "fail medium: chrony: serves anybody @/etc/chrony/chrony.conf:9"},
		{"time-daemon-open", all(open, daemon(func(d *clock.Daemon) { d.Kind = clock.KindNTP })), "fail medium: ntpd: answers queries of anybody"},
		{"time-daemon-open", daemon(func(d *clock.Daemon) { d.Serves.Yes = true }), "pass: chrony: serves, not everybody"},
		{"time-daemon-open", unread, "unknown: no such"},
		{"time-daemon-step", daemon(func(d *clock.Daemon) { d.Step.Yes = false }), "fail low: chrony: only slews it"},
		{"time-config-permissions", files(func(f *clock.File) { f.Mode = 0o644 }), "/etc/chrony/chrony.keys fail medium: 0644, owner root, group _chrony"},
		{"time-config-permissions", files(func(f *clock.File) { f.Keys, f.Mode = false, 0o666 }), "fail medium: 0666"},
		{"time-config-permissions", files(func(f *clock.File) { f.UID, f.Owner = 1000, "ann" }), "fail medium"},
		{"time-config-permissions", files(func(f *clock.File) { f.UID, f.Owner = 105, "_chrony" }), "pass"},
		{"time-config-permissions", files(func(f *clock.File) { f.Mode, f.Error = -1, "denied" }), "unknown: denied"},
	}
}
