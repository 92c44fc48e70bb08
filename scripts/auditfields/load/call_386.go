package main

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call connects, binds or sends, by the call for all of sockets' calls or directly.
func call(fd, which int, address []byte) {
	switch which {
	case 0:
		raw(unix.SYS_CONNECT, uintptr(fd), pointer(address), uintptr(len(address)))
	case 1:
		args := []uintptr{uintptr(fd), pointer(address), uintptr(len(address))}
		socketcall(2, args)
	default:
		args := []uintptr{uintptr(fd), text("x"), 1, unix.MSG_DONTWAIT, pointer(address), uintptr(len(address))}
		socketcall(11, args)
	}
}

func socketcall(number uintptr, args []uintptr) {
	raw(unix.SYS_SOCKETCALL, number, uintptr(unsafe.Pointer(unsafe.SliceData(args))))
	runtime.KeepAlive(args)
}
