package updates

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/pkg/dnf/automatic"
	"seawall/pkg/dnf/ini"
	"seawall/pkg/unitfile"
)

// dnf reads a host of Fedora's family.
func (r *reader) dnf() {
	r.f.System = SystemDNF
	wrapped := automatic.Wrapped(r.root)
	if wrapped || !r.root.Exists(automatic.Program) && r.root.Exists(automatic.DNF5Defaults) {
		r.f.System = SystemDNF5
	}
	r.f.Meta.Depend(automatic.File, automatic.DNF5Defaults, automatic.DNF5File, dnfLog, dnf5Log)
	if !r.installed(automatic.Program, automatic.DNF5Defaults) {
		r.f.Configured.answer(true, false, "nothing installs updates")
	}
	r.systemd(automatic.Timers()...)
	r.dnfDecide(wrapped)
	r.dnfRuns()
}

// dnfDecide judges by the timer that does most.
func (r *reader) dnfDecide(wrapped bool) {
	var best *Timer
	var does automatic.Job
	for _, name := range automatic.Timers() {
		if !r.hasUnit(name) {
			continue
		}
		j := automatic.LoadJob(r.root, r.jobOf(name), wrapped)
		r.f.Meta.Depend(j.Files...)
		c, _ := j.Read(r.root) // an error counts where the job decides
		t := r.timer(name, j.Action(c))
		if best == nil || t.weight() > best.weight() {
			best, does = &t, j
		}
		r.f.Timer.see(t.Place, 0, t.Unit+" is "+t.State+", to "+t.Action)
	}
	switch {
	case best == nil:
		r.f.Timer.answer(true, false, "there is no timer of dnf-automatic")
		does = automatic.NewJob(r.f.System == SystemDNF5)
	case best.State == stateUnknown:
		r.f.Timer.answer(false, false, "%s: %s", best.Unit, best.Place)
	case best.On:
		r.f.Timer.answer(true, true, "%s is on", best.Unit)
	default:
		r.f.Timer.answer(true, false, "no timer of dnf-automatic is on: %s is %s", best.Unit, best.State)
	}
	if r.f.Installed.Answer.Yes {
		r.dnfConfigured(best, does)
	}
}

// weight is how much a timer's answer counts beside another's.
func (t *Timer) weight() int {
	switch {
	case t.On && t.Action == ActionInstall:
		return 4
	case t.On:
		return 3
	case t.State == stateStopped && t.Action == ActionInstall:
		return 2
	case t.State == stateStopped:
		return 1
	}
	return 0
}

func (r *reader) hasUnit(name string) bool {
	_, err := unitfile.Load(r.root, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// dnfConfigured says whether what the timer runs would install security updates.
func (r *reader) dnfConfigured(t *Timer, does automatic.Job) {
	p := &r.f.Configured
	r.f.Meta.Depend(does.Files...)
	c, err := does.Read(r.root)
	for _, s := range []automatic.Setting{c.Apply, c.Download, c.Type, c.Reboot} {
		r.setting(Setting(s))
	}
	for _, s := range c.Excludes {
		r.exclude(Setting(s))
	}
	switch {
	case errors.Is(err, ini.ErrSyntax):
		p.answer(true, false, "dnf refuses its configuration, so nothing is installed: %v", err)
	case err != nil:
		p.answer(false, false, "read the configuration: %v", err)
		return
	}
	apply, kind := Setting(c.Apply), Setting(c.Type)
	p.see(apply.File, apply.Line, apply.String())
	p.see(kind.File, kind.Line, kind.String())
	action := does.Action(c)
	switch {
	case action == ActionInstall && kind.Value == "security" && r.os.ID == "centos" && strings.Contains(r.os.Name, "Stream"):
		p.answer(true, false, "%s: CentOS Stream publishes no advisories, so nothing is installed", kind)
	case action == ActionInstall:
		p.answer(true, true, "updates are installed, %s", kind)
	case t != nil && t.On && does.Demands():
		p.answer(true, false, "%s is on and only to %s updates", t.Unit, action)
	case t != nil && t.On:
		p.answer(true, false, "%s is on, but %s: it only does %s", t.Unit, apply, action)
	default:
		p.answer(true, false, "%s: updates are not installed", apply)
	}
}
