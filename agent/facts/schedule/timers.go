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
			r.f.TimersKnown, r.f.TimersReason = false, text.Clean(err.Error(), text.Limit)
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
			for _, n := range r.dir(at) {
				known := slices.ContainsFunc(all, func(t Timer) bool { return t.Unit == n })
				if !strings.HasSuffix(n, ".timer") || known || len(all) == maxTimers || strings.Contains(n, "@") {
					continue
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
		r.f.TimersKnown, r.f.TimersReason = false, text.Clean(err.Error(), text.Limit)
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
			for _, name := range commandPrograms(v.Value) {
				p, ok := r.program(name, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", max(0, r.uid(t.User)))
				if ok && !slices.ContainsFunc(t.Programs, func(q Program) bool { return q.Path == p.Path }) {
					t.Programs = append(t.Programs, p)
				}
			}
		}
	}
}

// commandPrograms names what a command line of a unit runs. systemd knows no shell:
// separators are arguments there, and a line may begin with marks of its own.
func commandPrograms(line string) []string {
	programs := crontab.Programs(strings.TrimLeft(line, "@-:+!|"))
	return slices.DeleteFunc(programs, func(p string) bool { return strings.Contains(p, "%") })
}
