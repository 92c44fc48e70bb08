// Package nftest gives tests a packet filter of their own.
package nftest

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Inside runs f in a network namespace of its own, which is gone afterwards. It needs
// root.
func Inside(t testing.TB, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
}
