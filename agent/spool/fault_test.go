package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// faulty is a disk whose operation number at fails, and the following ones too as
// long as it is sick.
type faulty struct {
	n, at  int
	sticky bool
	err    error
	late   bool // the operation is done and then said to have failed
}

func (f *faulty) fails() bool {
	f.n++
	return f.at > 0 && (f.n == f.at || f.sticky && f.n > f.at)
}

func (f *faulty) do(op func() error) error {
	if !f.fails() {
		return op()
	}
	if f.late {
		_ = op()
	}
	return f.err
}

func (f *faulty) ops() *ops {
	disk := diskOps()
	return &ops{
		create: func(dir *os.File, name string) (file *os.File, err error) {
			if f.fails() {
				return nil, f.err
			}
			return disk.create(dir, name)
		},
		write: func(file *os.File, b []byte, off int64) error {
			return f.do(func() error { return disk.write(file, b, off) })
		},
		sync:    func(*os.File) error { return f.do(func() error { return nil }) },
		syncDir: func(*os.File) error { return f.do(func() error { return nil }) },
		truncate: func(file *os.File, n int64) error {
			return f.do(func() error { return disk.truncate(file, n) })
		},
		unlink: func(dir *os.File, name string) error {
			return f.do(func() error { return disk.unlink(dir, name) })
		},
		statfs: disk.statfs,
	}
}

// TestNthOperationFails runs one scenario, over several segments and evictions,
// again and again, failing another operation each time. What was accepted must be
// read exactly once in order, what was refused never.
func TestNthOperationFails(t *testing.T) {
	for _, kind := range []faulty{
		{err: syscall.EIO},
		{err: syscall.EIO, late: true},
		{err: syscall.ENOSPC, sticky: true},
		{err: syscall.EROFS, sticky: true},
		{err: syscall.EIO, sticky: true, late: true},
	} {
		t.Run(fmt.Sprintf("%v sticky=%v late=%v", kind.err, kind.sticky, kind.late), func(t *testing.T) {
			for at, done := 1, false; !done; at++ {
				f := kind
				f.at = at
				synctest.Test(t, func(t *testing.T) { done = nthFails(t, &f) })
				if t.Failed() {
					t.Fatalf("operation %d", at)
				}
			}
		})
	}
}

// nthFails reports whether the scenario ended before the fault came.
func nthFails(t *testing.T, f *faulty) bool {
	dir := t.TempDir()
	sick := f.at
	f.at = 0
	s := mustOpen(t, dir, Config{Lanes: one("posture", 4096), SegmentBytes: 600, CommitBytes: 400, Interval: never, ops: f.ops()})
	f.n, f.at = 0, sick
	r := mustReader(t, dir, "posture")
	var accepted, got []string
	appendOne := func(i int) {
		p := fmt.Sprintf("record %d, which takes some room %0*d", i, 10*(i%9), 0)
		pos, err := s.Append("posture", []byte(p))
		if err == nil {
			accepted = append(accepted, p)
			if pos.Seq != uint64(len(accepted)) {
				t.Fatalf("record %d: sequence %d, want %d", i, pos.Seq, len(accepted))
			}
		} else if !errors.Is(err, f.err) {
			t.Fatalf("record %d: error %v, want %v", i, err, f.err)
		}
	}
	for i := range 40 {
		appendOne(i)
		if i%5 == 4 {
			if err := s.Sync(); err != nil && !errors.Is(err, f.err) {
				t.Fatalf("sync: %v", err)
			}
			more, gaps := readAll(t, r)
			if got = append(got, more...); gaps != nil || len(got) > len(accepted) {
				t.Fatalf("read %d of %d records, gaps %v", len(got), len(accepted), gaps)
			}
		}
	}
	done := f.n < sick
	f.at = 0
	<-time.After(2 * retryAfter) // of the bubble: the disk has recovered, nobody appends
	synctest.Wait()
	appendOne(1000)
	if err := s.Sync(); err != nil {
		t.Fatalf("after recovery: %v", err)
	}
	if st := s.Stats()[0]; st.Err != nil || st.Durable != uint64(len(accepted)) || !done && st.Failed == 0 && f.n == 0 {
		t.Errorf("stats %+v", st)
	}
	more, gaps := readAll(t, r)
	got = append(got, more...)
	if gaps != nil || len(got) != len(accepted) {
		t.Fatalf("read %d of %d records, gaps %v", len(got), len(accepted), gaps)
	}
	for i := range got {
		if got[i] != accepted[i] {
			t.Fatalf("record %d is %q, want %q", i+1, got[i], accepted[i])
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return done
}

// TestGroupCommit checks when a record becomes durable by itself, and that
// nothing runs when nothing is pending.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		syncs := 0
		o := diskOps()
		o.sync = func(f *os.File) error { syncs++; return nil }
		s := mustOpen(t, t.TempDir(), Config{CommitBytes: 1000, ops: &o})
		l := s.lanes["posture"]
		mustAppend(t, s, "posture", "a")
		<-time.After(99 * time.Millisecond)
		mustAppend(t, s, "posture", "b")
		if st := s.Stats()[2]; st.Durable != 0 {
			t.Errorf("durable too early: %+v", st)
		}
		<-time.After(2 * time.Millisecond)
		synctest.Wait()
		if st := s.Stats()[2]; st.Durable != 2 || syncs != 1 {
			t.Errorf("after the interval: %d syncs, %+v", syncs, st)
		}
		if l.timer.Stop() {
			t.Error("a timer runs while nothing is pending")
		}
		for range 10 {
			mustAppend(t, s, "posture", "0123456789012345678901234567890123456789012345678901234567890123456789")
		}
		if st := s.Stats()[2]; st.Durable != 12 || syncs != 2 {
			t.Errorf("after enough bytes: %d syncs, %+v", syncs, st)
		}
		s.Close()
	})
}

// TestFullDisk fills a real file system under the spool.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("mounting a file system needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k,mode=755"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	s := mustOpen(t, filepath.Join(dir, "spool"), Config{Lanes: one("posture", 4<<20), SegmentBytes: 64 << 10, Interval: never})
	defer s.Close()
	payload := make([]byte, 3000)
	var n uint64
	for {
		pos, err := s.Append("posture", payload)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n = pos.Seq; n > 1000 {
			t.Fatal("the disk does not fill")
		}
	}
	if err := s.Sync(); err != nil {
		t.Errorf("sync on the full disk: %v", err)
	}
	filler := filepath.Join(dir, "filler")
	for _, when := range []string{"full", "full still"} {
		if _, err := s.AppendSync("posture", payload); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", when, err)
		}
	}
	r := mustReader(t, filepath.Join(dir, "spool"), "posture")
	if got, gaps := readAll(t, r); uint64(len(got)) != n || gaps != nil {
		t.Errorf("on the full disk: %d of %d records, gaps %v", len(got), n, gaps)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=1024k"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filler, make([]byte, 100<<10))
	if pos, err := s.AppendSync("posture", payload); err != nil || pos.Seq != n+1 {
		t.Errorf("with room again: %v, %v; want sequence %d", pos, err, n+1)
	}
	if got, gaps := readAll(t, r); len(got) != 1 || gaps != nil {
		t.Errorf("with room again: %d records, gaps %v", len(got), gaps)
	}
}
