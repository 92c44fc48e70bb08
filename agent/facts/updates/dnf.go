package updates

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/dnf/automatic"
	"seawall/pkg/unitfile"
)

const (
	dnfConf      = "/etc/dnf/automatic.conf"
	dnf5Defaults = "/usr/share/dnf5/dnf5-plugins/automatic.conf"
	dnf5Host     = "/etc/dnf/dnf5-plugins/automatic.conf"
	dnfProgram   = "/usr/bin/dnf-automatic"
)

// dnfTimers are the timers of dnf-automatic and dnf5 automatic.
func dnfTimers() []string {
	return []string{"dnf-automatic.timer", "dnf-automatic-install.timer", "dnf-automatic-download.timer",
		"dnf-automatic-notifyonly.timer", "dnf5-automatic.timer", "dnf5-automatic-install.timer"}
}

// job is what a timer's service would do.
type job struct {
	system   string   // SystemDNF or SystemDNF5
	files    []string // its configuration, the later ones stronger
	install  *bool    // what its options demand
	download *bool
}

// dnf reads a host of Fedora's family.
func (r *reader) dnf() {
	r.f.System = SystemDNF
	wrapped := r.wrapped()
	if wrapped || !r.root.Exists(dnfProgram) && r.root.Exists(dnf5Defaults) {
		r.f.System = SystemDNF5
	}
	r.f.Meta.Depend(dnfConf, dnf5Defaults, dnf5Host, dnfLog, dnf5Log)
	if !r.installed(dnfProgram, dnf5Defaults) {
		r.f.Configured.answer(true, false, "nothing installs updates")
	}
	r.systemd(dnfTimers()...)
	r.dnfDecide(wrapped)
	r.dnfRuns()
}

// wrapped reports whether dnf-automatic is the shell script that calls dnf5.
func (r *reader) wrapped() bool {
	b, err := r.root.ReadFile(dnfProgram, 64<<10)
	return err == nil && bytes.Contains(b, []byte("dnf5 automatic"))
}

// dnfDecide judges by the timer that does most.
func (r *reader) dnfDecide(wrapped bool) {
	var best *Timer
	var does job
	for _, name := range dnfTimers() {
		if !r.hasUnit(name) {
			continue
		}
		j := r.jobLine(r.jobOf(name), wrapped)
		t := r.timer(name, j.action(r.commands(j)))
		better := best == nil || t.On && (!best.On || t.Action == ActionInstall && best.Action != ActionInstall)
		if better {
			best, does = &t, j
		}
		r.f.Timer.see(t.Place, 0, t.Unit+" is "+t.State+", to "+t.Action)
	}
	switch {
	case best == nil:
		r.f.Timer.answer(true, false, "there is no timer of dnf-automatic")
		does = job{system: r.f.System, files: confFiles(r.f.System)}
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

func (r *reader) hasUnit(name string) bool {
	_, err := unitfile.Load(r.root, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// dnfConfigured says whether what the timer runs would install security updates.
func (r *reader) dnfConfigured(t *Timer, does job) {
	p := &r.f.Configured
	c := r.commands(does)
	for _, s := range []Setting{c.apply, c.download, c.kind, c.reboot} {
		r.setting(s)
	}
	for _, s := range c.excludes {
		r.exclude(s)
	}
	if c.err != nil {
		p.unread("read the configuration", c.err)
	}
	kind := c.kind.String()
	p.see(c.apply.File, c.apply.Line, c.apply.String())
	p.see(c.kind.File, c.kind.Line, kind)
	action := does.action(c)
	switch {
	case action == ActionInstall && c.kind.Value == "security" && r.os.ID == "centos" && strings.Contains(r.os.Name, "Stream"):
		p.answer(true, false, "%s: CentOS Stream publishes no advisories, so nothing is installed", kind)
	case action == ActionInstall:
		p.answer(true, true, "updates are installed, %s", kind)
	case t != nil && t.On && does.install != nil:
		p.answer(true, false, "%s is on and only to %s updates", t.Unit, action)
	case t != nil && t.On:
		p.answer(true, false, "%s is on, but %s: it only does %s", t.Unit, c.apply, action)
	default:
		p.answer(true, false, "%s: updates are not installed", c.apply)
	}
}

func confFiles(system string) []string {
	if system == SystemDNF5 {
		return []string{dnf5Defaults, dnfConf, dnf5Host}
	}
	return []string{dnfConf}
}

// jobLine reads what a service executes.
func (r *reader) jobLine(service string, wrapped bool) job {
	j := job{system: SystemDNF, files: confFiles(SystemDNF)}
	u, err := unitfile.Load(r.root, service)
	if err != nil {
		return j
	}
	lines := u.Values("Service", "ExecStart")
	if len(lines) == 0 {
		return j
	}
	args := strings.Fields(strings.TrimLeft(lines[len(lines)-1].Value, "@-:+!|"))
	program := ""
	if len(args) > 0 {
		program = path.Base(strings.Trim(args[0], `"'`))
		args = args[1:]
	}
	if program == "dnf5" || program == "dnf" || wrapped {
		j.system, j.files = SystemDNF5, confFiles(SystemDNF5)
	}
	on, off := true, false
	for _, a := range args {
		switch a = strings.Trim(a, `"'`); {
		case a == "--installupdates":
			j.install = &on
		case a == "--no-installupdates":
			j.install = &off
		case a == "--downloadupdates":
			j.download = &on
		case a == "--no-downloadupdates":
			j.download = &off
		case strings.HasPrefix(a, "/") && j.system == SystemDNF:
			j.files = []string{a}
		}
	}
	return j
}

// action is what a job does with its configuration.
func (j job) action(c commands) string {
	install, download := yes(c.apply), yes(c.download)
	if j.install != nil {
		install = *j.install
	}
	if j.download != nil {
		download = *j.download
	}
	switch {
	case install:
		return ActionInstall
	case download:
		return ActionDownload
	}
	return ActionNotify
}

// commands is the part of automatic.conf that decides.
type commands struct {
	apply, download, kind, reboot Setting
	excludes                      []Setting
	err                           error
}

// commands reads a job's configuration. A value that dnf would not take leaves the
// one before it.
func (r *reader) commands(j job) commands {
	c := commands{apply: Setting{Name: "apply_updates", Value: "no"}, download: Setting{Name: "download_updates", Value: "no"},
		kind: Setting{Name: "upgrade_type", Value: "default"}, reboot: Setting{Name: "reboot", Value: "never"}}
	if j.system == SystemDNF5 {
		c.download.Value = "yes"
	}
	for _, name := range j.files {
		r.f.Meta.Depend(name)
		b, err := r.root.ReadFile(name, 0)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				c.err = err
			}
			continue
		}
		for _, o := range automatic.Parse(b) {
			s := Setting{o.Key, o.Value, true, name, o.Line}
			switch {
			case o.Section == "base" && (o.Key == "excludepkgs" || o.Key == "exclude") && o.Value != "":
				c.excludes = append(c.excludes, s)
			case o.Section != "commands":
			case o.Key == "apply_updates" && boolean(o.Value):
				c.apply = s
			case o.Key == "download_updates" && boolean(o.Value):
				c.download = s
			case o.Key == "upgrade_type" && (o.Value == "default" || o.Value == "security"):
				c.kind = s
			case o.Key == "reboot":
				c.reboot = s
			}
		}
	}
	return c
}

func yes(s Setting) bool {
	yes, _ := automatic.Bool(s.Value)
	return yes
}

func boolean(s string) bool {
	_, ok := automatic.Bool(s)
	return ok
}
