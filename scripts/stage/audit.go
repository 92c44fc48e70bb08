package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TakeAudit takes the lock on the kernel's audit until the test ends, and then
// demands that the audit state is what it was.
func TakeAudit(t *testing.T) {
	t.Helper()
	lock, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	before := AuditState(t)
	t.Cleanup(func() {
		defer lock.Close()
		if diff := cmp.Diff(before, AuditState(t)); diff != "" {
			t.Errorf("the audit state is not as it was (- before, + after):\n%s", diff)
			for _, args := range [][]string{{"-D"}, {"-e", "0"}, {"-b", "64"}} {
				_ = exec.Command("auditctl", args...).Run()
			}
		}
	})
}

// AuditState is the kernel's audit status, without what only counts, and rules.
func AuditState(t *testing.T) []string {
	t.Helper()
	status, err := exec.Command("auditctl", "-s").Output()
	if err != nil {
		t.Fatalf("auditctl -s: %v", err)
	}
	rules, err := exec.Command("auditctl", "-l").Output()
	if err != nil {
		t.Fatalf("auditctl -l: %v", err)
	}
	// The kernel names a daemon that was killed until it has something to tell it.
	gone := regexp.MustCompile(`(?m)^pid (\d+)$`).ReplaceAllStringFunc(string(status), func(line string) string {
		if _, err := os.Stat("/proc/" + strings.TrimPrefix(line, "pid ")); err != nil {
			return "pid 0"
		}
		return line
	})
	kept := regexp.MustCompile(`(?m)^(enabled|failure|pid|rate_limit|backlog_limit|backlog_wait_time) .*$`)
	return append(kept.FindAllString(gone, -1), strings.Split(strings.TrimSpace(string(rules)), "\n")...)
}

// StartAuditd starts a real auditd that loads no rules.
func StartAuditd(t *testing.T) *Program {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "plugins.d"), 0o750); err != nil {
		t.Fatal(err)
	}
	conf := "local_events = yes\nwrite_logs = yes\nlog_format = RAW\nlog_file = " + filepath.Join(dir, "audit.log") +
		"\nflush = NONE\nmax_log_file = 50\nnum_logs = 2\nplugin_dir = " + filepath.Join(dir, "plugins.d") +
		"\nspace_left = 2\nadmin_space_left = 1\nspace_left_action = IGNORE\nadmin_space_left_action = IGNORE" +
		"\ndisk_full_action = IGNORE\ndisk_error_action = IGNORE\n"
	if err := os.WriteFile(filepath.Join(dir, "auditd.conf"), []byte(conf), 0o640); err != nil {
		t.Fatal(err)
	}
	wasOff := slices.Contains(AuditState(t), "enabled 0")
	p := &Program{Argv: []string{"auditd", "-n", "-s", "enable", "-c", dir}, Log: filepath.Join(dir, "auditd.log")}
	Launch(t, p)
	t.Cleanup(func() {
		p.Signal(syscall.SIGTERM)
		_ = p.Wait()
		if wasOff { // auditd leaves auditing on
			_ = exec.Command("auditctl", "-e", "0").Run()
		}
	})
	registered := func() bool {
		return slices.Contains(AuditState(t), fmt.Sprintf("pid %d", p.PID()))
	}
	// Who asks while another one is registered gives up; by then the other has left.
	for range 3 {
		Await(t, "auditd's registration or end", 20*time.Second, func() bool { return p.Ended() || registered() })
		if !p.Ended() {
			return p
		}
		Await(t, "the other's leaving", 30*time.Second, func() bool { return slices.Contains(AuditState(t), "pid 0") })
		p.Start(t)
	}
	t.Fatalf("auditd does not start: %s", p.Said())
	return nil
}
