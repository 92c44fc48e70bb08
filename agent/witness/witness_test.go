package witness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/pkg/auditrule"
	"seawall/pkg/auditwatch"
	"seawall/pkg/effect"
	"seawall/pkg/finding"
	"seawall/pkg/kaudit"
)

// kernelAudit takes kernel audit, of which the machine has one, for this test, and
// switches it off afterwards.
func kernelAudit(t *testing.T) *kaudit.Control {
	t.Helper()
	f, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	c, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetBacklogLimit(8192); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.SetEnabled(false), c.SetBacklogLimit(64), c.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// begin runs a Source until the test ends or end is called.
func begin(t *testing.T, cfg Config) (a *Source, changes <-chan Change, end func()) {
	t.Helper()
	ch := make(chan Change, 256)
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	cfg.Offer = func(c Change) {
		select {
		case ch <- c:
		default:
		}
	}
	a = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
	t.Cleanup(end)
	select {
	case <-a.Settled():
	case <-time.After(10 * time.Second):
		t.Fatal("not settled")
	}
	return a, ch, end
}

// changeOf waits for the change of name.
func changeOf(t *testing.T, changes <-chan Change, name string) finding.Cause {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case c := <-changes:
			if c.Name == name {
				return c.Cause
			}
		case <-deadline:
			t.Fatalf("no change of %q", name)
		}
	}
}

// await waits until the counters fit.
func await(t *testing.T, a *Source, what string, fits func(finding.Counters) bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !fits(a.Counters()) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: %+v", what, a.Counters())
		}
	}
}

func TestCauses(t *testing.T) {
	kernelAudit(t)
	dir := t.TempDir()
	tree := filepath.Join(dir, "conf.d")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(dir, "single.conf")
	a, changes, _ := begin(t, Config{})
	a.Watch([]string{tree + "/", single})

	tests := []struct{ name, script, want, operation string }{
		{"write below a directory", "echo x > %[1]s/conf.d/a", tree + "/a", effect.Create},
		{"a file that was not there", "echo x > %[1]s/single.conf", single, effect.Create},
		{"replaced by rename", "echo y > %[1]s/new; mv %[1]s/new %[1]s/single.conf", single, effect.Rename},
		{"mode", "chmod 600 %[1]s/single.conf", single, effect.Attributes},
		{"delete", "rm %[1]s/conf.d/a", tree + "/a", effect.Delete},
		{"by a relative name", "cd %[1]s/conf.d && echo x > b", tree + "/b", effect.Create},
		{"secret in the command line", "echo x > %[1]s/conf.d/c # --password=hunter2", tree + "/c", effect.Create},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := fmt.Sprintf(tt.script, dir)
			cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("echo %d > /proc/self/loginuid && exec /bin/sh -c \"$0\"", 7000+i), script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			c := changeOf(t, changes, tt.want)
			if c.AUID != uint32(7000+i) || c.UID != 0 || c.User != "root" || c.Path != tt.want || c.Operation != tt.operation ||
				!strings.HasPrefix(c.Exe, "/usr/bin/") || c.Command == "" || c.Serial == 0 || c.PID == 0 {
				t.Errorf("%+v", c)
			}
			if strings.Contains(c.Command, "hunter2") {
				t.Errorf("secret in %q", c.Command)
			}
		})
	}
}

func TestOtherNamesAreNotOffered(t *testing.T) {
	kernelAudit(t)
	dir := t.TempDir()
	a, changes, _ := begin(t, Config{})
	a.Watch([]string{filepath.Join(dir, "watched")})
	for _, name := range []string{"other", "watched"} {
		if err := exec.Command("/bin/sh", "-c", `echo x > "$0"`, filepath.Join(dir, name)).Run(); err != nil {
			t.Fatal(err)
		}
	}
	for c := range changes {
		if c.Name == filepath.Join(dir, "watched") {
			return
		}
		if c.Name != "" { // without: somebody's change of the audit configuration
			t.Errorf("change of %s", c.Name)
		}
	}
}

func TestAuditConfiguration(t *testing.T) {
	control := kernelAudit(t)
	a, changes, _ := begin(t, Config{})
	a.Watch(nil)
	before, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	// Another process, since our own changes are not offered.
	if out, err := exec.Command("/sbin/auditctl", "-b", fmt.Sprint(before.BacklogLimit+1)).CombinedOutput(); err != nil {
		t.Fatalf("auditctl: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := control.SetBacklogLimit(before.BacklogLimit); err != nil {
			t.Error(err)
		}
	})
	if c := changeOf(t, changes, ""); c.Serial == 0 {
		t.Errorf("%+v", c)
	}
}

func TestGivesWayToAnotherDaemon(t *testing.T) {
	control := kernelAudit(t)
	a, _, end := begin(t, Config{})
	if c := a.Counters(); c.AuditMode != string(Unicast) {
		t.Fatalf("%+v", c)
	}
	_, err := kaudit.Open(kaudit.Unicast)
	var held *kaudit.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("registering beside us: %v", err)
	}
	await(t, a, "another asked for our place", func(c finding.Counters) bool { return c.AuditMode == string(Multicast) })
	// It is started again.
	other, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatalf("our place is not free: %v", err)
	}
	defer other.Close()
	end()
	status, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	if status.PID != uint32(os.Getpid()) {
		t.Errorf("the other daemon, now process %d, lost its place", status.PID)
	}
}

func TestMarkOutlivesAKill(t *testing.T) {
	control := kernelAudit(t)
	dir := t.TempDir()
	// As a killed sensor left it: on, with a mark.
	if err := errors.Join(control.SetEnabled(true), os.WriteFile(filepath.Join(dir, "audit-enabled"), gaps.BootID(), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, _, end := begin(t, Config{StateDir: dir})
	end()
	expectOff(t, control, dir, true)

	// On before us, by somebody else: it stays on.
	if err := control.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
	_, _, end = begin(t, Config{StateDir: dir})
	end()
	expectOff(t, control, dir, false)

	// A mark of another boot says nothing.
	if err := os.WriteFile(filepath.Join(dir, "audit-enabled"), []byte("another boot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, end = begin(t, Config{StateDir: dir})
	end()
	expectOff(t, control, dir, false)
}

func TestStoppedBeforeItBegan(t *testing.T) {
	control := kernelAudit(t)
	dir := t.TempDir()
	// As a killed sensor left it: on, with a mark and a rule.
	_, err := auditwatch.New(control).Set([]string{filepath.Join(dir, "x")})
	if err := errors.Join(err, control.SetEnabled(true), os.WriteFile(filepath.Join(dir, "audit-enabled"), gaps.BootID(), 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := New(Config{Log: slog.New(slog.DiscardHandler), Offer: func(Change) {}, StateDir: dir})
	if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expectOff(t, control, dir, true)
	rules, err := control.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if strings.Contains(r.Text, auditrule.Key) {
			t.Errorf("rule left: %s", r.Text)
		}
	}
}

func expectOff(t *testing.T, control *kaudit.Control, dir string, want bool) {
	t.Helper()
	s, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	if off := s.Enabled == 0; off != want {
		t.Errorf("enabled %d, want off %v", s.Enabled, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "audit-enabled")); want && err == nil {
		t.Error("the mark is left")
	}
}

func TestSwitchedOff(t *testing.T) {
	a, _, _ := begin(t, Config{Mode: Off})
	a.Watch([]string{"/etc/passwd"})
	if c := a.Counters(); c.AuditMode != string(Off) || c.AuditReason == "" {
		t.Errorf("%+v", c)
	}
}
