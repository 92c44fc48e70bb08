package schedule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/owner"
	"seawall/agent/facts/service"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	maxPaths  = 2000
	maxJobs   = 2000
	maxLooked = 1000   // programs
	maxListed = 20_000 // users of cron.allow and its kin
)

type reader struct {
	env    fact.Env
	root   hostfs.Root
	names  *owner.Names
	states map[string]string // of users, by name
	looked map[string]Program
	f      *Facts
}

// Read reads the facts.
func Read(ctx context.Context, env fact.Env) Facts {
	start := env.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}, JobsKnown: true, TimersKnown: true}
	r := &reader{env: env, root: env.Root, names: owner.Load(env.Root), looked: map[string]Program{}, f: &f}
	r.daemons(ctx)
	f.Meta.Depend(owner.Files()...)
	f.Meta.Depend("/etc/shadow")
	r.states = r.users()
	r.access()
	r.system()
	r.periodic()
	r.spools()
	r.timers()
	f.Meta.Took = env.Now().Sub(start)
	return f
}

// daemons looks for cron and at under the names that distributions give them.
func (r *reader) daemons(ctx context.Context) {
	cron, at := []string{"cron.service", "crond.service", "cronie.service"}, []string{"atd.service"}
	states := service.Read(ctx, r.env, append(cron, at...)...)
	r.f.Meta.Depend(service.Files(append(cron, at...)...)...)
	pick := func(names []string) service.State {
		for _, n := range names {
			if s := states[n]; s.Present || !s.Enabled.Known {
				return s
			}
		}
		return states[names[0]]
	}
	r.f.Cron = Daemon{service.Installed(r.root, "/usr/sbin/cron", "/usr/sbin/crond", "/sbin/crond"), pick(cron)}
	r.f.At = Daemon{service.Installed(r.root, "/usr/sbin/atd", "/sbin/atd"), pick(at)}
}

// path notes mode and owner of a file or directory, and says whether it is there.
func (r *reader) path(name, kind, user string) bool {
	fi, err := r.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if len(r.f.Paths) == maxPaths {
		r.incomplete("there are more files than are looked at", "paths", "jobs", "broken", "ignored")
		return false
	}
	p := Path{Path: text.Clean(name, text.Limit), Kind: kind, User: user, Mode: -1}
	if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		if fi, err = r.root.Stat(name); err == nil && hostfs.Null(fi) {
			return false
		}
	}
	if err != nil {
		p.Error = text.Clean(err.Error(), text.Limit)
		if !errors.Is(err, fs.ErrNotExist) && kind != PathAccess {
			r.incomplete(err.Error(), "jobs", "broken")
		}
	} else {
		p.Mode, p.UID, p.GID = owner.Of(fi)
		p.Group = r.names.Group(p.GID)
	}
	r.f.Paths = append(r.f.Paths, p)
	return err == nil
}

// incomplete says that lists are not all there is.
func (r *reader) incomplete(why string, lists ...string) {
	why = text.Clean(why, text.Limit)
	for _, list := range lists {
		r.f.Meta.Leave(list, why)
		if list == "timers" {
			r.f.TimersKnown, r.f.TimersReason = false, why
		} else {
			r.f.JobsKnown, r.f.JobsReason = false, why
		}
	}
}

// dir lists a directory, of which lists are made; one that is not there is empty.
func (r *reader) dir(name string, lists ...string) []string {
	names, err := r.root.ReadDir(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, hostfs.ErrNotRegular) {
		r.incomplete(err.Error(), lists...)
	}
	return names
}

// access reads who may use crontab(1) and at(1).
func (r *reader) access() {
	for _, name := range []string{"/etc/cron.allow", "/etc/cron.deny", "/etc/at.allow", "/etc/at.deny"} {
		r.f.Meta.Depend(name)
		a := Access{Path: name}
		b, err := r.root.ReadFile(name, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			a.Present, a.Error = true, text.Clean(err.Error(), text.Limit)
		default:
			a.Present = true
			for user := range strings.FieldsSeq(string(b)) {
				if len(a.Users) == maxListed {
					r.f.Meta.Leave("access", name+" has more users than are listed")
					break
				}
				a.Users = append(a.Users, text.Clean(user, 64))
			}
		}
		if a.Present {
			r.path(name, PathAccess, "")
		}
		r.f.Access = append(r.f.Access, a)
	}
}

// program looks at a program that what is in list runs. trusted is the job's user.
func (r *reader) program(list, name, search string, trusted int) (Program, bool) {
	relative := ""
	if !strings.Contains(name, "/") {
		found, where := r.find(name, search, trusted)
		if found == "" {
			return Program{}, false // a builtin, a function, or nothing at all
		}
		name, relative = found, where
	}
	if !strings.HasPrefix(name, "/") {
		return Program{}, false // below the home directory, or wherever the job went
	}
	key := fmt.Sprintf("%s %d %s\x00%s", list, trusted, name, search)
	if p, ok := r.looked[key]; ok {
		return p, true
	}
	if len(r.looked) == maxLooked {
		r.incomplete("the jobs run more programs than are looked at", list)
		return Program{}, false
	}
	weak, err := owner.Weak(r.root, name, trusted)
	if err != nil && !slices.ContainsFunc([]error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG}, func(e error) bool { return errors.Is(err, e) }) {
		r.incomplete(err.Error(), list) // it may be there
	}
	p := Program{Path: text.Clean(path.Clean(name), text.Limit), Found: err == nil, Weak: weak, Relative: relative}
	r.looked[key] = p
	return p, true
}

// find looks for a program in the directories of a search path, and says which one
// before it, or itself, others may write.
func (r *reader) find(name, search string, trusted int) (file, relative string) {
	for dir := range strings.SplitSeq(search, ":") {
		switch {
		case relative != "":
		case !strings.HasPrefix(dir, "/"):
			relative = "PATH has \"" + text.Clean(dir, 64) + "\", which is wherever the job is"
		default:
			if weak, _ := owner.Weak(r.root, dir, trusted); len(weak) > 0 {
				relative = "PATH has " + text.Clean(dir, 256) + ": " + weak[0]
			}
		}
		full := path.Join(dir, name)
		if fi, err := r.root.Stat(full); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 && strings.HasPrefix(dir, "/") {
			return full, relative
		}
	}
	return "", ""
}
