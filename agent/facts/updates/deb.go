package updates

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/apt/conf"
	"seawall/pkg/apt/pocket"
)

const (
	aptConf  = "/etc/apt/apt.conf"
	aptConfD = "/etc/apt/apt.conf.d"
	periodic = "APT::Periodic::"
	upgrade  = "Unattended-Upgrade::"
)

// deb reads a host of Debian's family.
func (r *reader) deb() {
	r.f.System = SystemDeb
	r.f.Meta.Depend(aptConf, aptConfD+"/", pocket.Sources, pocket.Sources+".d/", pocket.Release, stampDir, uuLog)
	r.installed("/usr/bin/unattended-upgrade", "/usr/local/bin/unattended-upgrade")
	r.debConfigured()
	r.debTimers()
	r.debRuns()
}

func (r *reader) debConfigured() {
	p := &r.f.Configured
	tree, err := r.aptConf()
	var refused *conf.SyntaxError
	switch {
	case errors.As(err, &refused):
		p.answer(true, false, "apt refuses its configuration: %v", err)
		p.see(refused.File, refused.Line, refused.Text)
		return
	case err != nil:
		p.answer(false, false, "read apt's configuration: %v", err)
		return
	}
	r.periodic(tree)
	r.excluded(tree)
	r.origins(tree)
}

// aptConf reads apt's configuration in its order: the directory, then the file.
func (r *reader) aptConf() (*conf.Tree, error) {
	tree := &conf.Tree{
		Include:    func(name string) ([]byte, error) { return r.root.ReadFile(name, 0) },
		IncludeDir: r.aptParts,
	}
	names, err := r.aptParts(aptConfD)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range append(names, aptConf) {
		text, err := r.root.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = tree.Parse(name, text)
		}
		if err != nil {
			return nil, err
		}
	}
	return tree, nil
}

func (r *reader) aptParts(dir string) ([]string, error) {
	dir = strings.TrimSuffix(dir, "/")
	names, err := r.root.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, n := range names {
		if apt.ConfigName(n, "conf", "") {
			files = append(files, dir+"/"+n)
		}
	}
	return files, nil
}

// find notes and returns a setting; otherwise is the program's default.
func (r *reader) find(tree *conf.Tree, name, otherwise string) Setting {
	s := Setting{Name: name, Value: otherwise}
	if v, ok := tree.Find(name); ok {
		s = Setting{name, v.Text, true, v.File, v.Line}
	}
	r.setting(s)
	return s
}

// periodic asks what apt.systemd.daily asks.
func (r *reader) periodic(tree *conf.Tree) {
	p := &r.f.Configured
	// The script compares with "-eq 0": what is no number does not disable it.
	enable := r.find(tree, periodic+"Enable", "1")
	if n, err := strconv.Atoi(strings.TrimSpace(enable.Value)); err == nil && n == 0 {
		p.off(enable)
	}
	for _, name := range []string{"Update-Package-Lists", "Unattended-Upgrade"} {
		s := r.find(tree, periodic+name, "0")
		days, ok := interval(s.Value)
		switch {
		case !ok:
			p.see(s.File, s.Line, s.String())
			p.answer(true, false, "%s is no interval: the daily script fails on it", s)
		case s.Value == "0":
			p.off(s)
		case days > RunDays:
			p.see(s.File, s.Line, s.String())
			p.answer(true, false, "%s: only every %g days", s, days)
		default:
			p.see(s.File, s.Line, s.String())
		}
	}
	if s := r.find(tree, upgrade+"InstallOnShutdown", "false"); tree.Bool(upgrade+"InstallOnShutdown", false) {
		p.see(s.File, s.Line, s.String())
		p.answer(true, false, "%s: updates wait until the host is shut down", s)
	}
}

// off says that a setting switches updates off.
func (p *Part) off(s Setting) {
	p.see(s.File, s.Line, s.String())
	if s.Set {
		p.answer(true, false, "%s switches it off", s)
		return
	}
	p.answer(true, false, "%s is not set, which is off", s.Name)
}

// String is the setting as apt-config dump and dnf's files write it.
func (s Setting) String() string {
	words := fmt.Sprintf("%s %q", s.Name, s.Value)
	if !strings.Contains(s.Name, "::") {
		words = s.Name + " = " + s.Value
	}
	if !s.Set {
		words += " (default)"
	}
	return words
}

// interval reads an interval of apt.systemd.daily, in days. "always" is none.
func interval(s string) (days float64, ok bool) {
	if s == "always" {
		return 0, true
	}
	unit := 1.0
	for suffix, part := range map[string]float64{"s": 1. / 86400, "m": 1. / 1440, "h": 1. / 24, "d": 1} {
		if number, has := strings.CutSuffix(s, suffix); has {
			s, unit = number, part
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return float64(n) * unit, err == nil
}

// excluded lists what keeps packages from being upgraded.
func (r *reader) excluded(tree *conf.Tree) {
	p := &r.f.Configured
	const blacklist = upgrade + "Package-Blacklist"
	for _, v := range tree.List(blacklist) {
		s := Setting{blacklist, v.Text, true, v.File, v.Line}
		r.exclude(s)
		// Python's re.match asks for a match at the start, of any length.
		re, err := regexp.Compile(`^(?:` + v.Text + `)`)
		if err == nil && re.MatchString("") {
			p.see(s.File, s.Line, s.String())
			p.answer(true, false, "%s matches every package", s)
		}
	}
	if whitelist := tree.List(upgrade + "Package-Whitelist"); len(whitelist) > 0 && tree.Bool(upgrade+"Package-Whitelist-Strict", false) {
		for _, v := range whitelist {
			r.exclude(Setting{upgrade + "Package-Whitelist", v.Text, true, v.File, v.Line})
		}
	}
}

// debTimers asks for the two timers of apt.
func (r *reader) debTimers() {
	lists, install := "apt-daily.timer", "apt-daily-upgrade.timer"
	r.systemd(lists, install)
	p := &r.f.Timer
	for _, t := range []Timer{r.timer(lists, ActionLists), r.timer(install, ActionInstall)} {
		if t.State == stateMissing && r.cron() {
			continue
		}
		if p.see(t.Place, 0, t.Unit+" is "+t.State); !t.On {
			p.answer(t.State != stateUnknown, false, "%s is %s", t.Unit, t.State)
		}
	}
	if p.Answer.Reason == "" {
		p.answer(true, true, "both of apt's timers are on")
	}
}

// cron reports whether the daily script is run by cron, as it is on a host without
// systemd's units.
func (r *reader) cron() bool {
	const job = "/etc/cron.daily/apt-compat"
	fi, err := r.root.Stat(job)
	if err != nil || fi.Mode().Perm()&0o111 == 0 || r.root.Exists("/run/systemd/system") {
		return false
	}
	r.f.Timer.see(job, 0, "run daily by cron")
	return true
}
