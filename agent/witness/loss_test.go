package witness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// TestMain is the test binary or, when it is told so, a program that makes files, for
// kernel audit to tell of.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SEAWALL_MAKE_FILES"); dir != "" {
		os.Exit(makeFiles(dir))
	}
	os.Exit(m.Run())
}

// makeFiles opens so many files for writing, each with its own name, and prints how long
// the worst of the calls took.
func makeFiles(dir string) int {
	n, err1 := strconv.Atoi(os.Getenv("SEAWALL_FILES"))
	first, err2 := strconv.Atoi(os.Getenv("SEAWALL_FIRST"))
	if err1 != nil || err2 != nil {
		return 2
	}
	worst := time.Duration(0)
	for i := first; i < first+n; i++ {
		start := time.Now()
		fd, err := unix.Open(fmt.Sprintf("%s/f%d", dir, i), unix.O_WRONLY|unix.O_CREAT, 0o600)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		worst = max(worst, time.Since(start))
		unix.Close(fd)
	}
	fmt.Println(worst.Microseconds())
	return 0
}

// files makes n files in dir, from f<first> on, in another process, and returns the worst
// time that one took.
func files(t *testing.T, dir string, first, n int) time.Duration {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SEAWALL_MAKE_FILES="+dir, fmt.Sprintf("SEAWALL_FIRST=%d", first), fmt.Sprintf("SEAWALL_FILES=%d", n))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	us, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(us) * time.Microsecond
}

// counted counts for each file of dir how often an event told of it.
type counted struct {
	dir string
	mu  sync.Mutex
	of  map[string]int
	// partial are events that lack records: of which file cannot always be told.
	partial, filled int
}

func (c *counted) observe(e *audit.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Filled {
		c.filled++
	}
	if e.Partial {
		c.partial++
		return
	}
	for _, ch := range effect.Changes(e) {
		if name, ok := strings.CutPrefix(ch.Path, c.dir+"/f"); ok {
			c.of[name]++
		}
	}
}

// told returns how many of the first n files were told of, and how many more than once.
func (c *counted) told(n int) (once, more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n {
		switch c.of[strconv.Itoa(i)] {
		case 0:
		case 1:
			once++
		default:
			more++
		}
	}
	return once + more, more
}

// startAuditd starts the real audit daemon with its log below root, and returns what ends
// it.
func startAuditd(t *testing.T, control *kaudit.Control, root, format string) (stop func()) {
	t.Helper()
	cmd := auditdCommand(t, root, format)
	if err := cmd.Start(); err != nil {
		t.Fatalf("needs auditd: %v", err)
	}
	stop = sync.OnceFunc(func() { endAuditd(cmd) })
	t.Cleanup(stop)
	within(t, "auditd registers", func() bool {
		s, err := control.Status()
		return err == nil && int(s.PID) == cmd.Process.Pid
	})
	return stop
}

func auditdCommand(t *testing.T, root, format string) *exec.Cmd {
	t.Helper()
	const log = "/var/log/audit/audit.log"
	conf := func(log string) []byte {
		return []byte("local_events = yes\nwrite_logs = yes\nlog_file = " + log + "\nlog_format = " + format + "\nflush = INCREMENTAL_ASYNC\nfreq = 50\n" +
			"max_log_file = 2\nnum_logs = 99\nmax_log_file_action = ROTATE\nspace_left = 2\nspace_left_action = IGNORE\n" +
			"admin_space_left = 1\nadmin_space_left_action = IGNORE\ndisk_full_action = IGNORE\ndisk_error_action = IGNORE\n")
	}
	for name, text := range map[string][]byte{"/etc/audit/auditd.conf": conf(log), "/conf/auditd.conf": conf(root + log), log: nil, "/conf/plugins.d/x": nil} {
		name = root + name
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(name); err == nil {
			continue
		}
		if err := os.WriteFile(name, text, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return exec.Command(auditd, "-n", "-s", "enable", "-c", root+"/conf")
}

// endAuditd ends auditd, which ignores the signal until it has started up.
func endAuditd(cmd *exec.Cmd) {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for range 10 {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
			return
		case <-again.C:
		}
	}
	_ = cmd.Process.Kill()
	<-done
}

func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// ledger returns a copy of what a source knows of gaps.
func ledger(a *Source) gaps.Ledger {
	a.stream.Lock()
	defer a.stream.Unlock()
	l := *a.stream.ledger
	l.Gaps = append([]gaps.Gap(nil), l.Gaps...)
	return l
}

// squeeze gives the source's socket a small receive buffer.
func squeeze(t *testing.T, a *Source, bytes int) {
	t.Helper()
	a.stream.Lock()
	defer a.stream.Unlock()
	f, err := a.stream.conn.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.SetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes); err != nil {
		t.Fatal(err)
	}
}

// TestFillsFromLog loses records beside the real auditd, of which some came and some did
// not, and has each of the events exactly once in the end: the missing ones from auditd's
// log, which rotates meanwhile.
func TestFillsFromLog(t *testing.T) {
	for _, format := range []string{"RAW", "ENRICHED"} {
		t.Run(format, func(t *testing.T) {
			control := kernelAudit(t)
			top := t.TempDir()
			root, err := hostfs.Open(top)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			startAuditd(t, control, top, format)
			seen := &counted{dir: dir, of: map[string]int{}}
			var unfilled []gaps.Gap
			a, _, _ := begin(t, Config{Root: root, Observe: seen.observe, Gap: func(g gaps.Gap) { unfilled = append(unfilled, g) }})
			if c := a.Counters(); c.AuditMode != string(Multicast) {
				t.Fatalf("%+v", c)
			}
			a.Watch([]string{dir + "/"})
			squeeze(t, a, 64<<10)

			const n = 6000
			stalled := make(chan struct{})
			go func() {
				defer close(stalled)
				a.stream.Lock() // the reader waits
				defer a.stream.Unlock()
				<-time.After(300 * time.Millisecond)
			}()
			files(t, dir, 0, n-1)
			<-stalled
			files(t, dir, n-1, 1)
			t.Cleanup(func() {
				if t.Failed() {
					told, more := seen.told(n)
					t.Logf("%d of %d files told of, %d more than once; %+v", told, n, more, ledger(a))
				}
			})
			within(t, "all events come, and each gap is settled", func() bool {
				// What is lost last shows when something comes after it.
				if err := os.WriteFile(dir+"/tail", nil, 0o600); err != nil {
					t.Fatal(err)
				}
				l := ledger(a)
				told, _ := seen.told(n)
				open := slices.ContainsFunc(l.Gaps, func(g gaps.Gap) bool { return !g.Settled })
				return l.Missing > 0 && l.Left() == 0 && told == n && !open
			})
			l := ledger(a)
			told, more := seen.told(n)
			t.Logf("%d events told of, %d serials missing, %d filled, %d late, %d partial in %d gaps", told, l.Missing, l.Filled, l.Late, seen.partialCount(), len(l.Gaps))
			if more > 0 || told < n || seen.partialCount() > 0 {
				t.Errorf("%d of %d files told of, %d more than once", told, n, more)
			}
			if seen.filled == 0 || uint64(seen.filled) != l.Filled || len(unfilled) > 0 {
				t.Errorf("%d events were filled, the ledger says %d; given up: %v", seen.filled, l.Filled, unfilled)
			}
			a.noteState(time.Now())
			if c := a.Counters(); c.AuditFilled != l.Filled || c.AuditGaps != uint64(len(l.Gaps)) || c.AuditBuffer == 0 || c.AuditRules == 0 || c.AuditRulesRefused > 0 || c.AuditRateLimit > 0 {
				t.Errorf("%+v", c)
			}
			for _, g := range l.Gaps {
				if g.Cause != gaps.Overrun || !g.Settled || g.From == 0 || g.To < g.From || g.After.Before(g.Before.Add(-time.Second)) {
					t.Errorf("%+v", g)
				}
			}
		})
	}
}

func (c *counted) partialCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.partial
}

// TestNoFalseGaps: records that rules of the list exclude keep out, events that no rule
// asks for, and those that "never" rules keep out leave no hole in the serials.
func TestNoFalseGaps(t *testing.T) {
	control := kernelAudit(t)
	dir := t.TempDir()
	seen := &counted{dir: dir, of: map[string]int{}}
	a, _, _ := begin(t, Config{Observe: seen.observe})
	a.Watch([]string{dir + "/"})
	for _, rule := range []string{
		"-a never,exclude -F msgtype=CWD", "-a never,exclude -F msgtype=PROCTITLE",
		"-A never,exit -F arch=b64 -S openat -F uid=5", "-a always,exit -F arch=b64 -S getppid -F uid=5 -k never",
	} {
		if out, err := exec.Command("/sbin/auditctl", strings.Fields(rule)...).CombinedOutput(); err != nil {
			t.Fatalf("auditctl %s: %v: %s", rule, err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("/sbin/auditctl", "-D").CombinedOutput(); err != nil {
			t.Errorf("auditctl: %v: %s", err, out)
		}
	})
	files(t, dir, 0, 2000)
	// All of an event's types are kept out.
	for _, typ := range []string{"SYSCALL", "PATH", "EXECVE", "CWD"} {
		_ = exec.Command("/sbin/auditctl", "-a", "never,exclude", "-F", "msgtype="+typ).Run()
	}
	files(t, dir, 2000, 2000)
	_ = exec.Command("/sbin/auditctl", "-d", "never,exclude", "-F", "msgtype=SYSCALL").Run()
	_ = exec.Command("/sbin/auditctl", "-d", "never,exclude", "-F", "msgtype=PATH").Run()
	files(t, dir, 4000, 500)
	within(t, "the last event comes", func() bool {
		seen.mu.Lock()
		defer seen.mu.Unlock()
		return seen.of["4499"] > 0 || seen.partial > 400
	})
	within(t, "nothing is waited for", func() bool {
		a.stream.Lock()
		defer a.stream.Unlock()
		return !a.stream.tracker.Open()
	})
	if l := ledger(a); l.Missing != 0 {
		t.Errorf("%d serials are missing: %+v", l.Missing, l.Gaps)
	}
	if s, err := control.Status(); err != nil || s.Lost != uint32(a.Counters().KernelLost) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestYieldsToStartingDaemon: auditd's first start succeeds, since its place is left when
// it is started and not only when it asks.
func TestYieldsToStartingDaemon(t *testing.T) {
	control := kernelAudit(t)
	top := t.TempDir()
	dir := t.TempDir()
	seen := &counted{dir: dir, of: map[string]int{}}
	a, _, _ := begin(t, Config{Observe: seen.observe, times: times{yield: 3 * time.Second, start: 2 * time.Second, restart: time.Second}})
	a.Watch([]string{dir + "/"})
	if c := a.Counters(); c.AuditMode != string(Unicast) {
		t.Fatalf("%+v", c)
	}
	const rounds, each = 5, 400
	made, failed := 0, 0
	for round := range rounds {
		<-time.After(300 * time.Millisecond) // quiet: records are read as they come
		cmd := auditdCommand(t, top, "RAW")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// In the last rounds there is load in the switch: records are then read many at a
		// time, and auditd may ask first.
		loaded := round >= 3
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if loaded {
				files(t, dir, made, each)
			}
		}()
		started := false
		until := time.Now().Add(3 * time.Second)
		for time.Now().Before(until) && !started {
			s, err := control.Status()
			started = err == nil && int(s.PID) == cmd.Process.Pid
		}
		if !started && !loaded {
			failed++
		}
		<-ended
		if !loaded {
			files(t, dir, made, each)
		}
		made += each
		endAuditd(cmd)
		within(t, "the sensor is the audit daemon again", func() bool { return a.Counters().AuditMode == string(Unicast) })
		files(t, dir, made, 10)
		made += 10
	}
	within(t, "all events come", func() bool { told, _ := seen.told(made); return told == made })
	l := ledger(a)
	t.Logf("%d of 3 quiet starts failed at first; %d serials missing", failed, l.Left())
	if _, more := seen.told(made); failed > 1 || l.Left() > 0 || more > 0 {
		t.Errorf("%d starts failed, %d serials are missing, %d were told of more than once: %+v", failed, l.Left(), more, l.Gaps)
	}
}
