// Package service reads, for groups of facts about one program, whether its unit
// starts at boot and runs now. What starts at boot stands in unit files; what runs
// is asked of systemd, once for all units, and is unknown for an image.
package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
	"seawall/pkg/unitbus"
	"seawall/pkg/unitfile"
)

// State is what is known of a unit.
type State struct {
	Unit    string `json:"unit"`
	Present bool   `json:"present"` // it has a unit file, or is masked
	Masked  bool   `json:"masked"`
	// Enabled says whether it starts at boot; the reason is the link that starts it,
	// or why nothing does.
	Enabled fact.Tri `json:"enabled"`
	Active  fact.Tri `json:"active"`
	File    string   `json:"file,omitempty"` // the unit file, or the mask
	User    string   `json:"user,omitempty"` // User=, "" where it is not set
}

// Files are the places that the states of units depend on.
func Files(names ...string) []string {
	dirs := unitfile.Directories()
	out := []string{dirs[0] + "/"}
	for _, dir := range dirs[1:] {
		for _, name := range names {
			out = append(out, dir+"/"+name)
		}
	}
	return out
}

// Read reads the states of the named units.
func Read(ctx context.Context, env fact.Env, names ...string) map[string]State {
	states := make(map[string]State, len(names))
	var present []string
	for _, name := range names {
		s := onDisk(env, name)
		if s.Present {
			present = append(present, name)
		}
		states[name] = s
	}
	var running map[string]unitbus.State
	why := "not the running system"
	if env.Live() && len(present) > 0 {
		var err error
		if running, err = unitbus.Ask(ctx, present); err != nil {
			why = text.Clean(err.Error(), text.Limit)
		}
	}
	for name, s := range states {
		switch r, ok := running[name]; {
		case !s.Present:
			s.Active = fact.Tri{Known: true, Reason: s.Enabled.Reason}
		case ok:
			s.Active = fact.Tri{Known: true, Yes: r.Active == "active" || r.Active == "reloading", Reason: name + " is " + r.Active}
		default:
			s.Active = fact.Tri{Reason: why}
		}
		if !s.Enabled.Known {
			s.Active = fact.Tri{Reason: s.Enabled.Reason}
		}
		states[name] = s
	}
	return states
}

// onDisk reads what the unit files say.
func onDisk(env fact.Env, name string) State {
	s := State{Unit: name}
	u, err := unitfile.Load(env.Root, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Enabled = fact.Tri{Known: true, Reason: "there is no " + name}
		return s
	case err != nil:
		s.Enabled = fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
		return s
	}
	s.Present, s.Masked, s.File = true, u.Masked, u.Fragment
	if v := u.Values("Service", "User"); len(v) > 0 {
		s.User = text.Clean(v[len(v)-1].Value, 64)
	}
	switch {
	case u.Masked:
		s.Enabled = fact.Tri{Known: true, Reason: fmt.Sprintf("%s is masked by %s", name, u.Fragment)}
	case u.Start == "":
		s.Enabled = fact.Tri{Known: true, Reason: "nothing starts " + name}
	default:
		s.Enabled = fact.Tri{Known: true, Yes: true, Reason: u.Start}
	}
	return s
}

// Installed says whether one of the programs is there.
func Installed(root hostfs.Root, programs ...string) fact.Tri {
	for _, n := range programs {
		switch _, err := root.Stat(n); {
		case err == nil:
			return fact.Tri{Known: true, Yes: true, Reason: n}
		case !errors.Is(err, fs.ErrNotExist):
			return fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
		}
	}
	return fact.Tri{Known: true, Reason: "there is no " + programs[0]}
}
