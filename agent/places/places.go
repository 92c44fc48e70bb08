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
// A name is held against the file before it is told. The walk is done beside the reader of
// events, and again where the name of a file was needed and not known, once a minute at the
// most: a directory that is made and used within that time is not known. Nor is one of a
// file system that numbers its devices anew for programs (btrfs).
package places

import (
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// Bounds of a walk.
const (
	most  = 20_000
	again = time.Minute
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

// Places may be used by several goroutines.
type Places struct {
	root   hostfs.Root
	names  atomic.Pointer[map[inode]string]
	wanted atomic.Bool // a walk
	walks  sync.WaitGroup

	mu     sync.Mutex
	busy   bool
	walked time.Time
}

type inode struct {
	major, minor uint32
	number       uint64
}

// New returns the places of a host. Nothing is known before the first Tick.
func New(root hostfs.Root) *Places {
	p := &Places{root: root}
	p.names.Store(&map[inode]string{})
	p.wanted.Store(true)
	return p
}

// Name returns the name of a file that is known, or "". Where it was needed and is not
// known, the next Tick sees to it. It waits for nothing but the file's own metadata.
func (p *Places) Name(dev [2]uint32, number uint64, needed bool) string {
	if number == 0 {
		return ""
	}
	if name := p.held(inode{dev[0], dev[1], number}); name != "" {
		return name
	}
	if needed && !p.wanted.Load() {
		p.wanted.Store(true)
	}
	return ""
}

// Tick says how late it is, and begins a walk if one is due.
func (p *Places) Tick(now time.Time) {
	if !p.wanted.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy || !p.walked.IsZero() && now.Sub(p.walked) < again {
		return
	}
	p.busy, p.walked = true, now
	p.wanted.Store(false)
	p.walks.Go(func() {
		names := p.all()
		p.names.Store(&names)
		p.mu.Lock()
		p.busy = false
		p.mu.Unlock()
	})
}

// Close waits for a walk that is on its way.
func (p *Places) Close() { p.walks.Wait() }

// all walks.
func (p *Places) all() map[inode]string {
	names := map[inode]string{}
	for _, t := range tops() {
		if fi, err := p.root.Lstat(t.name); err == nil && fi.IsDir() {
			if i, ok := of(fi); ok {
				p.walk(names, t.name, i, t.files, t.deep)
			}
		}
	}
	return names
}

// held returns a name that still is that of the file.
func (p *Places) held(i inode) string {
	name, ok := (*p.names.Load())[i]
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

func (p *Places) walk(names map[inode]string, name string, i inode, files bool, left int) {
	if len(names) >= most {
		return
	}
	names[i] = name
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
			p.walk(names, below, j, files, left-1)
		case files && fi.Mode().IsRegular() && len(names) < most:
			names[j] = below
		}
	}
}

func of(fi fs.FileInfo) (inode, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}, false
	}
	dev := st.Dev
	return inode{unix.Major(dev), unix.Minor(dev), st.Ino}, true
}
