package execwatch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestWatch: a program's start is told, also of one that was not there at first or that
// another took the place of; that it is read is not.
func TestWatch(t *testing.T) {
	text, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "daemon")
	told := make(chan struct{}, 100)
	s, err := New(name, func() { told <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 3 {
		if err := errors.Join(os.WriteFile(name+".new", text, 0o755), os.Rename(name+".new", name)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		// The watch follows the file within moments.
		deadline := time.Now().Add(10 * time.Second)
		for len(told) == 0 && time.Now().Before(deadline) {
			if err := exec.Command(name).Run(); err != nil {
				t.Fatal(err)
			}
		}
		if len(told) == 0 {
			t.Fatalf("start %d was not told", i)
		}
		// What was told last may still come.
		for range time.Tick(20 * time.Millisecond) {
			n := len(told)
			for range n {
				<-told
			}
			if n == 0 {
				break
			}
		}
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		select {
		case <-told:
			t.Error("it was only read")
		case <-time.After(20 * time.Millisecond):
		}
	}
	var none *Watch
	none.Close()
	if _, err := New(name+"/x", func() {}); err == nil {
		t.Error("a folder that is none")
	}
}

func FuzzMasks(f *testing.F) {
	f.Add(append([]byte{24, 0, 0, 0, 3, 0, 24, 0, 0, 0x10}, make([]byte, 14)...))
	f.Add([]byte{24, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if masks(b) != 0 && len(b) < 24 {
			t.Error("of less than one event")
		}
	})
}
