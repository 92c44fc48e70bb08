package witness

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"seawall/pkg/kaudit"
)

// daemonStarts is how often TestDaemonStarts does it; 30 are asked for before a release.
var daemonStarts = flag.Int("starts", 4, "how often auditd is started beside the source")

// TestDaemonStarts starts the real auditd beside a source that is the audit daemon, in turns
// on a quiet host and under load. Its first start succeeds all but always; one that fails
// leaves the place free, so that the second does.
func TestDaemonStarts(t *testing.T) {
	control := kernelAudit(t)
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
