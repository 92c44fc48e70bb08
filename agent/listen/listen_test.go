package listen

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"seawall/pkg/kaudit"
)

// TestOverlap: what one connection gave is known once for each time that it did.
func TestOverlap(t *testing.T) {
	o := newOverlap()
	o.note(1300, []byte("a"))
	o.note(1300, []byte("a"))
	o.note(1302, []byte("b"))
	for _, tt := range []struct {
		typ  uint16
		text string
		want bool
	}{{1300, "a", true}, {1302, "a", false}, {1300, "a", true}, {1300, "a", false}, {1302, "b", true}, {1302, "b", false}, {1300, "", false}} {
		if got := o.Had(tt.typ, []byte(tt.text)); got != tt.want {
			t.Errorf("%d %q: %v", tt.typ, tt.text, got)
		}
	}
}

// TestOver: when a mode fits no more, and what is given time.
func TestOver(t *testing.T) {
	now := time.Unix(1795289500, 0)
	alive := kaudit.Status{PID: uint32(os.Getppid())}
	l := &Link{Mode: Auto, Restart: 10 * time.Second}
	for i, tt := range []struct {
		mode       kaudit.Mode
		status     kaudit.Status
		after      time.Duration
		over, soon bool
	}{
		{kaudit.Multicast, alive, 0, false, false},
		{kaudit.Multicast, kaudit.Status{}, 0, false, true}, // it may start again
		{kaudit.Multicast, kaudit.Status{}, 9 * time.Second, false, true},
		{kaudit.Multicast, alive, 9 * time.Second, false, false}, // it did
		{kaudit.Multicast, kaudit.Status{}, 20 * time.Second, false, true},
		{kaudit.Multicast, kaudit.Status{}, 30 * time.Second, true, true},
		{kaudit.Unicast, alive, 0, true, false},
		{kaudit.Unicast, kaudit.Status{}, 0, true, false}, // the kernel forgot us
	} {
		if over, soon := l.Over(tt.mode, tt.status, now.Add(tt.after)); over != tt.over || soon != tt.soon {
			t.Errorf("%d: %v, %v", i, over, soon)
		}
	}
	l.daemon.Store(99)
	if over, _ := l.Over(kaudit.Unicast, kaudit.Status{PID: 99}, now); over {
		t.Error("the place is ours")
	}
	l.Mode = Multicast
	if over, _ := l.Over(kaudit.Multicast, kaudit.Status{}, now); over {
		t.Error("it was configured")
	}
}

// TestDaemon: the end of a process is told at once.
func TestDaemon(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	nudge := make(chan struct{}, 1)
	var d Daemon
	defer d.Close()
	d.Follow(uint32(cmd.Process.Pid), nudge)
	d.Follow(uint32(cmd.Process.Pid), nudge)
	select {
	case <-nudge:
		t.Error("it lives")
	default:
	}
	if err := errors.Join(cmd.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	select {
	case <-nudge:
	case <-time.After(30 * time.Second):
		t.Error("its end was not told")
	}
	d.Follow(uint32(os.Getppid()), nudge)
	d.Follow(0, nudge)
}
