package checks

import (
	"slices"

	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/logging"
	"seawall/agent/facts/service"
)

// goodRecords fills in logging, the clock, cron and audit's rules.
func goodRecords(f *facts.Facts, known fact.Meta) {
	f.Logging = goodLogging(known)
	f.Clock = goodClock(known)
	f.Schedule = goodSchedule(known)
	goodCover(f)
}

func recordCases() []testCase {
	return slices.Concat(journalCases(), rsyslogCases(), logFileCases(), clockCases(), cronFileCases(), cronJobCases(), coverCases())
}

// running is a unit that starts at boot and runs.
func running(unit string) service.State {
	return service.State{Unit: unit, Present: true, File: "/usr/lib/systemd/system/" + unit,
		Enabled: fact.Tri{Known: true, Yes: true, Reason: "/etc/systemd/system/multi-user.target.wants/" + unit},
		Active:  fact.Tri{Known: true, Yes: true, Reason: unit + " is active"}}
}

// absent is a unit that is not there.
func absent(unit string) service.State {
	no := fact.Tri{Known: true, Reason: "there is no " + unit}
	return service.State{Unit: unit, Enabled: no, Active: no}
}

func goodLogging(known fact.Meta) logging.Facts {
	yes := fact.Tri{Known: true, Yes: true, Reason: "it is there"}
	const conf = "/etc/rsyslog.conf"
	settings := map[string]fact.Text{}
	for k, v := range map[string]string{"storage": "auto", "compress": "yes", "forwardtosyslog": "yes", "systemkeepfree": "", "maxretentionsec": ""} {
		settings[k] = fact.Text{Value: v}
	}
	settings["systemmaxuse"] = fact.Text{Value: "1G", Set: true, File: "/etc/systemd/journald.conf", Line: 5, Raw: "SystemMaxUse=1G"}
	return logging.Facts{Meta: known, FilesKnown: true, Seen: 40, SyslogNG: absent("syslog-ng.service"),
		Journald: logging.Journald{Installed: yes, Service: running("systemd-journald.service"), Known: true, Settings: settings,
			Persistent: fact.Tri{Known: true, Yes: true, Reason: "Storage=auto, and there is /var/log/journal"},
			Upload:     absent("systemd-journal-upload.service"), Remote: absent("systemd-journal-remote.socket")},
		Rsyslog: logging.Rsyslog{Installed: yes, Service: running("rsyslog.service"), Known: true, FileModeBits: 0o640,
			FileMode: fact.Text{Value: "0640", Set: true, File: conf, Line: 40, Raw: "$FileCreateMode 0640"},
			Outputs:  []logging.Output{{Selector: "auth,authpriv.*", Path: "/var/log/auth.log", File: conf, Line: 60}},
			Forwards: []logging.Forward{{Target: "log.example.com", Port: "6514", Kind: "tcp", TLS: true, File: conf, Line: 70, Raw: "*.* action(…)"}}},
		Logrotate: logging.Logrotate{Installed: yes, Scheduled: yes, Known: true, LastRun: "2026-11-21", RunAgeDays: 1, StateFile: "/var/lib/logrotate/status"},
	}
}

// journal changes the journal's facts.
func journal(change func(*logging.Journald)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Logging.Journald) }
}

// journalSetting sets a key of journald.conf.
func journalSetting(key, value string) func(*facts.Facts) {
	return journal(func(j *logging.Journald) {
		j.Settings[key] = fact.Text{Value: value, Set: true, File: "/etc/systemd/journald.conf", Line: 3, Raw: key + "=" + value}
	})
}

func volatile(j *logging.Journald) {
	j.Persistent = fact.Tri{Known: true, Reason: "Storage=volatile"}
	j.Settings["storage"] = fact.Text{Value: "volatile", Set: true, File: "/etc/systemd/journald.conf", Line: 3}
}

func journalCases() []testCase {
	noRsyslog := func(f *facts.Facts) {
		f.Logging.Rsyslog = logging.Rsyslog{Installed: fact.Tri{Known: true}, Service: absent("rsyslog.service"), Reason: "rsyslog is not installed"}
	}
	unread := journal(func(j *logging.Journald) {
		j.Known, j.Reason, j.Persistent = false, "a FIFO", fact.Tri{Reason: "a FIFO"}
	})
	return []testCase{
		{"logging-persistent", all(noRsyslog, journal(volatile)), "fail medium: Storage=volatile @/etc/systemd/journald.conf:3"},
		{"logging-persistent", journal(volatile), "pass: Storage=volatile; rsyslog writes files"},
		{"logging-persistent", all(noRsyslog, unread), "unknown: a FIFO"},
		{"logging-journald-active", journal(func(j *logging.Journald) { j.Service.Active = fact.Tri{Known: true, Reason: "it is failed"} }), "fail high: it is failed"},
		{"logging-journald-active", journal(func(j *logging.Journald) { j.Service.Active = fact.Tri{Reason: "an image"} }), "unknown: an image"},
		{"logging-journald-active", journal(func(j *logging.Journald) { j.Installed.Yes = false }), "not_applicable"},
		{"logging-journald-storage", journal(volatile), "fail low: Storage=volatile"},
		{"logging-journald-storage", unread, "unknown: a FIFO"},
		{"logging-journald-compress", journalSetting("compress", "No"), "fail informational: No @"},
		{"logging-journald-compress", journalSetting("compress", "8K"), "pass: 8K"},
		{"logging-journald-limits", journal(func(j *logging.Journald) { j.Settings["systemmaxuse"] = fact.Text{} }), "fail low: none is set"},
		{"logging-journald-limits", journal(volatile), "not_applicable: the journal is not on disk"},
		{"logging-journald-forward", journalSetting("forwardtosyslog", "no"), "fail medium: ForwardToSyslog=no, rsyslog does not read the journal @"},
		{"logging-journald-forward", all(journalSetting("forwardtosyslog", "no"), func(f *facts.Facts) { f.Logging.Rsyslog.Journal = true }), "pass: ForwardToSyslog=no, rsyslog reads the journal"},
		{"logging-journald-forward", noRsyslog, "not_applicable: rsyslog is not in use"},
		{"logging-journald-forward", unread, "unknown: a FIFO"},
		{"logging-journal-remote", journal(func(j *logging.Journald) { j.Remote = running("systemd-journal-remote.socket") }), "fail medium: systemd-journal-remote.socket listens"},
		{"logging-journal-remote", journal(func(j *logging.Journald) {
			j.Remote = running("systemd-journal-remote.socket")
			j.Remote.Enabled.Yes, j.Remote.Active = false, fact.Tri{Reason: "no D-Bus"}
		}), "unknown: no D-Bus"},
	}
}

// rsyslog changes rsyslog's facts.
func rsyslog(change func(*logging.Rsyslog)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Logging.Rsyslog) }
}

func rsyslogCases() []testCase {
	selector := func(s string) func(*facts.Facts) {
		return rsyslog(func(r *logging.Rsyslog) { r.Outputs[0].Selector, r.Forwards = s, nil })
	}
	input := func(in ...logging.Input) func(*facts.Facts) {
		return rsyslog(func(r *logging.Rsyslog) { r.Inputs = in })
	}
	forward := func(to ...logging.Forward) func(*facts.Facts) {
		return rsyslog(func(r *logging.Rsyslog) { r.Forwards = to })
	}
	mode := func(bits int, text string) func(*facts.Facts) {
		return rsyslog(func(r *logging.Rsyslog) { r.FileModeBits, r.FileMode.Value = bits, text })
	}
	unread := rsyslog(func(r *logging.Rsyslog) { r.Known, r.Reason = false, "too many includes" })
	gone := rsyslog(func(r *logging.Rsyslog) { r.Installed.Yes, r.Service = false, absent("rsyslog.service") })
	tcp := logging.Input{Module: "imtcp", Port: "514", File: "/etc/rsyslog.d/in.conf", Line: 2}
	secure, local := tcp, tcp
	secure.TLS, local.Local = true, true
	return []testCase{
		{"logging-rsyslog-enabled", rsyslog(func(r *logging.Rsyslog) {
			r.Service.Enabled = fact.Tri{Known: true, Reason: "nothing starts rsyslog.service"}
		}), "fail medium: nothing starts"},
		{"logging-rsyslog-enabled", gone, "not_applicable"},
		{"logging-rsyslog-active", rsyslog(func(r *logging.Rsyslog) {
			r.Service.Active = fact.Tri{Known: true, Reason: "rsyslog.service is failed"}
		}), "fail medium: rsyslog.service is failed"},
		{"logging-rsyslog-file-mode", mode(0o644, "0644"), "fail medium: 0644 @/etc/rsyslog.conf:40"},
		{"logging-rsyslog-file-mode", mode(0o666, "0666"), "fail high: 0666"},
		{"logging-rsyslog-file-mode", mode(0o600, "0600"), "pass: 0600"},
		{"logging-rsyslog-file-mode", unread, "unknown: too many includes"},
		{"logging-rsyslog-auth", selector("*.*;auth,authpriv.none"), "fail medium: no rule for auth and authpriv"},
		{"logging-rsyslog-auth", selector("mail.*;authpriv.info"), "pass: in /var/log/auth.log @/etc/rsyslog.conf:60"},
		{"logging-rsyslog-auth", selector("*.info;mail.none"), "pass"},
		{"logging-rsyslog-auth", selector("*.info;mail,authpriv.none"), "fail medium"},
		{"logging-rsyslog-auth", selector("kern.*"), "fail medium"},
		{"logging-rsyslog-auth", selector(""), "pass"}, // behind an expression
		{"logging-rsyslog-receive", input(tcp), "fail medium: imtcp on port 514 @/etc/rsyslog.d/in.conf:2"},
		{"logging-rsyslog-receive", input(secure), "fail low: imtcp on port 514 with TLS"},
		{"logging-rsyslog-receive", input(local), "pass"},
		{"logging-rsyslog-receive", all(unread, input(tcp)), "fail medium"},
		{"logging-rsyslog-receive", unread, "unknown: too many"},
		{"logging-remote", forward(), "fail low: not sent"},
		{"logging-remote", forward(logging.Forward{Target: "127.0.0.1", Local: true}), "fail low: not sent"},
		{"logging-remote", all(forward(), func(f *facts.Facts) {
			f.Logging.Journald.Upload = running("systemd-journal-upload.service")
		}), "fail low: systemd-journal-upload has no URL"},
		{"logging-remote", all(forward(), func(f *facts.Facts) {
			f.Logging.Journald.Upload = running("systemd-journal-upload.service")
			f.Logging.Journald.UploadURL = fact.Text{Value: "https://log", Set: true}
		}), "pass: the journal is sent to https://log"},
		{"logging-remote-tls", forward(logging.Forward{Target: "192.0.2.9", Kind: "udp", File: "/x", Line: 1}), "fail low: 192.0.2.9 by plain udp @/x:1"},
		{"logging-remote-tls", forward(logging.Forward{Target: "10.1.2.3", Kind: "udp"}), "pass: encrypted, or on a private network"},
		{"logging-remote-tls", forward(), "pass: nothing is sent"},
	}
}

func logFileCases() []testCase {
	files := func(list ...logging.File) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Logging.Files = list }
	}
	rotate := func(change func(*logging.Logrotate)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Logging.Logrotate) }
	}
	cut := func(f *facts.Facts) { f.Logging.FilesKnown, f.Logging.FilesReason = false, "nested too deep" }
	open := logging.File{Path: "/var/log/x.log", Kind: logging.KindOther, Mode: 0o666, Widest: 0o640, OtherWrites: true}
	auth := logging.File{Path: "/var/log/auth.log", Kind: logging.KindAuth, Mode: 0o644, Widest: 0o640}
	foreign := logging.File{Path: "/var/log/y.log", Kind: logging.KindOther, Mode: 0o640, UID: 1001, Owner: "bob", Foreign: true}
	return []testCase{
		{"logging-files-writable", files(open), "fail high: /var/log/x.log @/var/log/x.log:0"},
		{"logging-files-writable", files(auth), "pass"},
		{"logging-files-writable", all(cut, files(open)), "fail high"},
		{"logging-files-writable", cut, "unknown: nested too deep"},
		{"logging-files-private", files(auth, open), "fail medium: /var/log/auth.log"},
		{"logging-files-private", files(open), "pass"},
		{"logging-files-private", cut, "unknown: nested"},
		{"logging-files-permissions", files(foreign), "fail low: /var/log/y.log (owner bob)"},
		{"logging-files-permissions", cut, "unknown: nested"},
		{"logging-logrotate", rotate(func(l *logging.Logrotate) { l.Installed = fact.Tri{Known: true} }), "fail low: logrotate is not installed"},
		{"logging-logrotate", rotate(func(l *logging.Logrotate) {
			l.Scheduled = fact.Tri{Known: true, Reason: "nothing starts logrotate.timer"}
		}), "fail low: nothing starts logrotate.timer"},
		{"logging-logrotate", rotate(func(l *logging.Logrotate) { l.Scheduled = fact.Tri{Reason: "no D-Bus"} }), "unknown: no D-Bus"},
		{"logging-logrotate-run", rotate(func(l *logging.Logrotate) { l.RunAgeDays = 8 }), "fail low: not in the last 7 days @/var/lib/logrotate/status"},
		{"logging-logrotate-run", rotate(func(l *logging.Logrotate) { l.LastRun, l.RunAgeDays = "", 20 }), "fail low: it never ran"},
		{"logging-logrotate-run", rotate(func(l *logging.Logrotate) { l.LastRun, l.RunAgeDays, l.RunReason = "", -1, "it has not run yet" }), "unknown: it has not run yet"},
		{"logging-logrotate-covers", rotate(func(l *logging.Logrotate) { l.Uncovered = []logging.File{open} }), "fail low: /var/log/x.log"},
		{"logging-logrotate-covers", rotate(func(l *logging.Logrotate) { l.Known, l.Reason = false, "a loop" }), "unknown: a loop"},
	}
}
