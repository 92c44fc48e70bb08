package updates

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/distro"
	"seawall/pkg/dpkg"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
	"seawall/pkg/unitbus"
)

const (
	maxWord  = 256
	maxList  = 100 // settings of one kind that are listed: that there is one counts
	youngAge = 48 * time.Hour
)

// Read returns whether security updates install themselves.
func Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	r := &reader{root: env.Root, now: env.Now(), f: &Facts{Settings: []Setting{}, Timers: []Timer{}, Excluded: []Setting{}}}
	if env.Live() {
		r.ask = func(units []string) (map[string]unitbus.State, error) { return unitbus.Ask(ctx, units) }
	}
	r.read()
	r.f.Meta.Took = time.Since(start)
	return *r.f
}

// reader reads one host. ask tells what the running systemd says of units; it is
// nil for an image.
type reader struct {
	root hostfs.Root
	now  time.Time
	ask  func(units []string) (map[string]unitbus.State, error)
	os   distro.OS
	f    *Facts

	states   map[string]unitbus.State // of systemd, nil where it was not asked
	busError string                   // why it could not be
}

func (r *reader) read() {
	for _, p := range []*Part{&r.f.Installed, &r.f.Configured, &r.f.Timer, &r.f.LastRun} {
		p.Evidence = []finding.Evidence{}
	}
	r.f.Meta.Depend(distro.Files()...)
	for _, name := range distro.Files() {
		if b, err := r.root.ReadFile(name, 0); err == nil {
			r.os = distro.ParseOS(b)
			break
		}
	}
	r.f.Meta.State = fact.StateKnown
	switch {
	case r.root.Exists(dpkg.StatusFile):
		r.deb()
	case r.hasRPM() && r.os.Family() != "suse":
		r.dnf()
	case r.hasRPM():
		r.f.Meta.State, r.f.Meta.Reason = fact.StateUnknown, "automatic updates of zypper are not read"
	default:
		r.f.Meta.State, r.f.Meta.Reason = fact.StateUnknown, "neither dpkg nor rpm keeps this host's packages"
	}
	if r.f.Meta.State != fact.StateKnown {
		r.f.Automatic.Reason = r.f.Meta.Reason
		return
	}
	r.f.Automatic = all(r.f.Installed, r.f.Configured, r.f.Timer, r.f.LastRun)
}

func (r *reader) hasRPM() bool {
	r.f.Meta.Depend(dpkg.StatusFile)
	return slices.ContainsFunc([]string{"/var/lib/rpm", "/usr/lib/sysimage/rpm"}, func(dir string) bool {
		names, err := r.root.ReadDir(dir)
		return err == nil && len(names) > 0
	})
}

// all is the answer that several parts give together: no where one is, for the
// first one's reason, else unknown where one is.
func all(parts ...Part) fact.Tri {
	for _, p := range parts {
		if p.Answer.Known && !p.Answer.Yes {
			return p.Answer
		}
	}
	for _, p := range parts {
		if !p.Answer.Known {
			return p.Answer
		}
	}
	return fact.Tri{Known: true, Yes: true, Reason: parts[len(parts)-1].Answer.Reason}
}

// answer sets what a part says, unless it already says no.
func (p *Part) answer(known, yes bool, format string, args ...any) {
	if p.Answer.Known && !p.Answer.Yes {
		return
	}
	p.Answer = fact.Tri{Known: known, Yes: yes, Reason: text.Clean(fmt.Sprintf(format, args...), text.Limit)}
}

func (p *Part) see(file string, line int, words string) {
	if len(p.Evidence) < maxList {
		p.Evidence = append(p.Evidence, finding.Evidence{File: text.Clean(file, text.Limit), Line: line, Text: text.Clean(words, text.Limit)})
	}
}

// setting notes a setting that decides.
func (r *reader) setting(s Setting) {
	if len(r.f.Settings) < maxList {
		r.f.Settings = append(r.f.Settings, s.clean())
	}
}

func (r *reader) exclude(s Setting) {
	if len(r.f.Excluded) < maxList {
		r.f.Excluded = append(r.f.Excluded, s.clean())
	}
}

func (s Setting) clean() Setting {
	s.Value, s.File = text.Clean(s.Value, maxWord), text.Clean(s.File, text.Limit)
	return s
}

func (r *reader) installed(programs ...string) bool {
	r.f.Meta.Depend(programs...)
	for _, name := range programs {
		switch _, err := r.root.Stat(name); {
		case err == nil:
			r.f.Installed.answer(true, true, "%s", name)
			r.f.Installed.see(name, 0, "installed")
			return true
		case !errors.Is(err, fs.ErrNotExist):
			r.f.Installed.answer(false, false, "%v", err)
			return true
		}
	}
	r.f.Installed.answer(true, false, "%s is not installed", r.f.System)
	return false
}
