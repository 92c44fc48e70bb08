package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/mounts"
	"seawall/pkg/names"
	"seawall/pkg/text"
)

const (
	keep = 24 * time.Hour // how long a walk stands
	// settle is how long it stands even though packages or accounts changed: an
	// upgrade changes them hundreds of times, and a walk is no small thing.
	settle = 10 * time.Minute
	// rest is how long a daemon is up before it walks: a host that has just booted, and
	// a program that was just installed, have better to do.
	rest = 2 * time.Minute
	// walkLimit ends a walk beside the readings.
	walkLimit = 30 * time.Minute
)

// Reader walks, and keeps the last walk. Its methods are not for several goroutines
// at once.
type Reader struct {
	last Disk
	at   time.Time
	key  string

	first  time.Time   // reading of a daemon's
	beside chan walked // has the result of a walk beside the readings; nil without one
}

// walked is the result of a walk, and what it depended on.
type walked struct {
	disk Disk
	key  string
}

// Surroundings is what a walk has to know of the host.
type Surroundings struct {
	Names  *names.Names
	Mounts mounts.Index // of this process, nil for an image
	Hidden []string     // directories that this process sees otherwise than the host
	Shared []string     // those inside of them that it does see as they are
}

// Read returns what lies on the disks: by a new walk, or by the last one and a
// second look at what that had found. To a daemon (env.Again) it returns at once: the
// walk goes on beside it, and until the first has ended the disks are not known.
func (r *Reader) Read(ctx context.Context, env fact.Env, around Surroundings) Disk {
	s := &scan{env: env, names: around.Names, mounts: around.Mounts, hidden: map[string]bool{}, visible: around.Shared, subids: readSubids(env)}
	for _, dir := range around.Hidden {
		s.hidden[dir] = true
	}
	key := s.key(around)
	r.collect(env.Now())
	age := env.Now().Sub(r.at)
	fresh := r.last.Known && age >= 0 && (age < settle || key == r.key && age < keep)
	switch {
	case !fresh && env.Again:
		r.start(ctx, s, around, key)
		if !r.last.Known && r.last.Reason != "" {
			return r.last
		}
		if !r.last.Known {
			return Disk{Reason: "the disks have not been walked yet: that begins two minutes after the start", Hidden: []string{}, Items: []Item{}}
		}
	case !fresh:
		d := s.walk(ctx, around)
		if d.Known {
			r.last, r.at, r.key = d, env.Now(), key
		}
		return d
	}
	r.last.Items = s.again(r.last.Items)
	return r.last
}

// start begins a walk beside the readings, unless one is under way or it is too
// early. It ends by itself, with the process at the latest.
func (r *Reader) start(ctx context.Context, s *scan, around Surroundings, key string) {
	now := s.env.Now()
	if r.first.IsZero() {
		r.first = now
	}
	if r.beside != nil || now.Sub(r.first) < rest {
		return
	}
	done := make(chan walked, 1)
	r.beside = done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), walkLimit)
	go func() {
		defer cancel()
		done <- walked{s.walk(ctx, around), key}
	}()
}

// collect takes the result of a walk that has ended.
func (r *Reader) collect(now time.Time) {
	select {
	case w := <-r.beside:
		r.beside = nil
		if w.disk.Known || !r.last.Known {
			r.last, r.at, r.key = w.disk, now, w.key
		}
	default:
	}
}

// walk walks the disks once.
func (s *scan) walk(ctx context.Context, around Surroundings) Disk {
	d := Disk{Hidden: around.Hidden, At: s.env.Now().UTC().Format(time.RFC3339), More: map[string]int{}, Items: []Item{}}
	if d.Hidden == nil {
		d.Hidden = []string{}
	}
	if err := s.run(ctx); err != nil {
		d.Reason = text.Clean(err.Error(), text.Limit)
		return d
	}
	d.Known, d.Entries, d.Cut, d.Complete = true, s.result.Entries, s.result.Cut, s.result.Cut == ""
	packages := s.packages()
	for _, kind := range slices.Concat(kindList(), []string{KindCapable}) {
		d.list(kind, s.items[kind], s.more[kind], packages)
	}
	return d
}

func kindList() []string { k := kindNames(); return k[:] }

// list adds what was found of one kind, the worst first.
func (d *Disk) list(kind string, items []Item, more int, packages *packages) {
	if kind == KindSetuid || kind == KindCapable {
		for i := range items {
			packages.judge(&items[i])
		}
	}
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(worth(a), worth(b)), cmp.Compare(a.Path, b.Path))
	})
	for len(items) > MaxListed {
		last := len(items) - 1
		if !items[last].Expected {
			more++
		}
		items = items[:last]
	}
	for i := range items {
		items[i].Path = text.Clean(items[i].Path, maxName)
	}
	d.Items = append(d.Items, items...)
	if more > 0 {
		d.More[kind] = more
	}
}

// worth orders items: what is not as it should be before the rest.
func worth(it Item) int {
	if it.Expected {
		return 1
	}
	return 0
}

// again looks a second time at what was found, and drops what is no longer so.
func (s *scan) again(items []Item) []Item {
	kept := make([]Item, 0, len(items))
	for _, it := range items {
		fi, err := s.env.Root.Lstat(it.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			st, ok := stat(fi)
			if !ok || it.Kind != KindCapable && !s.still(it, &st) {
				continue
			}
			s.describe(&it, &st)
		}
		kept = append(kept, it)
	}
	return kept
}

// still reports whether an entry is yet what it was listed as.
func (s *scan) still(it Item, st *unix.Stat_t) bool {
	k := slices.Index(kindList(), it.Kind)
	return k >= 0 && s.kinds(st, zoneOf(path.Dir(it.Path)), []byte(path.Base(it.Path)))&(1<<k) != 0
}

// key is what a walk depends on beside the files themselves: the packages, the
// accounts, the mounts.
func (s *scan) key(around Surroundings) string {
	var b strings.Builder
	for _, name := range slices.Concat(Files(), names.Files()) {
		if fi, err := s.env.Root.Stat(name); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", name, fi.ModTime().UnixNano(), fi.Size())
		}
	}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name, m := range around.Mounts {
			if k := mounts.Kind(m.Type); (k == mounts.Disk || k == mounts.Memory) && !elsewhere(name) && !yield(name) {
				return
			}
		}
	}) {
		b.WriteString(name)
		b.WriteByte('\n')
	}
	return b.String()
}

// Files returns the files that say that a walk is out of date.
func Files() []string {
	return []string{"/var/lib/dpkg/status", "/var/lib/dpkg/statoverride", "/var/lib/rpm/rpmdb.sqlite",
		"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages", "/etc/subuid", "/etc/subgid"}
}

// subid is a range of numbers that was given to a user's containers.
type subid struct{ first, count uint32 }

// readSubids reads /etc/subuid and /etc/subgid: "user:first:count".
func readSubids(env fact.Env) []subid {
	const maxRanges = 1000 // who has more may have files that are said to be nobody's
	var all []subid
	for _, name := range []string{"/etc/subuid", "/etc/subgid"} {
		b, err := env.Root.ReadFile(name, 0)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Split(strings.TrimSpace(line), ":")
			if len(f) != 3 || len(all) == maxRanges {
				continue
			}
			first, err := strconv.ParseUint(f[1], 10, 32)
			count, err2 := strconv.ParseUint(f[2], 10, 32)
			if err == nil && err2 == nil && first >= firstPerson {
				all = append(all, subid{uint32(first), uint32(count)})
			}
		}
	}
	return all
}
