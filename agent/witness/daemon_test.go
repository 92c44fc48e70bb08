package witness

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/kaudit"
)

// daemonStarts is how often TestDaemonStarts does it; 30 are asked for before a release.
var daemonStarts = flag.Int("starts", 4, "how often auditd is started beside the source")

// TestDaemonStarts starts the real auditd beside a source that is the audit daemon, in turns
// on a quiet host and under load. Its first start succeeds all but always; one that fails
// leaves the place free, so that the second does. The load is this test's own: tests of other
// packages, which go on beside it, are no part of what is counted.
func TestDaemonStarts(t *testing.T) {
	control := kernelAudit(t)
	ahead(t)
	top, dir := t.TempDir(), t.TempDir()
	a, _, _ := begin(t, Config{times: times{yield: 5 * time.Second, start: 2 * time.Second, restart: 50 * time.Millisecond}})
	a.Watch([]string{dir + "/"})
	failed := map[bool]int{}
	for i := range *daemonStarts {
		loaded := i%2 == 1
		stop := func() {}
		if loaded {
			end := load(t, dir)
			stop = func() { end() }
			before := a.Counters().Events
			within(t, "events come", func() bool { return a.Counters().Events > before+500 })
		}
		cmd, ok := startOnce(t, control, top)
		if !ok {
			failed[loaded]++
			endAuditd(cmd)
			if cmd, ok = startOnce(t, control, top); !ok {
				t.Error("the second start failed too")
			}
		}
		stop()
		endAuditd(cmd)
		within(t, "the sensor is the audit daemon again", func() bool { return a.Counters().AuditMode == string(Unicast) })
	}
	t.Logf("of %d first starts of auditd %d failed: %d on a quiet host, %d under load", *daemonStarts, failed[false]+failed[true], failed[false], failed[true])
	if failed[false]+failed[true] > 1+*daemonStarts/6 {
		t.Error("auditd's first start fails often")
	}
}

// ahead lets this process, and what it starts, go before others for as long as the test: what runs
// at the usual priority beside it gets a tenth of what it gets.
func ahead(t *testing.T) {
	t.Helper()
	before, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	raise(t, -10)
	t.Cleanup(func() { raise(t, 20-before) }) // the kernel tells it the other way round
}

// raise gives all threads a priority. Those that are started meanwhile have that of another thread,
// so it looks until there is no new one.
func raise(t *testing.T, nice int) {
	t.Helper()
	done := map[int]bool{}
	for more := true; more; {
		more = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			id, err := strconv.Atoi(task.Name())
			if err != nil {
				t.Fatal(err)
			}
			if done[id] {
				continue
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); err != nil && !errors.Is(err, unix.ESRCH) {
				t.Fatal(err)
			}
			done[id], more = true, true
		}
	}
}

// startOnce starts auditd and reports whether it becomes the audit daemon, and it ends if not.
func startOnce(t *testing.T, control *kaudit.Control, top string) (cmd *exec.Cmd, ok bool) {
	t.Helper()
	cmd = auditdCommand(t, top, "RAW")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatalf("needs auditd: %v", err)
	}
	within(t, "auditd starts or ends", func() bool {
		s, err := control.Status()
		ok = err == nil && int(s.PID) == cmd.Process.Pid
		return ok || ended(cmd)
	})
	return cmd, ok
}

// ended reports whether a process that was not waited for has ended.
func ended(cmd *exec.Cmd) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	return err != nil || bytes.Contains(b, []byte(") Z "))
}
