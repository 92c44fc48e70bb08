package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/schedule"
)

func goodSchedule(known fact.Meta) schedule.Facts {
	yes := fact.Tri{Known: true, Yes: true, Reason: "it is there"}
	path := func(name, kind string, mode int) schedule.Path {
		return schedule.Path{Path: name, Kind: kind, Mode: mode}
	}
	user := path("/var/spool/cron/crontabs/ann", schedule.PathUser, 0o600)
	user.User, user.UserUID, user.UID = "ann", 1000, 1000
	spool := path("/var/spool/cron/crontabs", schedule.PathSpool, 0o1730)
	spool.GID, spool.Group = 105, "crontab"
	program := []schedule.Program{{Path: "/usr/bin/run-parts", Found: true}}
	return schedule.Facts{Meta: known, JobsKnown: true, TimersKnown: true,
		Cron: schedule.Daemon{Installed: yes, Service: running("cron.service")},
		At:   schedule.Daemon{Installed: yes, Service: running("atd.service")},
		Paths: []schedule.Path{path("/etc/crontab", schedule.PathCrontab, 0o600), path("/etc/cron.d", schedule.PathDir, 0o700),
			path("/etc/cron.daily/x", schedule.PathScript, 0o755), spool, user,
			path("/etc/cron.allow", schedule.PathAccess, 0o640), path("/etc/at.allow", schedule.PathAccess, 0o640)},
		Access: []schedule.Access{{Path: "/etc/cron.allow", Present: true, Users: []string{"root"}}, {Path: "/etc/at.allow", Present: true, Users: []string{"root"}}},
		Jobs: []schedule.Job{{File: "/etc/crontab", Line: 6, User: "root", Root: true, When: "17 * * * *", Text: "run-parts /etc/cron.hourly", UserState: schedule.StateOK, Programs: program},
			{File: user.Path, Line: 1, User: "ann", When: "@daily", Text: "true", UserState: schedule.StateOK}},
		Timers: []schedule.Timer{{Unit: "x.timer", Job: "x.service", User: "root", Root: true, File: "/usr/lib/systemd/system/x.timer", Programs: program}}}
}

// cronPath changes a path.
func cronPath(i int, change func(*schedule.Path)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Schedule.Paths[i]) }
}

func cronMode(bits int) func(*schedule.Path) { return func(p *schedule.Path) { p.Mode = bits } }

func cronFileCases() []testCase {
	gone := func(f *facts.Facts) {
		f.Schedule.Cron = schedule.Daemon{Installed: fact.Tri{Known: true}, Service: absent("cron.service")}
		f.Schedule.At = schedule.Daemon{Installed: fact.Tri{Known: true}, Service: absent("atd.service")}
	}
	denied := func(p *schedule.Path) { p.Mode, p.Error = -1, "denied" }
	return []testCase{
		{"cron-enabled", func(f *facts.Facts) {
			f.Schedule.Cron.Service.Enabled = fact.Tri{Known: true, Reason: "cron.service is masked"}
		}, "fail low: cron.service is masked"},
		{"cron-enabled", gone, "not_applicable"},
		{"cron-active", func(f *facts.Facts) {
			f.Schedule.Cron.Service.Active = fact.Tri{Known: true, Reason: "cron.service is inactive"}
		}, "fail low: cron.service is inactive"},
		{"cron-active", func(f *facts.Facts) { f.Schedule.Cron.Service.Active = fact.Tri{Reason: "an image"} }, "unknown: an image"},
		{"cron-files-writable", cronPath(2, cronMode(0o757)), "/etc/cron.daily/x fail high: 0757, owner 0, group 0"},
		{"cron-files-writable", cronPath(0, func(p *schedule.Path) { p.UID = 1001 }), "/etc/crontab fail high"},
		{"cron-files-writable", cronPath(1, func(p *schedule.Path) { p.Mode, p.GID = 0o775, 50 }), "/etc/cron.d fail high: 0775, owner 0, group 50"},
		{"cron-files-writable", cronPath(1, cronMode(0o775)), "pass"}, // the group is root
		{"cron-files-writable", cronPath(0, denied), "/etc/crontab unknown: denied"},
		{"cron-files-private", cronPath(0, cronMode(0o644)), "/etc/crontab fail informational: 0644, owner 0"},
		{"cron-files-private", cronPath(1, denied), "unknown: denied"},
		{"cron-user-crontabs", cronPath(4, cronMode(0o640)), "/var/spool/cron/crontabs/ann fail medium: 0640, owner 1000"},
		{"cron-user-crontabs", cronPath(4, func(p *schedule.Path) { p.UID = 1001 }), "fail medium: 0600, owner 1001"},
		{"cron-user-crontabs", cronPath(3, cronMode(0o1777)), "/var/spool/cron/crontabs fail medium: 01777"},
		{"cron-user-crontabs", cronPath(3, func(p *schedule.Path) { p.Mode, p.Group = 0o770, "staff" }), "fail medium: 0770, owner 0, group staff"},
		{"cron-allow", func(f *facts.Facts) { f.Schedule.Access[0].Present = false }, "fail low: there is no /etc/cron.allow"},
		{"cron-allow-permissions", cronPath(5, cronMode(0o666)), "/etc/cron.allow fail medium: 0666"},
		{"cron-allow-permissions", func(f *facts.Facts) { f.Schedule.Paths = f.Schedule.Paths[:5] }, "not_applicable: there is no such list"},
		{"cron-at-allow", func(f *facts.Facts) { f.Schedule.Access[1].Present = false }, "fail low: there is no /etc/at.allow"},
		{"cron-at-allow", gone, "not_applicable: at is not installed"},
		{"cron-at-allow-permissions", cronPath(6, func(p *schedule.Path) { p.UID = 1 }), "/etc/at.allow fail medium: 0640, owner 1"},
	}
}

func cronJobCases() []testCase {
	jobs := func(change func(*schedule.Program)) func(*facts.Facts) {
		return func(f *facts.Facts) {
			p := schedule.Program{Path: "/opt/x.sh", Found: true}
			change(&p)
			f.Schedule.Jobs[0].Programs = append(f.Schedule.Jobs[0].Programs, p)
		}
	}
	weak := jobs(func(p *schedule.Program) { p.Weak = []string{"/opt is owned by user 1000"} })
	relative := jobs(func(p *schedule.Program) { p.Relative = `PATH has ".", which is wherever the job is` })
	state := func(s string) func(*facts.Facts) { return func(f *facts.Facts) { f.Schedule.Jobs[1].UserState = s } }
	cut := func(f *facts.Facts) { f.Schedule.JobsKnown, f.Schedule.JobsReason = false, "denied" }
	return []testCase{
		{"cron-root-programs", weak, "fail high: /opt/x.sh: /opt is owned by user 1000 @/etc/crontab:6"},
		{"cron-root-programs", all(weak, cut), "fail high"},
		{"cron-root-programs", cut, "unknown: denied"},
		{"cron-root-programs", all(weak, func(f *facts.Facts) { f.Schedule.Jobs[0].Root = false }), "pass: root has no jobs"},
		{"cron-root-path", relative, `fail medium: /etc/crontab: PATH has "."`},
		{"cron-root-path", cut, "unknown: denied"},
		{"cron-timer-programs", func(f *facts.Facts) {
			f.Schedule.Timers[0].Programs[0].Weak = []string{"/opt/x can be written by everybody"}
		}, "fail high: x.service: /opt/x can be written by everybody @/usr/lib/systemd/system/x.timer:0"},
		{"cron-timer-programs", func(f *facts.Facts) { f.Schedule.TimersKnown, f.Schedule.TimersReason = false, "denied" }, "unknown: denied"},
		{"cron-departed", state(schedule.StateLocked), "fail medium: ann (locked) @/var/spool/cron/crontabs/ann:1"},
		{"cron-departed", state(schedule.StateAbsent), "fail medium: ann (absent)"},
		{"cron-departed", state(schedule.StateExpired), "fail medium: ann (expired)"},
		{"cron-departed", state(schedule.StateUnknown), "unknown: the state of accounts is not known"},
		{"cron-ignored", func(f *facts.Facts) {
			f.Schedule.Ignored = []fact.Text{{Value: "its name has a dot", File: "/etc/cron.d/a.sh"}}
		}, "fail low: /etc/cron.d/a.sh: its name has a dot @/etc/cron.d/a.sh:0"},
		{"cron-ignored", cut, "unknown: denied"},
		{"cron-broken", func(f *facts.Facts) {
			f.Schedule.Broken = []fact.Text{{Value: "no time", File: "/etc/crontab", Line: 9, Raw: "x"}}
		}, "fail low: /etc/crontab line 9: no time @/etc/crontab:9"},
		{"cron-broken", cut, "unknown: denied"},
	}
}
