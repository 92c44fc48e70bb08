package collector

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/store"
)

// database makes an empty database with the collector's schema.
func database(t *testing.T) *Collector {
	t.Helper()
	c := &Collector{Folder: t.TempDir()}
	if err := os.Mkdir(c.state(), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), c.database(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func exe(t *testing.T, c *Collector, query string, args ...any) {
	t.Helper()
	db, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestStored(t *testing.T) {
	c := database(t)
	one, two := []byte(strings.Repeat("\x01", 16)), []byte(strings.Repeat("\x02", 16))
	exe(t, c, "INSERT INTO position (host, lane, epoch, ordinal, first, last, touched) VALUES (?, 'posture', 1, 0, 1, 9, 0), (?, 'health', 1, 0, 1, 99, 0)", one, one)
	for _, seq := range []int{5, 6, 6, 9} {
		exe(t, c, "INSERT INTO event (host, lane, epoch, seq, received, check_id, body) VALUES (?, 'posture', 1, ?, 0, 'c', x'')", one, seq)
	}
	exe(t, c, "INSERT INTO event (host, lane, epoch, seq, received, check_id, body, ordinal) VALUES (?, 'posture', 1, 7, 0, 'c', x'', 1)", one)
	exe(t, c, "INSERT INTO gap (host, lane, epoch, from_seq, to_seq, found) VALUES (?, 'posture', 1, 3, 4, 0)", two)
	exe(t, c, "INSERT INTO rejected VALUES (?, 'posture', 1, 3, 0, 0, '')", two)
	got, err := c.Stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Stored{
		strings.Repeat("01", 16): {Position: 9, Changes: 4, Distinct: 3, First: 5, Last: 9},
		strings.Repeat("02", 16): {Lost: 1, Rejected: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLock shows that nobody else writes while the lock is held, and then does.
func TestLock(t *testing.T) {
	c := database(t)
	ctx, cancel := context.WithCancel(t.Context())
	held, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- c.Lock(ctx, func() { close(held) }) }()
	<-held
	db, err := c.Open("busy_timeout(10)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	const write = "INSERT INTO meta VALUES ('test', 1)"
	if _, err := db.ExecContext(t.Context(), write); err == nil || !strings.Contains(err.Error(), "lock") {
		t.Errorf("written beside the lock: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), write); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// TestProcess looks at a process that only stands there, as at a collector.
func TestProcess(t *testing.T) {
	c := &Collector{Folder: t.TempDir(), cmd: exec.Command("/bin/sleep", "60"), done: make(chan error, 1)}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, done := c.cmd, c.done
	go func() { done <- cmd.Wait() }()
	// A process that has just begun has next to nothing yet.
	deadline := time.After(20 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		m, err := c.Memory()
		if err == nil && m >= 100<<10 && m <= 100<<20 {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("%d bytes, %v", m, err)
		case <-again.C:
		}
	}
	if p, err := c.Processor(); err != nil || p < 0 || p > time.Second {
		t.Errorf("%v of processor, %v", p, err)
	}
	if err := c.End(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if _, err := c.Memory(); err == nil {
		t.Error("a process that is gone has memory")
	}
	if err := c.End(syscall.SIGTERM); err != nil {
		t.Errorf("ended twice: %v", err)
	}
}

// TestStartSaysWhy starts what ends at once.
func TestStartSaysWhy(t *testing.T) {
	c := &Collector{Program: "/bin/false", Folder: t.TempDir()}
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), c.Folder) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.Folder, "collector.log")); err != nil {
		t.Error(err)
	}
}
