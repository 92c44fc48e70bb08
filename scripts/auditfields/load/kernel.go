//go:build linux && (amd64 || 386)

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nobody is a process number beyond all that a kernel gives.
const nobody = 1 << 30

// raw makes a call and does not care for its result.
func raw(number uintptr, args ...uintptr) uintptr {
	var a [6]uintptr
	copy(a[:], args)
	r, _, _ := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	return r
}

func pointer(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func text(s string) uintptr { return pointer(append([]byte(s), 0)) }

// connect gives addresses of every family, whole, short and wrong, to calls that take one.
func (l *load) connect() {
	address := make([]byte, 0, 128)
	port := byte(1 + l.IntN(250))
	path := odd[l.IntN(len(odd))]
	switch l.IntN(13) {
	case 0, 1:
		address = append(address, unix.AF_INET, 0, 0, port, 127, 0, 0, byte(l.IntN(256)), 0, 0, 0, 0, 0, 0, 0, 0)
	case 2:
		address = append(address, unix.AF_INET6, 0, 0, port, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, byte(l.IntN(3)), 0, 0, 0)
	case 3:
		address = append(address, unix.AF_INET6, 0, 0, port, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1, 0, 0, 0, 0)
	case 4, 5:
		address = append(append(address, unix.AF_UNIX, 0), path...)
		address = append(address, make([]byte, l.IntN(20))...)
	case 6, 7:
		address = append(append(address, unix.AF_UNIX, 0, 0), path...)
	case 8:
		address = append(address, unix.AF_NETLINK, 0, 0, 0, byte(l.IntN(256)), 0, 0, 0, byte(l.IntN(2)), 0, 0, 0)
	case 9:
		address = append(address, unix.AF_VSOCK, 0, 0, 0, byte(l.IntN(256)), 4, 0, 0, byte(l.IntN(4)), 0, 0, 0, 0, 0, 0, 0)
	case 10:
		address = append(address, unix.AF_PACKET, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0, 6, 0, 1, 2, 3, 4, 5, 0, 0)
	case 11:
		address = append(address, byte(l.IntN(50)), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	default:
		address = append(address, 0, 0, 0, 0)
	}
	if l.IntN(8) == 0 {
		address = address[:l.IntN(len(address)+1)]
	}
	address = address[:min(len(address), 110)]
	family := unix.AF_UNIX // the address is recorded, whatever the socket's family is
	if len(address) > 0 && (address[0] == unix.AF_INET || address[0] == unix.AF_INET6 || address[0] == unix.AF_NETLINK) {
		family = int(address[0])
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	call(fd, l.IntN(3), address)
	_ = unix.Close(fd)
	runtime.KeepAlive(address)
}

func (l *load) descriptors() {
	var p [2]int
	if l.IntN(2) == 0 {
		if unix.Pipe2(p[:], unix.O_CLOEXEC) != nil {
			return
		}
	} else if fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		p = fds
	}
	_ = unix.Close(p[0])
	_ = unix.Close(p[1])
}

// user changes this thread's users and groups, and takes them back.
func (l *load) user() {
	keep := ^uintptr(0)
	id := uintptr(l.IntN(70_000))
	switch l.IntN(5) {
	case 0:
		raw(unix.SYS_SETRESUID, keep, id, keep)
		raw(unix.SYS_SETRESUID, keep, 0, keep)
	case 1:
		raw(unix.SYS_SETRESGID, keep, id, keep)
		raw(unix.SYS_SETRESGID, keep, 0, keep)
	case 2:
		raw(unix.SYS_SETFSUID, id)
		_, _ = unix.Openat(unix.AT_FDCWD, l.name(), unix.O_PATH|unix.O_CLOEXEC, 0)
		raw(unix.SYS_SETFSUID, 0)
	case 3:
		raw(unix.SYS_SETREUID, 0, 0)
	default:
		raw(unix.SYS_SETUID, 0)
	}
}

func (l *load) signal() {
	switch l.IntN(3) {
	case 0:
		raw(unix.SYS_KILL, uintptr(os.Getpid()), 0)
	case 1:
		raw(unix.SYS_KILL, uintptr(nobody), uintptr(l.IntN(70)))
	default:
		raw(unix.SYS_TGKILL, uintptr(os.Getpid()), uintptr(unix.Gettid()), 0)
	}
}

func (l *load) trace() {
	raw(unix.SYS_PTRACE, uintptr([]int{unix.PTRACE_ATTACH, unix.PTRACE_SEIZE, unix.PTRACE_PEEKDATA}[l.IntN(3)]), uintptr(nobody), 0, 0)
	raw(unix.SYS_PROCESS_VM_READV, uintptr(nobody), 0, 0, 0, 0, 0)
}

func (l *load) module() {
	name := odd[l.IntN(len(odd))]
	switch l.IntN(3) {
	case 0:
		raw(unix.SYS_DELETE_MODULE, text("no such "+name), unix.O_NONBLOCK)
	case 1:
		raw(unix.SYS_FINIT_MODULE, uintptr(l.dir), text(name), 0)
	default:
		raw(unix.SYS_INIT_MODULE, text("\x7fELF"), 4, text(name))
	}
}

func (l *load) queue() {
	name := fmt.Sprintf("seawall %d", l.IntN(3))
	fd := raw(unix.SYS_MQ_OPEN, text(name), unix.O_CREAT|unix.O_RDWR|unix.O_NONBLOCK, 0o600, 0)
	if int(fd) > 0 && int(fd) < 1<<16 {
		raw(unix.SYS_MQ_NOTIFY, fd, 0)
		raw(unix.SYS_MQ_TIMEDSEND, fd, text("x"), 1, 0, 0)
		raw(unix.SYS_MQ_GETSETATTR, fd, 0, 0)
		_ = unix.Close(int(fd))
	}
	raw(unix.SYS_MQ_UNLINK, text(name))
	if id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600); err == nil {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	}
}

func (l *load) capabilities() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		_ = unix.Capset(&header, &data[0])
	}
}

// bpf loads a program that returns 0.
func (l *load) bpf() {
	program := make([]byte, 16)
	program[0], program[8] = 0xb7, 0x95 // r0 = 0; exit
	license := append([]byte("GPL"), 0)
	attr := make([]byte, 128)
	binary.NativeEndian.PutUint32(attr, 1) // socket filter
	binary.NativeEndian.PutUint32(attr[4:], 2)
	binary.NativeEndian.PutUint64(attr[8:], uint64(pointer(program)))
	binary.NativeEndian.PutUint64(attr[16:], uint64(pointer(license)))
	if fd := raw(unix.SYS_BPF, unix.BPF_PROG_LOAD, pointer(attr), uintptr(len(attr))); int(fd) > 0 && int(fd) < 1<<16 {
		_ = unix.Close(int(fd))
	}
	runtime.KeepAlive(program)
	runtime.KeepAlive(license)
}

func (l *load) others() {
	switch l.IntN(6) {
	case 0:
		_ = unix.Sethostname([]byte(odd[l.IntN(len(odd))]))
	case 1:
		raw(unix.SYS_PERSONALITY, 0xffffffff)
	case 2:
		raw(unix.SYS_SETNS, uintptr(l.dir), 0)
	case 3:
		raw(unix.SYS_UNSHARE, 0)
	case 4:
		raw(unix.SYS_MEMFD_CREATE, text(odd[l.IntN(len(odd))]), 1<<30)
	default:
		if b, err := unix.Mmap(l.dir, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE); err == nil {
			_ = unix.Munmap(b)
		}
	}
}

// tell sends a record of a type that user space may send.
func (l *load) tell() {
	if l.audit < 0 {
		return
	}
	types := []uint16{unix.AUDIT_USER, 1100, 1101, 1103, 1105, 1106, 1107, 1108, 1112, 1113, 1116, 1121, 1123, 1124, 1130, 1136, 1199, 2100, 2404, 2500, 2999}
	name := odd[l.IntN(len(odd))]
	said := []string{
		`op=PAM:authentication grantors=pam_unix acct="alice" exe="/usr/sbin/sshd" hostname=203.0.113.7 addr=203.0.113.7 terminal=ssh res=success`,
		`op=login acct=` + fmt.Sprintf("%X", name) + ` exe="/usr/sbin/sshd" hostname=? addr=203.0.113.7 terminal=sshd res=failed`,
		`cwd="/home/u" cmd=` + fmt.Sprintf("%X", name+" -la") + ` exe="/usr/bin/sudo" terminal=pts/0 res=success`,
		`unit=` + strings.Map(func(r rune) rune { return max(r, '!') }, name) + ` comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success`,
		`op=x ` + name + ` uid=0 auid=0 pid=1`,
		name,
		strings.Repeat(name+" ", 1+l.IntN(300)),
	}[l.IntN(7)]
	if len(said) > 8000 {
		said = said[:8000]
	}
	message := make([]byte, 16, 16+len(said)+1)
	message = append(append(message, said...), 0)
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], types[l.IntN(len(types))])
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST)
	_ = unix.Sendto(l.audit, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}
