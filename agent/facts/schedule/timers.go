package schedule

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/crontab"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

const maxTimers = 500

// timers reads the timers that targets want, and what they start.
func (r *reader) timers() {
	for _, t := range r.wanted() {
		u, err := unitfile.LoadFiles(r.root, t.Unit)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a link to a timer that is gone, or a template's instance
		}
		if err != nil {
			r.incomplete(err.Error(), "timers")
			continue
		}
		if u.Masked {
			continue
		}
		t.File, t.Job = text.Clean(u.Fragment, text.Limit), strings.TrimSuffix(t.Unit, ".timer")+".service"
		if v := u.Values("Timer", "Unit"); len(v) > 0 {
			t.Job = text.Clean(v[len(v)-1].Value, 256)
		}
		for _, key := range []string{"OnCalendar", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnActiveSec"} {
			for _, v := range u.Values("Timer", key) {
				t.When = append(t.When, text.Clean(key+"="+v.Value, 128))
			}
		}
		r.service(&t)
		r.f.Timers = append(r.f.Timers, t)
	}
}

// wanted lists the timers that are linked into a target, each once.
func (r *reader) wanted() []Timer {
	var all []Timer
	for _, dir := range unitfile.Directories() {
		for _, target := range []string{"timers.target.wants", "multi-user.target.wants", "basic.target.wants"} {
			at := path.Join(dir, target)
			if dir == unitfile.Directories()[0] {
				r.f.Meta.Depend(at + "/")
			}
			for _, n := range r.dir(at, "timers") {
				known := slices.ContainsFunc(all, func(t Timer) bool { return t.Unit == n })
				if !strings.HasSuffix(n, ".timer") || known || strings.Contains(n, "@") {
					continue
				}
				if len(all) == maxTimers {
					r.incomplete("there are more timers than are looked at", "timers")
					return all
				}
				all = append(all, Timer{Unit: text.Clean(n, 256), Starter: text.Clean(path.Join(at, n), text.Limit)})
			}
		}
	}
	return all
}

// service reads what a timer's service runs, and as whom.
func (r *reader) service(t *Timer) {
	u, err := unitfile.LoadFiles(r.root, t.Job)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.incomplete(err.Error(), "timers")
		return
	}
	r.f.Meta.Depend(u.Fragment)
	t.User, t.Root = "root", true
	if v := u.Values("Service", "User"); len(v) > 0 {
		t.User = text.Clean(v[len(v)-1].Value, 64)
		t.Root = t.User == "root" || r.uid(t.User) == 0
	} else if v := u.Values("Service", "DynamicUser"); len(v) > 0 && slices.Contains([]string{"yes", "true", "1", "on"}, v[len(v)-1].Value) {
		t.User, t.Root = "", false
	}
	for _, key := range []string{"ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition"} {
		for _, v := range u.Values("Service", key) {
			programs, more := commandPrograms(v.Value)
			if more {
				r.incomplete(t.Job+" has more words than are looked at", "timers")
			}
			for _, name := range programs {
				p, ok := r.program("timers", name, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", max(0, r.uid(t.User)))
				if ok && !slices.ContainsFunc(t.Programs, func(q Program) bool { return q.Path == p.Path }) {
					t.Programs = append(t.Programs, p)
				}
			}
		}
	}
}

// commandPrograms names what a command line of a unit runs. systemd knows no shell:
// separators are arguments there, and a line may begin with marks of its own.
func commandPrograms(line string) (programs []string, more bool) {
	programs, more = crontab.Programs(strings.TrimLeft(line, "@-:+!|"))
	return slices.DeleteFunc(programs, func(p string) bool { return strings.Contains(p, "%") }), more
}
