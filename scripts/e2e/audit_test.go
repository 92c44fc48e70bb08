package e2e

import (
	"bytes"
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

// takeAudit takes the lock on the kernel's audit until the test ends, and then
// demands that the audit state is what it was.
func takeAudit(t *testing.T) {
	t.Helper()
	lock, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	before := auditState(t)
	t.Cleanup(func() {
		defer lock.Close()
		if diff := cmp.Diff(before, auditState(t)); diff != "" {
			t.Errorf("the audit state is not as it was (- before, + after):\n%s", diff)
			for _, args := range [][]string{{"-D"}, {"-e", "0"}, {"-b", "64"}} {
				exec.Command("auditctl", args...).Run()
			}
		}
	})
}

// auditState is the kernel's audit status, without what only counts, and rules.
func auditState(t *testing.T) []string {
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
	if m := regexp.MustCompile(`(?m)^pid (\d+)$`).FindSubmatch(status); m != nil {
		if _, err := os.Stat("/proc/" + string(m[1])); err != nil {
			status = bytes.Replace(status, m[0], []byte("pid 0"), 1)
		}
	}
	kept := regexp.MustCompile(`(?m)^(enabled|failure|pid|rate_limit|backlog_limit|backlog_wait_time) .*$`)
	return append(kept.FindAllString(string(status), -1), strings.Split(strings.TrimSpace(string(rules)), "\n")...)
}

// startAuditd starts a real auditd with a configuration of its own, which loads no
// rules, and stops it when the test ends.
func startAuditd(t *testing.T) {
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
	wasOff := slices.Contains(auditState(t), "enabled 0")
	cmd := exec.Command("auditd", "-n", "-s", "enable", "-c", dir)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("auditd: %v\n%s", err, out.String())
		}
		if wasOff { // auditd leaves auditing on
			if out, err := exec.Command("auditctl", "-e", "0").CombinedOutput(); err != nil {
				t.Errorf("auditctl -e 0: %v: %s", err, out)
			}
		}
	})
	registered := regexp.MustCompile(`(?m)^pid [1-9]`)
	(&system{}).await(t, "auditd's registration", 10*time.Second, func() bool {
		status, err := exec.Command("auditctl", "-s").Output()
		return err == nil && registered.Match(status)
	})
}
