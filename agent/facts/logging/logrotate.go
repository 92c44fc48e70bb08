package logging

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/service"
	"seawall/pkg/logrotateconf"
	"seawall/pkg/text"
)

const (
	rotateConf = "/etc/logrotate.conf"
	rotateJob  = "/etc/cron.daily/logrotate"
)

// logrotate reads its configuration and when it ran.
func (r *reader) logrotate(l *Logrotate) {
	l.RunAgeDays = -1
	l.Installed = service.Installed(r.root, "/usr/sbin/logrotate", "/sbin/logrotate", "/usr/bin/logrotate")
	r.f.Meta.Depend(rotateConf, rotateJob)
	if !l.Installed.Yes {
		l.Reason, l.RunReason = "logrotate is not installed", "logrotate is not installed"
		l.Uncovered = nil
		return
	}
	l.Scheduled = r.scheduled()
	r.lastRun(l)
	c, err := logrotateconf.Load(r.root, rotateConf)
	if err != nil {
		l.Reason, l.Uncovered = text.Clean(err.Error(), text.Limit), nil
		return
	}
	r.f.Meta.Depend(c.Watch...)
	l.Known = true
	for _, s := range c.Stanzas {
		rule := Rotation{Period: s.Period, Keep: s.Keep, Create: text.Clean(s.Create, 64), CreateBits: s.Mode, File: text.Clean(s.File, text.Limit), Line: s.Line}
		for _, p := range s.Patterns {
			rule.Patterns = append(rule.Patterns, text.Clean(p, text.Limit))
		}
		l.Rules = append(l.Rules, rule)
	}
	l.Uncovered = slices.DeleteFunc(l.Uncovered, func(f File) bool {
		return slices.ContainsFunc(c.Stanzas, func(s logrotateconf.Stanza) bool { return s.Covers(f.Path) })
	})
}

// scheduled says what starts logrotate. With systemd the job of cron.daily leaves it
// to the timer, where the distribution has one.
func (r *reader) scheduled() fact.Tri {
	timer := r.states[unitRotate]
	switch {
	case timer.Active.Known && timer.Enabled.Yes && !timer.Active.Yes:
		return fact.Tri{Known: true, Reason: timer.Active.Reason}
	case timer.Enabled.Yes || !timer.Enabled.Known || timer.Present:
		return timer.Enabled
	}
	fi, err := r.root.Stat(rotateJob)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fact.Tri{Known: true, Reason: "there is neither " + unitRotate + " nor " + rotateJob}
	case err != nil:
		return fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
	case fi.Mode()&0o100 == 0:
		return fact.Tri{Known: true, Reason: rotateJob + " is not executable"}
	}
	return fact.Tri{Known: true, Yes: true, Reason: rotateJob}
}

// lastRun looks at the state that logrotate writes when it ends.
func (r *reader) lastRun(l *Logrotate) {
	const day = 24 * time.Hour
	for _, name := range []string{"/var/lib/logrotate/status", "/var/lib/logrotate/logrotate.status", "/var/lib/logrotate.status"} {
		fi, err := r.root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		l.StateFile = name
		if err != nil {
			l.RunReason = text.Clean(err.Error(), text.Limit)
			return
		}
		l.LastRun = fi.ModTime().UTC().Format(time.DateOnly)
		l.RunAgeDays = max(0, int(r.env.Now().Sub(fi.ModTime())/day))
		return
	}
	// It never ran. That is no fault of a host that was just installed: its directory
	// is as old as the package is on this host.
	l.RunReason = "it has not run yet"
	dir, err := r.root.Stat("/var/lib/logrotate")
	if err != nil || !r.env.Live() {
		return
	}
	if st, ok := dir.Sys().(*syscall.Stat_t); ok {
		if age := int(r.env.Now().Sub(time.Unix(st.Ctim.Unix())) / day); age >= 7 {
			l.RunAgeDays = age
		}
	}
}
