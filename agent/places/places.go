// Package places knows files by their inode.
//
// Kernel audit says what a process called a file, and of one that was opened relative to
// a descriptor of its directory only the last of its names: "cp x /etc/" opens "x".
// Through a link to a directory, or /proc/self/root, the name is another than that of the
// file. But each record has the inode of the file, and one of its directory.
//
// Walked are directories that rules are about, each to some depth, and the files of those
// that are small. Homes but root's are left out,
// for they may be of another host that does not answer. Other file systems are not entered.
// A name is held against the file before it is told, and the walk is done again where a
// file is not known, at most every few seconds: a directory that is made and used within
// that time is not known, and a file by its number alone is not told where file systems
// number their devices anew for programs (btrfs).
package places

import (
	"io/fs"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// Bounds of a walk.
const (
	most  = 20_000
	again = 2 * time.Second
)

// top is a directory that is walked.
type top struct {
	name  string
	deep  int  // 1: it alone
	files bool // are known too
}

func tops() []top {
	return []top{
		{"/etc", 6, true}, {"/root", 4, false}, {"/root/.ssh", 1, true}, {"/var/spool/cron", 2, true}, {"/var/log", 3, false},
		{"/usr/bin", 1, false}, {"/usr/sbin", 1, false}, {"/usr/lib/systemd", 3, false},
		{"/usr/lib/x86_64-linux-gnu/security", 1, true}, {"/usr/lib/aarch64-linux-gnu/security", 1, true}, {"/usr/lib64/security", 1, true},
	}
}

// Places belongs to one goroutine.
type Places struct {
	root   hostfs.Root
	now    func() time.Time
	walked time.Time
	names  map[inode]string
}

type inode struct {
	major, minor uint32
	number       uint64
}

// New returns the places of a host. Nothing is read before the first is asked for.
func New(root hostfs.Root) *Places { return &Places{root: root, now: time.Now} }

// Name returns the name of a file that is known, or "".
func (p *Places) Name(dev [2]uint32, number uint64) string {
	if number == 0 {
		return ""
	}
	i := inode{dev[0], dev[1], number}
	if name := p.held(i); name != "" {
		return name
	}
	now := p.now()
	if !p.walked.IsZero() && now.Sub(p.walked) < again {
		return ""
	}
	p.walked, p.names = now, map[inode]string{}
	for _, t := range tops() {
		if fi, err := p.root.Lstat(t.name); err == nil && fi.IsDir() {
			if i, ok := of(fi); ok {
				p.walk(t.name, i, t.files, t.deep)
			}
		}
	}
	return p.held(i)
}

// held returns a name that still is that of the file.
func (p *Places) held(i inode) string {
	name, ok := p.names[i]
	if !ok {
		return ""
	}
	fi, err := p.root.Lstat(name)
	if err != nil {
		return ""
	}
	if is, ok := of(fi); !ok || is != i {
		return ""
	}
	return name
}

func (p *Places) walk(name string, i inode, files bool, left int) {
	if len(p.names) >= most {
		return
	}
	p.names[i] = name
	if left == 1 && !files {
		return
	}
	inside, err := p.root.ReadDir(name)
	if err != nil {
		return
	}
	for _, n := range inside {
		below := path.Join(name, n)
		fi, err := p.root.Lstat(below)
		if err != nil {
			continue
		}
		j, ok := of(fi)
		switch {
		case !ok || j.major != i.major || j.minor != i.minor:
		case fi.IsDir() && left > 1:
			p.walk(below, j, files, left-1)
		case files && fi.Mode().IsRegular() && len(p.names) < most:
			p.names[j] = below
		}
	}
}

func of(fi fs.FileInfo) (inode, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}, false
	}
	dev := uint64(st.Dev)
	return inode{unix.Major(dev), unix.Minor(dev), st.Ino}, true
}
