package inventory

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/mounts"
	"seawall/pkg/names"
	"seawall/pkg/text"
	"seawall/pkg/walk"
)

// maxKept bounds what is kept of one kind while the walk goes on: the worst of it
// is listed, the rest counted.
const maxKept = 2000

// maxName bounds a path that is shown, in bytes.
const maxName = 512

// elsewhere are directories whose files belong to a container, a virtual machine or
// another host, under rules of their own.
func elsewhere(name string) bool {
	switch name {
	case "/proc", "/sys", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers/storage", "/var/lib/machines",
		"/var/lib/lxd", "/var/lib/lxc", "/var/lib/incus", "/var/snap/lxd", "/var/lib/kubelet/pods", "/var/lib/rancher", "/snap",
		"/var/lib/flatpak/repo", "/run/containerd", "/run/docker", "/run/user", "/sysroot", "/ostree":
		return true
	}
	return strings.HasSuffix(name, "/.local/share/containers/storage")
}

// scan is one walk.
type scan struct {
	env     fact.Env
	names   *names.Names
	subids  []subid
	mounts  mounts.Index // of this process; nil for an image
	hidden  map[string]bool
	visible []string // Surroundings.Shared

	dir     string // whose zone is known
	zone    zone
	veiled  bool // it is not the host's
	items   map[string][]Item
	more    map[string]int
	orphans map[string]bool // directories without an owner
	result  walk.Result
}

// run walks. The error is of the root alone.
func (s *scan) run(ctx context.Context) error {
	s.items, s.more, s.orphans = map[string][]Item{}, map[string]int{}, map[string]bool{}
	s.dir, s.zone = "/", zoneOf("/")
	var err error
	s.result, err = walk.Walk(ctx, walk.Config{Top: s.env.Root.Path("/"), Places: s.env.Root.Places(), Enter: s.enter, Visit: s.visit,
		MaxEntries: MaxEntries, MaxTime: MaxTime})
	if err == nil && s.result.Denied > 0 && s.result.Cut == "" {
		s.result.Cut = fmt.Sprintf("%d directories could not be read", s.result.Denied)
	}
	return err
}

// magics are the file systems of an image that are walked: those on disks.
func magic(crossed int64) bool {
	switch crossed {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC,
		unix.OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */, 0xca451a4e /* bcachefs */, unix.REISERFS_SUPER_MAGIC:
		return true
	}
	return false
}

// enter says whether the walk goes into a directory. Of what is mounted those that
// keep owners and modes of their own are walked, each once: a directory of a file
// system that is mounted a second time is seen at its first place.
func (s *scan) enter(name string, crossed int64) bool {
	if elsewhere(name) || s.hidden[name] && !slices.ContainsFunc(s.visible, func(dir string) bool { return mounts.Below(dir, name) }) {
		return false
	}
	if s.mounts == nil {
		return crossed == 0 || magic(crossed)
	}
	m, ok := s.mounts[name]
	if !ok {
		// A btrfs subvolume has a device of its own and is no mount. Anything else was
		// mounted since the table was read.
		return crossed == 0 || crossed == unix.BTRFS_SUPER_MAGIC
	}
	if s.mounts.Same(m) {
		return true
	}
	switch mounts.Kind(m.Type) {
	case mounts.Disk, mounts.Memory:
		return m.Root == "/" || !s.shownElsewhere(m)
	}
	return false
}

// shownElsewhere reports whether the directory that m shows is in the walk by
// another mount of the same file system.
func (s *scan) shownElsewhere(m mounts.Mount) bool {
	for _, o := range s.mounts {
		if o.Device == m.Device && o.Path != m.Path && mounts.Below(m.Root, o.Root) && (o.Root != m.Root || o.Path < m.Path) {
			return true
		}
	}
	return false
}

// visit is told of every directory, regular file and device.
func (s *scan) visit(e *walk.Entry) {
	if e.Dir != s.dir {
		s.dir, s.zone, s.veiled = e.Dir, zoneOf(e.Dir), s.otherwise(e.Dir)
	}
	if s.veiled {
		return
	}
	st := &e.Stat
	kinds := s.kinds(st, s.zone, e.Name)
	if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0 && st.Size > 0 {
		s.capable(e)
	}
	if kinds == 0 {
		return
	}
	name := e.Path()
	for k := range kindCount {
		if kinds&(1<<k) != 0 && (k != bitUnowned || !s.covered(name, st)) {
			s.add(Item{Kind: kindNames()[k], Path: name}, st)
		}
	}
}

// otherwise reports whether this process sees another directory dir than the host.
func (s *scan) otherwise(dir string) bool {
	if slices.ContainsFunc(s.visible, func(top string) bool { return mounts.Below(dir, top) }) {
		return false
	}
	for top := range s.hidden {
		if mounts.Below(dir, top) {
			return true
		}
	}
	return false
}

// covered reports whether a file without an owner lies in a directory without one,
// which is listed for both.
func (s *scan) covered(name string, st *unix.Stat_t) bool {
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		s.orphans[name] = true
	}
	return s.orphans[path.Dir(name)]
}

func (s *scan) add(it Item, st *unix.Stat_t) {
	if len(s.items[it.Kind]) == maxKept {
		s.more[it.Kind]++
		return
	}
	s.describe(&it, st)
	s.items[it.Kind] = append(s.items[it.Kind], it)
}

// describe fills in what a stat says.
func (s *scan) describe(it *Item, st *unix.Stat_t) {
	it.Mode, it.UID, it.GID, it.Links = int(st.Mode&0o7777), int(st.Uid), int(st.Gid), int(st.Nlink)
	it.Text = text.Clean(fmt.Sprintf("%04o %s", it.Mode, s.names.Label(it.UID, it.GID)), maxName)
}

// capable lists a program with capabilities.
func (s *scan) capable(e *walk.Entry) {
	var buf [64]byte
	name := e.Path()
	n, err := unix.Lgetxattr(s.env.Root.Path(name), "security.capability", buf[:])
	if err != nil || n <= 0 {
		return
	}
	words, root, ok := parseCaps(buf[:n])
	if !ok {
		words, root = "not understood", true
	}
	s.add(Item{Kind: KindCapable, Path: name, Capabilities: words, Root: root}, &e.Stat)
}
