package kaudit

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A batch is taken alike whether the scheduler knows of it or not.
func TestBatch(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	f := os.NewFile(uintptr(pair[1]), "batch")
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b := newBatch()
	for _, b.long = range []bool{false, true, false} {
		if n, err := b.take(raw); err != unix.EAGAIN {
			t.Errorf("long %v: of nothing %d, %v", b.long, n, err)
		}
		for _, text := range []string{"one", "two"} {
			if _, err := unix.Write(pair[0], []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		n, err := b.take(raw)
		if err != nil || n != 2 || string(b.buffers[1][:b.headers[1].n]) != "two" {
			t.Errorf("long %v: %d, %v, %q", b.long, n, err, b.buffers[1][:8])
		}
		// It did not come from the kernel.
		if _, ok := b.message(0); ok {
			t.Error("a message of another socket is taken")
		}
	}
}
