package containers

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/agent/facts/containers/cmdline"
	"seawall/pkg/unitfile"
)

// flag is one of a program's flags and where it stands.
type flag struct {
	name, value string
	file        string
	line        int
	raw         string
}

// flagList is what a unit starts a program with.
type flagList struct {
	unit  string // the unit's fragment, "" where there is none
	flags []flag
	left  string // why there can be others
}

// last returns the last flag of a name.
func (l flagList) last(name string) (found flag, ok bool) {
	for _, f := range l.flags {
		if f.name == name {
			found, ok = f, true
		}
	}
	return found, ok
}

// unitFlags reads the flags that a unit gives to a program, variables of its
// environment put in.
func (r *reader) unitFlags(unit, program string) flagList {
	for _, dir := range unitfile.Directories()[:1] {
		r.f.Meta.Depend(dir+"/"+unit, dir+"/"+unit+".d/")
	}
	u, err := unitfile.Load(r.root, unit)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return flagList{left: clean(err.Error())}
	case err != nil || u.Masked:
		return flagList{}
	}
	out := flagList{unit: clean(u.Fragment)}
	env, left := r.environment(u)
	out.left = left
	for _, s := range u.Values("Service", "ExecStart") {
		words, more := cmdline.Expand(cmdline.Split(s.Value), env)
		if len(words) > 0 && strings.HasSuffix(words[0], program) {
			flags, others := parseFlags(words[1:], clean(s.File), s.Line)
			out.flags, more = append(out.flags, flags...), more || others
		}
		if more {
			out.left = unit + " has more flags than are looked at"
		}
	}
	return out
}

// environment reads Environment= and EnvironmentFile= of a unit. left says why there
// can be more.
func (r *reader) environment(u *unitfile.Unit) (env map[string]string, left string) {
	env = map[string]string{}
	set := func(word string) {
		name, value, ok := strings.Cut(word, "=")
		_, known := env[name]
		switch {
		case !ok:
		case len(env) == maxList && !known:
			left = u.Name + " has more variables than are looked at"
		default:
			env[name] = value
		}
	}
	for _, s := range u.Values("Service", "Environment") {
		for _, word := range cmdline.Split(s.Value) {
			set(word)
		}
	}
	for _, s := range u.Values("Service", "EnvironmentFile") {
		name := strings.TrimPrefix(s.Value, "-")
		if !strings.HasPrefix(name, "/") {
			continue
		}
		r.f.Meta.Depend(clean(name))
		b, err := r.root.ReadFile(name, 0)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				left = clean(err.Error())
			}
			continue
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' || line[0] == ';' {
				continue
			}
			if name, value, ok := strings.Cut(line, "="); ok {
				set(name + "=" + cmdline.Unquote(value))
			}
		}
	}
	return env, left
}

// parseFlags reads the flags of dockerd or the kubelet, which stand in a line.
func parseFlags(words []string, file string, line int) (all []flag, more bool) {
	flags, more := cmdline.Parse(words, booleans)
	for _, f := range flags {
		all = append(all, flag{f.Name, f.Value, file, line, f.Raw})
	}
	return all, more
}
