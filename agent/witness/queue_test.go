package witness

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"seawall/pkg/kaudit"
)

// unheeded is how long a system call may take of which nobody has to wait: what a machine
// under load takes its processor away for. The kernel's own count of time slept is exact.
const unheeded = time.Second

// TestQueueOverflows has several processes make more than a queue of 64 records takes,
// while the sensor reads and after it was killed: no process sleeps for room in it. The
// sensor that follows puts the kernel's settings back.
func TestQueueOverflows(t *testing.T) {
	control := kernelAudit(t)
	before := settings(t, control)
	dir, state := t.TempDir(), t.TempDir()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSensorStandsStill$")
	cmd.Env = append(os.Environ(), "SEAWALL_SENSOR="+state, "SEAWALL_WATCH="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	within(t, "the sensor registers", func() bool {
		_, err := os.Stat(filepath.Join(state, "ready"))
		return err == nil
	})
	if s := settings(t, control); int(s.PID) != cmd.Process.Pid || s.BacklogWaitTime != 0 {
		t.Errorf("%+v", s)
	}
	if err := control.SetBacklogLimit(64); err != nil {
		t.Fatal(err)
	}
	const writers, each = 4, 1000
	crowd := func(first int) time.Duration {
		took := make([]time.Duration, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { took[i] = files(t, dir, first+i*each, each) })
		}
		wg.Wait()
		return slices.Max(took)
	}
	running := crowd(0)
	lost := settings(t, control).Lost - before.Lost
	_ = cmd.Process.Kill()
	killed := crowd(writers * each)
	t.Logf("slowest system call %v while it ran, %v when it was killed; %d records lost", running, killed, lost)
	if max(running, killed) > unheeded {
		t.Errorf("a system call took %v and %v", running, killed)
	}
	if s := settings(t, control); s.BacklogWaited != before.BacklogWaited {
		t.Errorf("processes slept for %d jiffies", s.BacklogWaited-before.BacklogWaited)
	}
	if lost == 0 {
		t.Error("the queue did not overflow: this test shows nothing")
	}

	if s := settings(t, control); s.BacklogWaitTime != 0 {
		t.Errorf("a wait of %d after the kill", s.BacklogWaitTime)
	}
	_, _, end := begin(t, Config{StateDir: state})
	end()
	if s := settings(t, control); s.BacklogWaitTime != before.BacklogWaitTime {
		t.Errorf("a wait of %d jiffies was found, and %d is left", before.BacklogWaitTime, s.BacklogWaitTime)
	}
}

// TestQueueIsRoomy: a queue that is as the kernel comes is made larger, and is then as it
// was; what somebody sets meanwhile stays.
func TestQueueIsRoomy(t *testing.T) {
	control := kernelAudit(t)
	before := settings(t, control)
	set := func(limit, wait uint32) {
		t.Helper()
		if err := control.SetBacklogLimit(limit); err != nil {
			t.Fatal(err)
		}
		if err := control.SetBacklogWaitTime(wait); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set(before.BacklogLimit, before.BacklogWaitTime) })
	set(64, 15000)
	_, _, end := begin(t, Config{StateDir: t.TempDir()})
	if s := settings(t, control); s.BacklogLimit < 8192 || s.BacklogWaitTime != 0 {
		t.Errorf("%+v", s)
	}
	end()
	if s := settings(t, control); s.BacklogLimit != 64 || s.BacklogWaitTime != 15000 {
		t.Errorf("%+v", s)
	}
	_, _, end = begin(t, Config{})
	set(100, 20)
	end()
	if s := settings(t, control); s.BacklogLimit != 100 || s.BacklogWaitTime != 20 {
		t.Errorf("%+v", s)
	}
}

func settings(t *testing.T, control *kaudit.Control) kaudit.Status {
	t.Helper()
	s, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
