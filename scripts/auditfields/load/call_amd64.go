package main

import "golang.org/x/sys/unix"

// call connects, binds or sends.
func call(fd, which int, address []byte) {
	switch which {
	case 0:
		raw(unix.SYS_CONNECT, uintptr(fd), pointer(address), uintptr(len(address)))
	case 1:
		raw(unix.SYS_BIND, uintptr(fd), pointer(address), uintptr(len(address)))
	default:
		raw(unix.SYS_SENDTO, uintptr(fd), text("x"), 1, unix.MSG_DONTWAIT, pointer(address), uintptr(len(address)))
	}
}
