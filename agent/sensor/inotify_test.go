package sensor

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/agent/witness"
)

// instances bounds the inotify instances of a user, in a user namespace for it alone.
const instances = "/proc/sys/user/max_inotify_instances"

// TestWithoutInotify: where no inotify instance is left every heartbeat looks at everything,
// which is told once, until there is one.
func TestWithoutInotify(t *testing.T) {
	const inside = "SEAWALL_TEST_WITHOUT_INOTIFY"
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWithoutInotify$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: ids, GidMappings: ids}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("in a user namespace: %v\n%s", err, out)
		}
		return
	}
	if err := os.WriteFile(instances, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "one")
	toy := &toyHost{resource: "r", looked: make(chan struct{}, 1)}
	toy.set("a")
	h := toy.host()
	h.Depends = func() []string { return []string{file} }
	h.Affected = func(string) []string { return []string{"one"} }
	sp, err := spool.Open(t.TempDir(), spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	log := &syncBuffer{}
	s, err := New(Config{Spool: sp, Host: h, Log: slog.New(slog.NewTextHandler(log, nil)), Audit: witness.Config{Mode: witness.Off},
		Heartbeat: 50 * time.Millisecond, Coalesce: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	// look waits for a look that fits, while the file changes.
	look := func(what string, fits func(groups []string) bool) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(10 * time.Second)
		for {
			toy.mu.Lock()
			i := slices.IndexFunc(toy.looks, fits)
			if i < 0 {
				toy.looks = nil
			} else { // those after it are for the next call
				toy.looks = toy.looks[i+1:]
			}
			toy.mu.Unlock()
			if i >= 0 {
				return
			}
			select {
			case <-toy.looked:
			case <-tick.C:
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			case err := <-done:
				t.Fatalf("the sensor ended: %v\n%s", err, log)
			case <-deadline:
				t.Fatalf("no look %s\n%s", what, log)
			}
		}
	}
	// Nothing but a beat looks at the group that the file is not of.
	unchanged := func(groups []string) bool { return slices.Contains(groups, "two") }
	for range 5 { // the first is the start's
		look("at everything", unchanged)
	}
	if n := strings.Count(log.String(), "max_user_instances"); n != 1 {
		t.Errorf("told %d times\n%s", n, log)
	}
	if err := os.WriteFile(instances, []byte("8"), 0); err != nil {
		t.Fatal(err)
	}
	look("at everything", unchanged)
	row := 0
	look("at the changed file alone", func(groups []string) bool {
		row++
		if unchanged(groups) {
			row = 0
		}
		return row == 5
	})
}
