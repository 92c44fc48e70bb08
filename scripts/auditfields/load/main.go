//go:build linux && (amd64 || 386)

// Load makes system calls of many kinds with odd arguments, to be recorded by kernel
// audit: files opened, renamed, linked and removed, modes and owners, programs executed,
// addresses of every family, users set, signals, traces, mounts, io_uring, modules,
// messages queues, capabilities, and records that a program sends itself.
//
//	load COUNT SEED DIR
//
// It leaves the machine alone: DIR, an empty folder, becomes its root, in namespaces of
// its own. It prints nothing and ends with 0 when all were made; that a call fails is no error,
// for failures are to be recorded too. Built for 386 it makes those of 32-bit programs.
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: load COUNT SEED DIR")
		os.Exit(2)
	}
	count, err1 := strconv.Atoi(os.Args[1])
	seed, err2 := strconv.ParseUint(os.Args[2], 10, 64)
	if err1 != nil || err2 != nil {
		fmt.Fprintln(os.Stderr, "load: no number", os.Args[1:3])
		os.Exit(2)
	}
	debug.SetGCPercent(-1) // what calls point to must stay
	runtime.LockOSThread() // namespaces and credentials are of this thread
	if err := confine(os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	l := newLoad(seed)
	for range count {
		l.one()
	}
}

// confine makes dir the root of this process, in namespaces of its own for mounts, host
// name, network and messages, so that nothing that it does is seen outside. /usr is there
// to read.
func confine(dir string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC); err != nil {
		return fmt.Errorf("leave namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("seawall", dir, "tmpfs", 0, "size=256m"); err != nil {
		return fmt.Errorf("mount root: %w", err)
	}
	for _, name := range []string{"usr", "etc", "dev", "mnt", "d"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return fmt.Errorf("make root: %w", err)
		}
	}
	for _, name := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("make root: %w", err)
		}
	}
	usr := filepath.Join(dir, "usr")
	if err := unix.Mount("/usr", usr, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount /usr: %w", err)
	}
	if err := unix.Mount("", usr, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount /usr to be read: %w", err)
	}
	for _, name := range []string{"etc/passwd", "etc/shadow", "etc/hostname", "dev/null"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("nothing\n"), 0o644); err != nil {
			return fmt.Errorf("make root: %w", err)
		}
	}
	if err := unix.Chroot(dir); err != nil {
		return fmt.Errorf("change root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("change root: %w", err)
	}
	return nil
}

// load makes calls, chosen at random.
type load struct {
	*rand.Rand
	kinds []func()
	ring  *ring
	audit int // a netlink socket to send records by, or -1
	dir   int // a descriptor of the directory
}

func newLoad(seed uint64) *load {
	l := &load{Rand: rand.New(rand.NewPCG(seed, 1)), audit: -1}
	if fd, err := unix.Open(".", unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
		l.dir = fd
	}
	if fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT); err == nil {
		l.audit = fd
	}
	l.ring = newRing()
	for _, k := range []struct {
		weight int
		do     func()
	}{
		{25, l.open}, {10, l.rename}, {8, l.link}, {8, l.remove}, {10, l.attributes},
		{20, l.connect}, {3, l.descriptors}, {4, l.user}, {4, l.signal}, {1, l.trace},
		{2, l.mount}, {3, l.uring}, {2, l.module}, {2, l.queue}, {2, l.capabilities},
		{6, l.tell}, {1, l.bpf}, {3, l.others}, {1, l.execute},
	} {
		for range k.weight {
			l.kinds = append(l.kinds, k.do)
		}
	}
	return l
}

func (l *load) one() { l.kinds[l.IntN(len(l.kinds))]() }

// odd are the texts that readers of records get wrong.
var odd = []string{
	"plain", "two words", " leading", "trailing ", "new\nline", "tab\there", "\xff\xfe\x80", "quote\"d", "it's", "back\\slash",
	"(null)", "(none)", "?", "6162", "DEADBEEF", "0", "a=b", "name=\"/etc/shadow\"", "x msg='y'", "\x1dUID=\"root\"", "uid=0",
	"key=(null)", "äöü€", "\u202eabc", "\x1b[31mred", "\x7f", "\r", "%s%n", "{ x }", "a,b", "--", "*", "$(id)", "type=EOE", "----", "\x01",
}

// name is a file name.
func (l *load) name() string {
	switch l.IntN(12) {
	case 0, 1, 2, 3:
		return "f" + strconv.Itoa(l.IntN(40))
	case 4:
		return strings.Repeat(odd[l.IntN(len(odd))], 1+l.IntN(5))
	case 5:
		b := make([]byte, 1+l.IntN(255))
		for i := range b {
			b[i] = byte(1 + l.IntN(255))
			if b[i] == '/' {
				b[i] = '_'
			}
		}
		return string(b)
	case 6:
		return "/" + strings.Repeat("no such/", l.IntN(500)) + "x"
	case 7:
		return strings.Repeat("./", l.IntN(4)) + "d/../" + odd[l.IntN(len(odd))]
	case 8:
		return ""
	case 9:
		return "/etc/" + []string{"passwd", "shadow", "hostname", "nosuch"}[l.IntN(4)]
	case 10:
		return "/dev/null"
	}
	return odd[l.IntN(len(odd))]
}

// at is a directory: the working one, a descriptor of it, or none.
func (l *load) at() int {
	return []int{unix.AT_FDCWD, unix.AT_FDCWD, l.dir, 9999}[l.IntN(4)]
}
