package kaudit

import (
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMadeAfter(t *testing.T) {
	at := time.Unix(1795370849, 841e6)
	for payload, want := range map[string]bool{
		"audit(1795370849.842:17): x": true, "audit(1795370850.000:17): x": true, "audit(1795370849.841:17): x": false,
		"audit(1795370848.999:17): x": false, "": false, "audit(": false, "audit(1795370850": false, "audit(1795370850.1": false,
		"audit(1795370850.12:17): ": false, "audit(x.842:17)": false, "audit(99999999999999999999.842:17)": false, "audit(1795370850.x42:17)": false,
		"other(1795370850.842:17)": false, "audit(-1.842:17)": false,
	} {
		if got := madeAfter([]byte(payload), at); got != want {
			t.Errorf("%q: %v", payload, got)
		}
	}
}

func FuzzMadeAfter(f *testing.F) {
	f.Add([]byte("audit(1795370849.842:17): x"))
	f.Add([]byte("audit(9.999"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if madeAfter(payload, time.Unix(1<<40, 0)) {
			t.Error("too late to be")
		}
	})
}

// TestFinishEnds: what is queued of a registration that is not ours to end is read to where
// the end began, though the kernel goes on and reading is slow.
func TestFinishEnds(t *testing.T) {
	control := kernel(t)
	first, err := Open(Unicast)
	if err != nil {
		t.Fatal(err)
	}
	dup, err := first.File()
	if err != nil {
		t.Fatal(err)
	}
	dir := publicDir(t)
	watch(t, control, dir+"/")
	fd, err := unix.FcntlInt(dup.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := dup.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := FromFile(uintptr(fd), Unicast)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	run(t, "for i in $(seq 300); do echo a >"+dir+"/$i; done")
	// The kernel tells nothing of the audit daemon itself.
	writer := exec.Command("/bin/sh", "-c", "while :; do echo a >"+dir+"/more; done")
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = writer.Process.Kill()
		_ = writer.Wait()
	})
	records := 0
	const most = 20_000
	if err := second.Finish(func(uint16, []byte) {
		if records++; records == most {
			_ = writer.Process.Kill()
		} else if records < most {
			<-time.After(time.Millisecond)
		}
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records", records)
	if records < 300 || records >= most {
		t.Errorf("%d records", records)
	}
}
