package clock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/owner"
	"seawall/agent/facts/service"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// program is a program that keeps the time, as distributions ship it.
type program struct {
	kind  string
	units []string // the first that is there
	confs []string
	pid   string // its process, while it runs
	users []string
	parse func(*reader, *Daemon)
}

func programs() []program {
	return []program{
		{KindChrony, []string{"chrony.service", "chronyd.service"}, []string{"/etc/chrony/chrony.conf", "/etc/chrony.conf"},
			"/run/chrony/chronyd.pid", []string{"_chrony", "chrony"}, (*reader).chrony},
		{KindTimesyncd, []string{"systemd-timesyncd.service"}, []string{"/etc/systemd/timesyncd.conf"}, "", nil, (*reader).timesyncd},
		{KindNTP, []string{"ntpsec.service", "ntp.service", "ntpd.service"}, []string{"/etc/ntpsec/ntp.conf", "/etc/ntp.conf"},
			"/run/ntpd.pid", nil, (*reader).ntp},
		{KindOpenNTPD, []string{"openntpd.service"}, []string{"/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"}, "", nil, (*reader).openntpd},
	}
}

type reader struct {
	env   fact.Env
	root  hostfs.Root
	names *owner.Names
	f     *Facts
	// Of the daemon in hand: how many files its configuration had so far, which were
	// there, and where its keys are.
	files int
	read  []string
	keys  []string
}

// Read reads the facts.
func Read(ctx context.Context, env fact.Env) Facts {
	start := env.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}}
	r := &reader{env: env, root: env.Root, names: owner.Load(env.Root), f: &f}
	f.Meta.Depend("/run/systemd/container", "/etc/passwd")
	f.Container = r.root.Exists("/run/systemd/container") || r.root.Exists("/.dockerenv") || r.root.Exists("/run/.containerenv")
	var units []string
	for _, p := range programs() {
		units = append(units, p.units...)
	}
	states := service.Read(ctx, env, units...)
	f.Meta.Depend(service.Files(units...)...)
	f.WantedKnown = true
	for _, p := range programs() {
		r.daemon(p, states)
	}
	r.kernel(adjust)
	f.Meta.Took = env.Now().Sub(start)
	return f
}

// daemon notes a program that is there.
func (r *reader) daemon(p program, states map[string]service.State) {
	var state service.State
	for _, u := range p.units {
		if s := states[u]; s.Present || !s.Enabled.Known {
			state = s
			break
		}
	}
	if !state.Enabled.Known && state.Unit != "" {
		r.f.WantedKnown, r.f.WantedReason = false, state.Enabled.Reason
	}
	r.f.Meta.Depend(p.confs...)
	if !state.Present {
		return
	}
	d := Daemon{Kind: p.kind, Service: state, Known: true, Conf: p.confs[0]}
	for _, c := range p.confs {
		if r.root.Exists(c) {
			d.Conf = c
			break
		}
	}
	r.files, r.read, r.keys = 0, nil, nil
	p.parse(r, &d)
	r.user(p, &d)
	for _, s := range d.Sources {
		if s.Authenticated {
			d.Authenticated++
		}
	}
	if state.Enabled.Yes {
		r.f.Wanted = append(r.f.Wanted, p.kind)
		for _, name := range r.read {
			r.file(name, false)
		}
		for _, name := range r.keys {
			r.f.Meta.Depend(name)
			r.file(name, true)
		}
	}
	r.f.Daemons = append(r.f.Daemons, d)
}

// file notes mode and owner of a file, if it is there.
func (r *reader) file(name string, keys bool) {
	fi, err := r.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && hostfs.Null(fi) {
		return
	}
	f := File{Path: text.Clean(name, text.Limit), Keys: keys, Mode: -1}
	if err != nil {
		f.Error = text.Clean(err.Error(), text.Limit)
	} else {
		f.Mode, f.UID, f.GID = owner.Of(fi)
		f.Owner, f.Group = r.names.User(f.UID), r.names.Group(f.GID)
	}
	r.f.Files = append(r.f.Files, f)
}

// user tells whom a daemon runs as: its process says so, or its configuration, or the
// account that its packages make for it.
func (r *reader) user(p program, d *Daemon) {
	if uid, ok := r.processUser(p.pid); ok {
		name := r.names.User(uid)
		if name == "" {
			name = strconv.Itoa(uid)
		}
		d.User = fact.Text{Value: name}
		d.Root = fact.Tri{Known: true, Yes: uid == 0, Reason: "its process runs as " + name}
		return
	}
	if d.User.Value == "" && d.Service.User != "" {
		d.User = fact.Text{Value: d.Service.User, Set: true, File: d.Service.File, Raw: "User=" + d.Service.User}
	}
	if d.User.Value == "" {
		for _, u := range p.users {
			if _, ok := r.names.UID(u); ok {
				d.User = fact.Text{Value: u}
				break
			}
		}
	}
	switch {
	case d.Root.Known:
	case d.User.Value == "":
		d.Root = fact.Tri{Reason: "neither its configuration nor a running process says whom " + d.Kind + " runs as"}
	default:
		uid, known := r.names.UID(d.User.Value)
		d.Root = fact.Tri{Known: true, Yes: d.User.Value == "root" || known && uid == 0, Reason: "it runs as " + d.User.Value}
	}
}

// processUser reads the user of the process whose number is in a file.
func (r *reader) processUser(file string) (uid int, ok bool) {
	if file == "" || !r.env.Live() {
		return 0, false
	}
	b, err := r.root.ReadFile(file, 64)
	if err != nil {
		return 0, false
	}
	pid, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 31)
	if err != nil {
		return 0, false
	}
	b, err = r.root.ReadFile(path.Join("/proc", strconv.FormatUint(pid, 10), "status"), 0)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if rest, is := strings.CutPrefix(line, "Uid:"); is {
			if words := strings.Fields(rest); len(words) == 4 {
				n, err := strconv.Atoi(words[1]) // whose rights it has
				return n, err == nil
			}
		}
	}
	return 0, false
}

// settling is how long after boot a clock may take.
const settling = 15 * 60

// adjust asks the kernel and changes nothing.
func adjust() (synchronised bool, maxErrorMicros int64, err error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, 0, fmt.Errorf("adjtimex: %w", err)
	}
	return t.Status&unix.STA_UNSYNC == 0, t.Maxerror, nil
}

func (r *reader) kernel(ask func() (bool, int64, error)) {
	k := &r.f.Kernel
	if !r.env.Live() {
		k.Reason = "not the running system"
		return
	}
	synchronised, maxError, err := ask()
	if err != nil {
		k.Reason = err.Error()
		return
	}
	k.Known, k.Synchronised, k.MaxErrorMillis = true, synchronised, maxError/1000
	if synchronised {
		return
	}
	for _, d := range r.f.Daemons {
		if d.Kind == KindChrony && d.Known && !d.TellsKernel && d.Service.Enabled.Yes {
			k.Known, k.Reason = false, "without rtcsync in "+d.Conf+" chrony does not tell the kernel whether the clock is right"
			return
		}
	}
	b, err := r.root.ReadFile("/proc/uptime", 0)
	seconds, _, _ := strings.Cut(string(b), ".")
	if n, bad := strconv.Atoi(seconds); err == nil && bad == nil && n < settling {
		k.Known, k.Reason = false, "the host was booted less than 15 minutes ago"
	}
}
