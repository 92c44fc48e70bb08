package mounts

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// MaxMounts bounds a table. A host with a thousand containers has some ten
// thousand mounts.
const MaxMounts = 50_000

// Mount is a mounted file system, or a part of one.
type Mount struct {
	Device  string // "254:1"
	Root    string // directory of the file system that is shown
	Path    string // where
	Options Flags  // of the mount, not of the file system
	Type    string // "ext4"
	Source  string // "/dev/vda1"
	// SuperReadOnly says that the file system is read-only, wherever it is mounted.
	SuperReadOnly bool
}

// Table is what is mounted, in the kernel's order.
type Table []Mount

// ParseInfo reads the text of a mountinfo file. A line that the kernel would not
// have written, and one more than [MaxMounts], is an error.
func ParseInfo(text []byte) (Table, error) {
	var t Table
	for line := range bytes.Lines(text) {
		m, ok := parseMount(strings.TrimSuffix(string(line), "\n"))
		switch {
		case !ok:
			return nil, fmt.Errorf("mountinfo line %d: %.80q", len(t)+1, line)
		case len(t) == MaxMounts:
			return nil, fmt.Errorf("more than %d mounts", MaxMounts)
		}
		t = append(t, m)
	}
	return t, nil
}

func parseMount(line string) (m Mount, ok bool) {
	// A tag such as "master:1" is never "-", and no earlier field can hold " - ".
	left, right, ok := strings.Cut(line, " - ")
	before, after := strings.Split(left, " "), strings.Split(right, " ")
	if !ok || len(before) < 6 || len(after) < 3 {
		return m, false
	}
	m = Mount{Device: before[2], Root: unescape(before[3]), Path: unescape(before[4]), Options: ParseOptions(before[5]),
		Type: after[0], Source: unescape(after[1]), SuperReadOnly: ParseOptions(after[2]).ReadOnly}
	return m, strings.HasPrefix(m.Path, "/")
}

// unescape undoes \ooo, as the kernel and libmount write blanks, tabs, newlines,
// backslashes and "#".
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1:i+4]) {
			out.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func octal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}

// Index finds mounts by the path that they lie on, the topmost where there are
// several.
type Index map[string]Mount

// Index makes the index of a table.
func (t Table) Index() Index {
	x := make(Index, len(t))
	for _, m := range t {
		x[m.Path] = m
	}
	return x
}

// Over returns the mount that name, a clean absolute path, lies in.
func (x Index) Over(name string) (Mount, bool) {
	for ; ; name = path.Dir(name) {
		if m, ok := x[name]; ok {
			return m, true
		}
		if name == "/" || name == "." {
			return Mount{}, false
		}
	}
}

// shown says which directory of which file system one sees at name, through the
// mount that is found for from.
func (x Index) shown(name, from string) string {
	m, ok := x.Over(from)
	if !ok {
		return ""
	}
	return m.Device + " " + path.Join(m.Root, strings.TrimPrefix(name, m.Path))
}

// Same reports whether m shows at its place what would be there without it: a bind
// mount of a directory onto itself, as sandboxes make them.
func (x Index) Same(m Mount) bool {
	return m.Path != "/" && x.shown(m.Path, path.Dir(m.Path)) == x.shown(m.Path, m.Path)
}

// Placed returns the mounts of a process that finds directories at other places, by the
// directories' own names. What is mounted over these names it does not look at. A place
// where nothing is mounted shows nothing.
func (x Index) Placed(places map[string]string) Index {
	shown := map[string]string{}
	for name, at := range places {
		if _, ok := x[at]; ok {
			shown[name] = at
		}
	}
	if len(shown) == 0 {
		return x
	}
	moved := make(Index, len(x))
	for at, m := range x {
		passed := false
		for name, place := range shown {
			passed = passed || Below(at, name) || Below(at, place)
		}
		if !passed {
			moved[at] = m
		}
	}
	for name, place := range shown {
		for at, m := range x {
			if Below(at, place) {
				m.Path = name + strings.TrimPrefix(at, place)
				moved[m.Path] = m
			}
		}
	}
	return moved
}

// Below reports whether name is dir or lies in it.
func Below(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir) && name[len(dir)] == '/'
}

// Differs reports whether a process with the mounts x sees something else at name, a
// clean absolute path, than one with the mounts host.
func (x Index) Differs(host Index, name string) bool {
	return x.shown(name, name) != host.shown(name, name)
}

// Hidden lists the directories where a process with the mounts own sees something
// else than one with the mounts host, sorted; those inside a listed one are left
// out, as are pseudo file systems.
func Hidden(own, host Index) []string {
	differ := map[string]bool{}
	for _, x := range []Index{own, host} {
		for name, m := range x {
			if own.Differs(host, name) && Kind(m.Type) != Pseudo {
				differ[name] = true
			}
		}
	}
	all := slices.Sorted(maps.Keys(differ))
	return slices.DeleteFunc(all, func(name string) bool {
		for name != "/" {
			if name = path.Dir(name); differ[name] {
				return true
			}
		}
		return false
	})
}

// The kinds of file systems.
const (
	Disk    = "disk"    // on a device, with owners and modes of its own
	Memory  = "memory"  // tmpfs and its like
	Network = "network" // of another host, or of a program
	Image   = "image"   // read-only by its nature, as a snap or an ISO
	Foreign = "foreign" // without owners and modes of its own, as FAT
	Overlay = "overlay" // layers, mostly of a container
	Pseudo  = "pseudo"  // holds no files of the host
)

// Kind says of what kind a type of file system is, "ext4" for one. What is not
// known counts as pseudo, file systems in user space count as network.
func Kind(fstype string) string {
	switch fstype {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "reiserfs", "nilfs2", "bcachefs", "ocfs2", "gfs2":
		return Disk
	case "tmpfs", "ramfs", "devtmpfs":
		return Memory
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "lustre", "virtiofs", "davfs", "glusterfs", "ncpfs":
		return Network
	case "squashfs", "iso9660", "erofs", "udf", "cramfs", "romfs":
		return Image
	case "vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfs", "hfsplus":
		return Foreign
	case "overlay", "overlayfs", "aufs":
		return Overlay
	}
	if strings.HasPrefix(fstype, "fuse.") && !strings.HasPrefix(fstype, "fuse.lxcfs") {
		return Network
	}
	return Pseudo
}
