// Package syscallname names system calls by the numbers that audit records have.
// The tables are go-libaudit's; calls newer than these are added here.
package syscallname

import (
	"runtime"
	"sync"

	"github.com/elastic/go-libaudit/v2/auparse"
)

// Name returns the name of a system call, or "" when it is not known. arch is the
// kernel's AUDIT_ARCH_ number; 0 is this machine's.
func Name(arch uint32, number int) string {
	machine := archName(arch)
	if machine == "x86_64" && number >= x32 && number < x32+512 {
		number -= x32
	}
	if number >= 0 && number < firstNew && machine != "" && machine == archName(0) {
		return native()[number]
	}
	if name, ok := auparse.AuditSyscalls[machine][number]; ok {
		return name
	}
	if machine == "" || number < firstNew || number >= firstNew+len(newer) {
		return ""
	}
	return newer[number-firstNew]
}

// native are this machine's names, by number: they are asked for several times an event.
var native = sync.OnceValue(func() []string {
	names := make([]string, firstNew)
	for number, name := range auparse.AuditSyscalls[archName(0)] {
		if number >= 0 && number < firstNew {
			names[number] = name
		}
	}
	return names
})

// x32 is set in the number of a call by a program of x86-64's 32-bit pointers, whose
// calls below 512 are those of x86-64 but for few that the kernel calls alike.
const x32 = 1 << 30

// newer are the calls that the tables lack. Since 424 all architectures number alike.
const firstNew = 463

var newer = [...]string{
	"setxattrat", "getxattrat", "listxattrat", "removexattrat", "open_tree_attr", "file_getattr", "file_setattr",
}

// Uring returns a name, beginning with "uring_", for the io_uring operations of
// linux/io_uring.h that change files; those that do the same share one.
func Uring(op int) string {
	switch op {
	case 17, 55:
		return "uring_fallocate" // or ftruncate
	case 18, 28:
		return "uring_openat"
	case 35:
		return "uring_renameat"
	case 36, 37:
		return "uring_unlinkat" // unlinkat, mkdirat
	case 38, 39:
		return "uring_linkat" // or symlinkat
	case 41, 42:
		return "uring_setxattr"
	}
	return ""
}

// archName maps linux/audit.h's AUDIT_ARCH_ numbers to the names of the tables.
func archName(arch uint32) string {
	switch arch {
	case 0xc000003e:
		return "x86_64"
	case 0x40000003:
		return "i386"
	case 0xc00000b7:
		return "aarch64"
	case 0x40000028:
		return "arm"
	case 0:
		switch runtime.GOARCH {
		case "amd64":
			return "x86_64"
		case "arm64":
			return "aarch64"
		}
	}
	return ""
}
