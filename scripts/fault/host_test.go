package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/scripts/stage"
)

func hostFaults() []fault {
	return []fault{
		{"F32", "descriptors run out", "sensor started with 16, uplink with 8 descriptors", "says so and ends, or lives; no panic", noDescriptors},
		{"F33", "hostile sshd_config", "1 GiB, binary, FIFO, link loop, Include bomb, unreadable", "a verdict with its reason, bounded time and memory", hostileConfig},
		{"F34", "sshd hangs or crashes", "a false sshd: sleeps, dies by a signal, prints for ever", "unknown or error with its reason in 8 s, nothing left", falseSSHD},
		{"F35", "dpkg busy or damaged", "lock held, status cut, of 256 MiB, of noise", "no lock taken, bounded, reason given", damagedDpkg},
		{"F36", "rpm database damaged", "an image of a Fedora with noise for a database", "unknown with its reason, no crash", damagedRpm},
		{"F37", "metadata service dead", "sensor in a namespace without network, each connection traced", "nobody asks it, so nothing waits for it", noMetadata},
		{"F38", "configuration wrong", "typo, wrong type, noise, a list, for the three programs", "exit status 2, the file and line named", wrongConfig},
		{"F51", "read-only /var, no D-Bus", "sensor with its spool on a read-only disk, then on a good one", "ends with 2 and says why, then starts", readOnlyVar},
		{"F52", "an error for every event", "300 changes while the spool's disk is full", "few lines in the log, no content of a file in it", logStorm},
	}
}

// bound puts files and folders over others of the host, for one command: pairs of
// what stands where.
func bound(pairs ...string) []string {
	var script strings.Builder
	script.WriteString("set -e; ")
	for range len(pairs) / 2 {
		script.WriteString(`mount --bind "$1" "$2"; shift 2; `)
	}
	script.WriteString(`exec "$@"`)
	return append([]string{"unshare", "-m", "--propagation", "slave", "sh", "-c", script.String(), "sh"}, pairs...)
}

// look is what a look of seawall at a host came to.
type look struct {
	code    int
	took    time.Duration
	memory  int64 // most, in bytes
	results []struct{ Check, Status, Actual string }
	stderr  string
}

// of returns the result of a check.
func (l look) of(check string) (status, actual string) {
	for _, r := range l.results {
		if r.Check == check {
			return r.Status, r.Actual
		}
	}
	return "none", ""
}

// check runs seawall check with JSON for its answer.
func check(t *testing.T, under []string, args ...string) look {
	t.Helper()
	argv := append(append(under, stage.Built(t, "seawall"), "check", "--format", "json"), args...)
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	var out, problems strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problems
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	most, ended := make(chan int64, 1), make(chan struct{})
	go func() { most <- highWater(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	l := look{took: time.Since(start), stderr: problems.String()}
	close(ended)
	l.memory = <-most
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		l.code = exited.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if l.code < 0 || l.code > 2 || strings.Contains(l.stderr, "goroutine ") {
		t.Fatalf("%v crashed: %d %s", argv, l.code, l.stderr)
	}
	var answer struct {
		Results []struct{ Check, Status, Actual string }
	}
	if err := json.Unmarshal([]byte(out.String()), &answer); err != nil {
		t.Fatalf("%v: %v: %q %s", argv, err, out.String(), l.stderr)
	}
	l.results = answer.Results
	return l
}

// highWater follows a process until it ended and returns the most memory that it had
// at a time. What the kernel tells a parent of it counts the parent's own, too.
func highWater(pid int, ended <-chan struct{}) (most int64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, line, ok := strings.Cut(string(text), "VmHWM:"); ok && err == nil {
			var kib int64
			if _, err := fmt.Sscan(line, &kib); err == nil {
				most = max(most, kib<<10)
			}
		}
		select {
		case <-ended:
			return most
		case <-tick.C:
		}
	}
}

// bounded demands that a look did not go beyond a time and 128 MiB.
func (l look) bounded(t *testing.T, what string, limit time.Duration) {
	t.Helper()
	if l.took > limit || l.memory > 128<<20 {
		t.Errorf("%s: took %v and %d MiB", what, l.took, l.memory>>20)
	}
}

func hostileConfig(t *testing.T) string {
	cases := []struct {
		name string
		make func(file string) error
		want string
	}{
		{"1 GiB", func(f string) error { return errors.Join(os.WriteFile(f, nil, 0o600), os.Truncate(f, 1<<30)) }, "fail error unknown"},
		{"binary", func(f string) error { return os.WriteFile(f, []byte("\x7fELF\x00\xff\x00Port\x00\n"), 0o600) }, "fail error unknown"},
		{"FIFO", func(f string) error { return syscall.Mkfifo(f, 0o600) }, "fail error unknown"},
		{"link loop", func(f string) error { return os.Symlink(f, f) }, "fail error unknown"},
		{"Include bomb", func(f string) error {
			return os.WriteFile(f, []byte(strings.Repeat("Include /etc/ssh/sshd_config\n", 16)), 0o600)
		}, "fail error unknown"},
	}
	var seen []string
	var slowest time.Duration
	for _, c := range cases {
		ssh := filepath.Join(folder(t), "ssh")
		must(t, "cp", "-a", "/etc/ssh", ssh)
		file := filepath.Join(ssh, "sshd_config")
		if err := errors.Join(os.Remove(file), c.make(file)); err != nil {
			t.Fatal(err)
		}
		l := check(t, bound(ssh, "/etc/ssh"), "ssh-config-valid")
		l.bounded(t, c.name, 15*time.Second)
		status, actual := l.of("ssh-config-valid")
		if !strings.Contains(c.want, status) || actual == "" {
			t.Errorf("%s: %s %q, want %s and a reason", c.name, status, actual, c.want)
		}
		seen, slowest = append(seen, c.name+": "+status), max(slowest, l.took)
	}
	// Whoever may not read it cannot judge it.
	ssh := filepath.Join(folder(t), "ssh")
	must(t, "cp", "-a", "/etc/ssh", ssh)
	must(t, "chmod", "000", filepath.Join(ssh, "sshd_config"))
	l := check(t, append(bound(ssh, "/etc/ssh"), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), "ssh-config-valid")
	status, _ := l.of("ssh-config-valid")
	if status != "unknown" && status != "error" {
		t.Errorf("unreadable: %s", status)
	}
	return strings.Join(append(seen, "unreadable: "+status), ", ") + fmt.Sprintf("; at most %.1f s", slowest.Seconds())
}

func falseSSHD(t *testing.T) string {
	const nap = "86399.25" // found again among all processes
	var seen []string
	for name, script := range map[string]string{
		"sleeps":           "sleep " + nap + " & sleep " + nap,
		"dies by a signal": "kill -SEGV $$",
		"prints for ever":  "exec yes",
	} {
		file := filepath.Join(folder(t), "sshd")
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		l := check(t, bound(file, "/usr/sbin/sshd"), "ssh-config-valid")
		l.bounded(t, name, 12*time.Second)
		status, actual := l.of("ssh-config-valid")
		if status != "error" && status != "unknown" || actual == "" {
			t.Errorf("%s: %s %q", name, status, actual)
		}
		seen = append(seen, fmt.Sprintf("%s: %s in %.1f s", name, status, l.took.Seconds()))
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if text, err := os.ReadFile(line); err == nil && strings.Contains(string(text), nap) {
			t.Errorf("%s is left: %q", line, text)
		}
	}
	return strings.Join(seen, ", ") + "; no process left"
}

func damagedDpkg(t *testing.T) string {
	dir := filepath.Join(folder(t), "dpkg")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("/var/lib/dpkg/status")
	if err != nil {
		t.Fatal(err)
	}
	status := filepath.Join(dir, "status")
	var locks []*os.File
	for _, name := range []string{"lock", "lock-frontend"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
			t.Fatal(err)
		}
		locks = append(locks, f)
	}
	var seen []string
	for _, c := range []struct {
		name string
		text []byte
		more int64
	}{
		{"locked", good, 0},
		{"cut", good[:len(good)*2/3], 0},
		{"half-installed", []byte(strings.Replace(string(good), "Status: install ok installed", "Status: install ok half-configured", 1)), 0},
		{"256 MiB", good, 256 << 20},
		{"noise", []byte(strings.Repeat("\xff\x00\n:\n", 4096)), 0},
	} {
		if err := errors.Join(os.WriteFile(status, c.text, 0o644), os.Truncate(status, int64(len(c.text))+c.more)); err != nil {
			t.Fatal(err)
		}
		l := check(t, bound(dir, "/var/lib/dpkg"), "patch")
		l.bounded(t, c.name, 20*time.Second)
		if len(l.results) == 0 {
			t.Errorf("%s: no result", c.name)
			continue
		}
		got, actual := l.of("patch-security-updates")
		if got != "pass" && got != "fail" && actual == "" {
			t.Errorf("%s: %s without a reason", c.name, got)
		}
		seen = append(seen, fmt.Sprintf("%s: %s (%.1f s, %d MiB)", c.name, got, l.took.Seconds(), l.memory>>20))
	}
	for _, f := range locks {
		if fi, err := f.Stat(); err != nil || fi.Size() != 0 {
			t.Errorf("the lock was written: %v", err)
		}
	}
	return strings.Join(seen, ", ")
}

func damagedRpm(t *testing.T) string {
	root := folder(t)
	err := errors.Join(
		os.MkdirAll(filepath.Join(root, "etc"), 0o755),
		os.MkdirAll(filepath.Join(root, "var/lib/rpm"), 0o755),
		os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=fedora\nVERSION_ID=42\nPRETTY_NAME=\"Fedora Linux 42\"\n"), 0o644),
		os.WriteFile(filepath.Join(root, "var/lib/rpm/rpmdb.sqlite"), []byte("SQLite format 3\x00"+strings.Repeat("\xa5", 1<<16)), 0o644),
		os.WriteFile(filepath.Join(root, "var/lib/rpm/rpmdb.sqlite-wal"), []byte("noise"), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	l := check(t, nil, "patch", "--root", root)
	l.bounded(t, "rpm", 10*time.Second)
	for _, r := range l.results {
		// That nothing updates by itself is known from configuration alone.
		if r.Status == "pass" || r.Status == "fail" && r.Check != "patch-automatic" {
			t.Errorf("%s is %s of a database that cannot be read", r.Check, r.Status)
		}
	}
	status, actual := l.of("patch-security-updates")
	return fmt.Sprintf("exit status %d, %s: %s", l.code, status, actual)
}

func noMetadata(t *testing.T) string {
	place := folder(t)
	calls := filepath.Join(place, "calls")
	p := sensor(t, place, filepath.Join(place, "spool"), "unshare", "-n", "strace", "-f", "-qq", "-e", "signal=none", "-e", "trace=connect", "-o", calls)
	stage.Launch(t, p)
	stage.Await(t, "two heartbeats", 60*time.Second, func() bool {
		return p.Says("sensor started") && heartbeats(t, filepath.Join(place, "spool")) > 1
	})
	p.Kill()
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	// sshd asks for the addresses of its own ports.
	if strings.Contains(string(text), "169.254.") || strings.Contains(string(text), "htons(80)") {
		t.Errorf("somebody asked:\n%s", text)
	}
	return fmt.Sprintf("%d connections, none to 169.254.169.254; two heartbeats", strings.Count(string(text), "connect("))
}
