package units

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/dpkg"
	"seawall/pkg/hostfs"
	"seawall/pkg/rpmdb"
	"seawall/pkg/text"
	"seawall/pkg/unitbus"
	"seawall/pkg/unitfile"
)

// The states of a unit.
const (
	stateEnabled   = "enabled"
	stateDisabled  = "disabled"
	stateMasked    = "masked"
	stateCondition = "condition" // enabled, and a condition of it does not hold
	stateUnknown   = "unknown"
)

// Read reads which services are installed and in use.
func Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	r := reader{root: env.Root, live: env.Live()}
	if r.live {
		r.ask = func(units []string) (map[string]unitbus.State, error) { return unitbus.Ask(ctx, units) }
		r.failed = func() ([]string, error) { return unitbus.Failed(ctx) }
	}
	f := r.read()
	f.Meta.Took = time.Since(start)
	return f
}

// reader reads one host. ask and failed question the running systemd; both are nil
// for an image.
type reader struct {
	root   hostfs.Root
	live   bool
	ask    func(units []string) (map[string]unitbus.State, error)
	failed func() ([]string, error)

	versions   map[string]string // of installed packages
	noVersions error             // why there are none
	unread     bool              // a directory of units cannot be listed
	states     map[string]unitbus.State
	noStates   error
}

func (r *reader) read() Facts {
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}, Services: map[string]Service{}, Failed: []string{}}
	r.depend(&f.Meta)
	all := topics()
	wanted := map[string]bool{}
	for _, t := range all {
		for _, p := range t.packages {
			wanted[p] = true
		}
	}
	r.versions, r.noVersions = installed(r.root, wanted)
	units := r.load(all)
	r.question(units)
	var err error
	if f.Inetd, err = superServers(r.root); f.Inetd == nil {
		f.Inetd = []Inetd{}
	}
	on := r.service(topic{name: "inetd", units: servers()[slices.IndexFunc(servers(), func(t topic) bool { return t.name == "inetd" })].units}, units)
	for i := range f.Inetd {
		f.Inetd[i].InUse = on.InUse.Yes
	}
	for _, t := range all {
		s := r.service(t, units)
		s.inetd(t, f.Inetd, err)
		f.Services[t.name] = s
	}
	r.failures(&f)
	return f
}

// load reads the files of every listed unit that exists.
func (r *reader) load(all []topic) map[string]Unit {
	there := map[string]bool{} // most listed units are not, and looking for each takes long
	for _, dir := range unitfile.Directories() {
		names, err := r.root.ReadDir(dir)
		for _, n := range names {
			there[n] = true
		}
		r.unread = r.unread || err != nil && !missing(err)
	}
	units := map[string]Unit{}
	for _, t := range all {
		for _, name := range t.units {
			if !there[name] && !r.unread {
				if u, ok := r.script(name); ok {
					units[name] = u
				}
				continue
			}
			if u, ok := r.unit(name); ok {
				units[name] = u
			}
		}
	}
	return units
}

func (r *reader) unit(name string) (Unit, bool) {
	out := Unit{Name: name}
	u, err := unitfile.Load(r.root, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.script(name)
	case err != nil:
		out.State, out.Problem = stateUnknown, text.Clean(err.Error(), maxWord)
		return out, true
	case u.Masked:
		out.State, out.Place = stateMasked, u.Fragment
	case u.Start == "":
		out.State, out.Place = stateDisabled, u.Fragment
	default:
		out.State, out.Place = stateEnabled, u.Start
		if missing := r.condition(u); missing != "" {
			out.State, out.Problem = stateCondition, text.Clean(missing, maxWord)
		}
	}
	out.InUse = out.State == stateEnabled
	return out, true
}

// condition names the path that a unit needs and that is not there.
func (r *reader) condition(u *unitfile.Unit) string {
	for _, s := range u.Values("Unit", "ConditionPathExists") {
		// "|" makes it one of several, of which one is enough.
		if p := s.Value; path.IsAbs(p) && !strings.Contains(p, "%") && !r.root.Exists(p) {
			return p + " is not there"
		}
	}
	return ""
}

// script looks for a script of System V in place of a unit.
func (r *reader) script(name string) (Unit, bool) {
	base, ok := strings.CutSuffix(name, ".service")
	script := path.Join("/etc/init.d", base)
	if !ok || !r.root.Exists(script) {
		return Unit{}, false
	}
	u := Unit{Name: name, State: stateDisabled, Place: script, script: true}
	for _, level := range []string{"2", "3", "4", "5"} {
		dir := "/etc/rc" + level + ".d"
		names, err := r.root.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, n := range names {
			if len(n) > 3 && n[0] == 'S' && n[3:] == base {
				u.State, u.Place, u.InUse = stateEnabled, path.Join(dir, n), true
				return u, true
			}
		}
	}
	return u, true
}

// question asks systemd for the units that exist.
func (r *reader) question(units map[string]Unit) {
	if r.ask == nil || len(units) == 0 {
		return
	}
	names := make([]string, 0, len(units))
	for n := range units {
		names = append(names, n)
	}
	slices.Sort(names)
	if r.states, r.noStates = r.ask(names); r.noStates != nil {
		return
	}
	for n, u := range units {
		u.Active = r.states[n].Active
		u.InUse = u.InUse || slices.Contains([]string{"active", "activating", "reloading"}, u.Active)
		units[n] = u
	}
}

// service puts together what is known of one.
func (r *reader) service(t topic, units map[string]Unit) Service {
	s := Service{Name: t.name, Packages: []string{}, Units: []Unit{}}
	for _, p := range t.packages {
		if v, ok := r.versions[p]; ok {
			s.Packages = append(s.Packages, text.Clean(p+" "+v, maxWord))
		}
	}
	for _, n := range t.units {
		// A script of System V stays behind when its package is removed, and ends
		// at once when it is started.
		if u, ok := units[n]; ok && !(u.script && r.noVersions == nil && len(s.Packages) == 0 && len(t.packages) > 0) {
			s.Units = append(s.Units, u)
		}
	}
	s.Installed = fact.Tri{Known: r.noVersions == nil || len(t.packages) == 0, Yes: len(s.Packages) > 0}
	switch {
	case len(s.Packages) > 0:
		s.Installed.Reason = strings.Join(s.Packages, ", ") + " installed"
	case len(s.Units) > 0:
		s.Installed = fact.Tri{Known: true, Yes: true, Reason: s.Units[0].Name + " is there"}
	case !s.Installed.Known:
		s.Installed.Reason = text.Clean("the installed packages are not known: "+r.noVersions.Error(), text.Limit)
	case len(t.packages)+len(t.units) == 0:
		s.Installed.Reason = "no super-server has it"
	default:
		s.Installed.Reason = "not installed"
	}
	s.InUse = r.inUse(t, &s)
	return s
}

// inUse decides whether a service is in use.
func (r *reader) inUse(t topic, s *Service) fact.Tri {
	if t.alone || !s.Installed.Yes {
		return s.Installed
	}
	unsure := ""
	for _, u := range s.Units {
		switch {
		case u.InUse && u.State == stateEnabled:
			return fact.Tri{Known: true, Yes: true, Reason: u.Name + " starts at boot"}
		case u.InUse:
			return fact.Tri{Known: true, Yes: true, Reason: u.Name + " is running"}
		case u.State == stateUnknown:
			unsure = u.Name + ": " + u.Problem
		}
	}
	switch {
	case unsure != "":
		return fact.Tri{Reason: unsure}
	case r.noStates != nil && len(s.Units) > 0:
		return fact.Tri{Reason: text.Clean("nothing of it starts at boot, and systemd does not say whether it runs: "+r.noStates.Error(), text.Limit)}
	}
	reason := s.Installed.Reason + ", and nothing of it starts at boot"
	if r.live {
		reason += " or runs"
	}
	return fact.Tri{Known: true, Reason: text.Clean(reason, text.Limit)}
}

// inetd adds what a super-server starts of a service.
func (s *Service) inetd(t topic, entries []Inetd, err error) {
	if len(t.inetd) == 0 || s.InUse.Yes {
		return
	}
	for _, e := range entries {
		if e.InUse && slices.Contains(t.inetd, e.Service) {
			s.InUse = fact.Tri{Known: true, Yes: true, Reason: fmt.Sprintf("%s line %d starts %s", e.File, e.Line, e.Service)}
			return
		}
	}
	if err != nil {
		s.InUse = fact.Tri{Reason: text.Clean("the super-server's configuration is not known: "+err.Error(), text.Limit)}
	}
}

// failures asks which units have failed.
func (r *reader) failures(f *Facts) {
	if r.failed == nil {
		f.FailedKnown.Reason = "an image has no running services"
		return
	}
	names, err := r.failed()
	if err != nil {
		f.FailedKnown.Reason = text.Clean(err.Error(), text.Limit)
		return
	}
	slices.Sort(names)
	for _, n := range names[:min(len(names), 100)] { // that there is one counts
		f.Failed = append(f.Failed, text.Clean(n, maxWord))
	}
	f.FailedKnown = fact.Tri{Known: true, Yes: len(names) > 0, Reason: fmt.Sprintf("%d units have failed", len(names))}
}

func (r *reader) depend(m *fact.Meta) {
	m.Depend(dpkg.StatusFile)
	m.Depend(rpmdb.Files(r.root)...)
	m.Depend(unitfile.Directories()[0] + "/")
	for _, level := range []string{"2", "3", "4", "5"} {
		m.Depend("/etc/rc" + level + ".d/")
	}
	depends(m)
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
