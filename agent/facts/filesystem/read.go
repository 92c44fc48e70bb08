package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem/hush"
	"seawall/agent/facts/filesystem/inventory"
	"seawall/agent/facts/filesystem/loader"
	"seawall/pkg/hostfs"
	"seawall/pkg/mounts"
	"seawall/pkg/names"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const (
	maxName = 512     // bytes of a path that is shown
	maxText = 8 << 20 // bytes of a table of mounts
	maxList = 200     // of whatever is listed: a list that is cut says so
	maxDir  = 1000    // names of a directory that are looked at
)

// Reader reads the facts, and keeps the last walk over the disks. Its methods are
// not for several goroutines at once.
type Reader struct{ disk inventory.Reader }

// NewReader returns a Reader that has not walked yet.
func NewReader() *Reader { return &Reader{} }

// Read returns what is known of a host's file systems.
func (r *Reader) Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	rd := &reader{env: env, root: env.Root, f: &Facts{Places: map[string]Place{}}}
	rd.f.Meta.State = fact.StateKnown
	rd.f.Meta.Depend(names.Files()...)
	rd.f.Meta.Depend(inventory.Files()...)
	who, err := names.Read(env.Root)
	if err != nil {
		rd.f.Meta.Fail("read accounts", err)
		if rd.f.Meta.State == fact.StateAbsent {
			rd.f.Meta.State = fact.StateUnknown
		}
		rd.f.Meta.Took = time.Since(start)
		return *rd.f
	}
	rd.names = who
	rd.f.AccountsElsewhere = clean(who.Elsewhere)
	rd.read()
	rd.f.Disk = r.disk.Read(ctx, env, inventory.Surroundings{Names: who, Mounts: rd.own, Hidden: rd.hidden, Shared: rd.shared})
	rd.f.Meta.Took = time.Since(start)
	return *rd.f
}

// reader reads one host once.
type reader struct {
	env   fact.Env
	root  hostfs.Root
	names *names.Names
	f     *Facts

	table  mounts.Index // what process 1 sees mounted; nil for an image
	order  mounts.Table
	own    mounts.Index // what this process sees, by the names that it has for it
	hidden []string     // where the two differ
	shared []string     // where they do not, inside of those: /dev/shm in a private /dev
	tab    []mounts.Entry
	tabErr error
}

func (r *reader) read() {
	reason := r.readMounts()
	r.readTab()
	r.places(reason)
	r.mounted()
	r.encrypted()
	r.files()
	r.banners()
	r.f.Preload = loader.ReadPreload(r.root)
	r.integrity()
	r.leftovers()
}

// readMounts reads what is mounted, and returns why it could not.
func (r *reader) readMounts() (reason string) {
	if !r.env.Live() {
		return "an image has nothing mounted"
	}
	own, err := r.info("/proc/self/mountinfo")
	if err != nil {
		return text.Clean(err.Error(), text.Limit)
	}
	r.own = own.Index().Placed(r.root.Places())
	first, err := r.info("/proc/1/mountinfo")
	if err != nil || len(first) == 0 { // process 1 cannot be seen (hidepid)
		first = own
	}
	r.order, r.table = first, first.Index()
	r.hide()
	return ""
}

// hide says where this process sees something else than the host.
func (r *reader) hide() {
	r.hidden = mounts.Hidden(r.own, r.table)
	for _, name := range inventory.Temporary() {
		if !slices.ContainsFunc(r.hidden, func(dir string) bool { return name != dir && mounts.Below(name, dir) }) {
			continue
		}
		if r.own.Differs(r.table, name) {
			r.hidden = append(r.hidden, name)
		} else {
			r.shared = append(r.shared, name)
		}
	}
}

func (r *reader) info(name string) (mounts.Table, error) {
	b, err := r.root.ReadFile(name, maxText)
	if err != nil {
		return nil, err
	}
	return mounts.ParseInfo(b)
}

// readTab reads fstab. A host without one mounts what its units say.
func (r *reader) readTab() {
	const name = "/etc/fstab"
	r.f.Meta.Depend(name)
	b, err := r.root.ReadFile(name, 0)
	t := &r.f.Table
	t.Entries = []Entry{}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.tabErr = err
		t.Reason = text.Clean(err.Error(), text.Limit)
		return
	}
	t.Known = true
	r.tab = mounts.ParseTab(b)
	seen := map[string]bool{}
	for i := range r.tab {
		e := &r.tab[i]
		if len(t.Entries) == maxList {
			t.Known, t.Reason = false, fmt.Sprintf("%s has more than %d entries", name, maxList)
			return
		}
		t.Entries = append(t.Entries, r.entry(e, name, seen))
	}
}

// entry describes a line of fstab.
func (r *reader) entry(e *mounts.Entry, file string, seen map[string]bool) Entry {
	out := Entry{Source: clean(hush.Source(e.Source)), Path: clean(e.Path), Type: clean(redact.Text(e.Type)), Network: mounts.Kind(e.Type) == mounts.Network,
		Now: flags(e.Flags), Auto: !e.Flags.NoAuto, Problem: clean(e.Problem), File: file, Line: e.Line}
	out.Secret, out.Raw = hush.Entry(e)
	if out.Problem == "" && !e.Swap() && e.Path != "none" && !e.Flags.NoAuto {
		if seen[e.Path] {
			out.Problem = e.Path + " is in it twice"
		}
		seen[e.Path] = true
	}
	_, mounted := r.table[e.Path]
	out.Mounted = mounted || r.table == nil
	return out
}

func flags(f mounts.Flags) Flags { return Flags{Nodev: f.Nodev, Nosuid: f.Nosuid, Noexec: f.Noexec} }

func clean(s string) string { return text.Clean(s, maxName) }
