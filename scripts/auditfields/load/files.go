//go:build linux && (amd64 || 386)

package main

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// closed closes what a call returned, if it returned a descriptor.
func closed(fd int, err error) {
	if err == nil {
		_ = unix.Close(fd)
	}
}

func (l *load) open() {
	flags := []int{0, unix.O_WRONLY, unix.O_RDWR, unix.O_CREAT | unix.O_RDWR, unix.O_CREAT | unix.O_TRUNC | unix.O_WRONLY,
		unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY, unix.O_TMPFILE | unix.O_RDWR, unix.O_DIRECTORY, unix.O_PATH}[l.IntN(9)]
	switch l.IntN(5) {
	case 0:
		closed(unix.Openat2(l.at(), l.name(), &unix.OpenHow{Flags: uint64(flags), Resolve: uint64(l.IntN(32))}))
	case 1:
		closed(unix.Creat(l.name(), 0o640))
	case 2:
		closed(unix.Open(l.name(), flags|unix.O_NONBLOCK, 0o600))
	default:
		closed(unix.Openat(l.at(), l.name(), flags|unix.O_NONBLOCK, uint32(l.IntN(0o1000))))
	}
}

// The results of calls do not matter here and below: failures are recorded too.

func (l *load) rename() {
	switch l.IntN(3) {
	case 0:
		_ = unix.Rename(l.name(), l.name())
	case 1:
		_ = unix.Renameat(l.at(), l.name(), l.at(), l.name())
	default:
		_ = unix.Renameat2(l.at(), l.name(), l.at(), l.name(), uint(l.IntN(4)))
	}
}

func (l *load) link() {
	switch l.IntN(6) {
	case 0:
		_ = unix.Link(l.name(), l.name())
	case 1:
		_ = unix.Linkat(l.at(), l.name(), l.at(), l.name(), 0)
	case 2:
		_ = unix.Symlink(l.name(), l.name())
	case 3:
		_ = unix.Symlinkat(l.name(), l.at(), l.name())
	case 4:
		_ = unix.Mkdirat(l.at(), l.name(), 0o755)
	default:
		_ = unix.Mknodat(l.at(), l.name(), []uint32{unix.S_IFREG, unix.S_IFCHR, unix.S_IFSOCK}[l.IntN(3)]|0o600, 0x103)
	}
}

func (l *load) remove() {
	name := l.name()
	switch l.IntN(3) {
	case 0:
		_ = unix.Unlink(name)
	case 1:
		_ = unix.Unlinkat(l.at(), name, []int{0, unix.AT_REMOVEDIR}[l.IntN(2)])
	default:
		_ = unix.Rmdir(name)
	}
}

func (l *load) attributes() {
	name := l.name()
	switch l.IntN(7) {
	case 0:
		_ = unix.Chmod(name, uint32(l.IntN(0o10000)))
	case 1:
		_ = unix.Fchmodat(l.at(), name, uint32(l.IntN(0o10000)), 0)
	case 2:
		_ = unix.Lchown(name, l.IntN(100), l.IntN(100))
	case 3:
		_ = unix.Fchownat(l.at(), name, l.IntN(5)-1, l.IntN(5)-1, unix.AT_SYMLINK_NOFOLLOW)
	case 4:
		_ = unix.Setxattr(name, "user."+odd[l.IntN(len(odd))], []byte(l.name()), 0)
	case 5:
		_ = unix.Removexattr(name, "user."+odd[l.IntN(len(odd))])
	default:
		_ = unix.Truncate(name, int64(l.IntN(1<<12)))
	}
}

func (l *load) mount() {
	target := "mnt"
	_ = os.Mkdir(target, 0o755)
	switch l.IntN(3) {
	case 0:
		if unix.Mount(odd[l.IntN(len(odd))], target, "tmpfs", uintptr(l.IntN(16)), "size=64k") == nil {
			_ = unix.Unmount(target, unix.MNT_DETACH)
		}
	case 1:
		_ = unix.Mount(l.name(), l.name(), "nosuchfs", 0, "")
	default:
		_ = unix.Unmount(l.name(), unix.MNT_DETACH)
	}
}

// argument is one of a command line.
func (l *load) argument() string {
	switch l.IntN(12) {
	case 0:
		return ""
	case 1:
		return strings.Repeat(odd[l.IntN(len(odd))], 1+l.IntN(2000))
	case 2:
		return strings.Repeat("x", 7000+l.IntN(2000))
	case 3:
		b := make([]byte, l.IntN(30_000))
		for i := range b {
			b[i] = byte(1 + l.IntN(255))
		}
		return string(b)
	}
	return strings.ReplaceAll(odd[l.IntN(len(odd))], "\x00", "")
}

func (l *load) execute() {
	argv := make([]string, 1+l.IntN(8))
	if l.IntN(20) == 0 {
		argv = make([]string, 1+l.IntN(3000))
	}
	for i := range argv {
		argv[i] = odd[l.IntN(len(odd))]
		if len(argv) < 10 {
			argv[i] = l.argument()
		}
	}
	program := "/bin/true"
	if l.IntN(10) == 0 {
		program = l.name()
	}
	if pid, err := syscall.ForkExec(program, argv, &syscall.ProcAttr{Dir: "/"}); err == nil {
		var status unix.WaitStatus
		_, _ = unix.Wait4(pid, &status, 0, nil)
	}
}
