package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

// TestDiskRefuses has the disk refuse the log of a running store: what was not
// acknowledged by then never is, and the store says that it cannot go on.
func TestDiskRefuses(t *testing.T) {
	if path := os.Getenv("STORE_TEST_REFUSED"); path != "" {
		writeUntilRefused(t, path)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("this test has strace refuse a system call; install it: %v", err)
	}
	path := filepath.Join(t.TempDir(), "collector.db")
	cmd := exec.Command(strace, "-f", "-qq", "-o", filepath.Join(t.TempDir(), "calls"),
		"-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=20", os.Args[0], "-test.run=^TestDiskRefuses$", "-test.v")
	cmd.Env = append(os.Environ(), "STORE_TEST_REFUSED="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "input/output error") {
		t.Fatalf("%v\n%s", err, out)
	}
	s := reopen(t, path, Config{})
	defer s.Close()
	verifyRollups(t, s)
}

// writeUntilRefused is the process whose disk refuses.
func writeUntilRefused(t *testing.T, path string) {
	s := reopen(t, path, Config{})
	defer s.Close()
	enrol(t, s, hostID(0))
	for seq := uint64(1); seq < 1000; seq++ {
		err := s.Apply(t.Context(), hostID(0), deliver(seq, changed(result("ssh-a", "", finding.Status(seq%2+1)))), nil)
		if err == nil {
			continue
		}
		t.Logf("record %d: %v", seq, err)
		if err := s.Apply(t.Context(), hostID(0), deliver(seq, changed(result("ssh-a", "", finding.StatusPass))), nil); err == nil {
			t.Error("a record is acknowledged after the disk refused one")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Run(ctx); err == nil {
			t.Error("the store goes on")
		}
		return
	}
	t.Error("the disk refused nothing")
}

// TestPositionsAreDurable has a commit that is not on disk yet: the host is not told
// of it, since it would forget what it is told to be here.
func TestPositionsAreDurable(t *testing.T) {
	s, _ := openTest(t, Config{})
	enrol(t, s, hostID(0))
	held := make(chan error)
	s.commits <- commit{group: []request{{done: held}}, results: []error{nil}} // settle waits for held
	applied := make(chan error, 1)
	go func() {
		applied <- s.Apply(t.Context(), hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail))), nil)
	}()
	for {
		seen, err := s.View.Positions(t.Context(), hostID(0))
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) > 0 {
			break
		}
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if told, err := s.Positions(ctx, hostID(0)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("told %+v, %v", told, err)
	}
	<-held
	if err := <-applied; err != nil {
		t.Fatal(err)
	}
	if told, err := s.Positions(t.Context(), hostID(0)); err != nil || len(told) != 1 || told[0].Sequence != 1 {
		t.Errorf("told %+v, %v", told, err)
	}
}

// TestUnsynced has the disk refuse a page of the database while the log is copied.
// The store ends, and leaves the log for the next start: closing would delete it.
func TestUnsynced(t *testing.T) {
	s, path := openTest(t, Config{})
	enrol(t, s, hostID(0))
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	s.commits <- commit{broken: fmt.Errorf("copy: %w", sqlite.ErrUnsynced)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Run(ctx); !errors.Is(err, sqlite.ErrUnsynced) {
		t.Errorf("the store ends with %v", err)
	}
	if err := s.Apply(t.Context(), hostID(0), deliver(2, changed(result("ssh-a", "", finding.StatusPass))), nil); !errors.Is(err, sqlite.ErrUnsynced) {
		t.Errorf("a record after that: %v", err)
	}
	if told, err := s.Positions(t.Context(), hostID(0)); err == nil {
		t.Errorf("positions after that: %+v", told)
	}
	if err := s.Close(); !errors.Is(err, sqlite.ErrUnsynced) {
		t.Errorf("close: %v", err)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("the log is gone: %v", err)
	}
}

// TestCloseAmongRequests closes a store while many ask for something: each is
// answered, and what was acknowledged is there.
func TestCloseAmongRequests(t *testing.T) {
	s, path := openTest(t, Config{})
	const hosts = 20
	for n := range hosts {
		enrol(t, s, hostID(n))
	}
	var told [hosts]uint64
	var wg sync.WaitGroup
	for n := range hosts {
		wg.Go(func() {
			for {
				err := s.Apply(t.Context(), hostID(n), deliver(told[n]+1, changed(result("ssh-a", "", finding.Status(told[n]%2+1)))), nil)
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
				told[n]++
			}
		})
	}
	for len(timeline(t, s, fleet.TimelineQuery{Limit: 200})) < 100 {
		runtime.Gosched()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s = reopen(t, path, Config{})
	for n := range hosts {
		positions, err := s.Positions(t.Context(), hostID(n))
		if err != nil || told[n] > 0 && (len(positions) != 1 || positions[0].Sequence != told[n]) {
			t.Errorf("host %d was told %d, there is %+v, %v", n, told[n], positions, err)
		}
	}
	verifyRollups(t, s)
}
