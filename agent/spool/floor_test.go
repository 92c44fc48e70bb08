package spool

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFloor fills a file system from the other side: below the floor the lane goes
// on within what it had, and grows again when there is room.
func TestFloor(t *testing.T) {
	const segBytes = 1 << 10
	free := int64(100 << 20)
	o := unsynced()
	o.statfs = func(*os.File) (space, error) { return space{free: free, size: 1 << 30, inodes: 1000, files: 2000}, nil }
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{Lanes: one("posture", 64<<10), SegmentBytes: segBytes, MinFree: 10 << 20, Interval: never, ops: o})
	add := func(n int) LaneStats {
		t.Helper()
		for range n {
			mustAppend(t, s, "posture", strings.Repeat("x", 200))
		}
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		return s.Stats()[0]
	}
	before := add(60)
	if before.Low || before.Evicted != 0 {
		t.Fatalf("with room: %+v", before)
	}
	free = 5 << 20
	low := add(40)
	if !low.Low || low.Evicted == 0 || low.Bytes > before.Bytes+segBytes || low.First <= before.First {
		t.Errorf("below the floor: %+v, before %+v", low, before)
	}
	free = 100 << 20
	after := add(40)
	if after.Low || after.Evicted > low.Evicted || after.Bytes <= low.Bytes {
		t.Errorf("with room again: %+v, below the floor %+v", after, low)
	}
	got, gaps := readAll(t, mustReader(t, dir, "posture"))
	want := Gap{From: 1, To: low.Evicted, Reason: Evicted}
	if len(gaps) != 1 || gaps[0] != want || uint64(len(got)) != 140-low.Evicted {
		t.Errorf("read %d records, gaps %v; want %v", len(got), gaps, want)
	}
}

// TestFloorLeavesOneSegment: a lane that begins on a full file system takes one
// segment and no more, with what is newest.
func TestFloorLeavesOneSegment(t *testing.T) {
	for what, sp := range map[string]space{
		"bytes":  {free: 1, size: 1 << 30},
		"inodes": {free: 1 << 30, size: 1 << 30, inodes: 3, files: 100},
	} {
		o := unsynced()
		o.statfs = func(*os.File) (space, error) { return sp, nil }
		s := mustOpen(t, t.TempDir(), Config{Lanes: one("posture", 64<<10), SegmentBytes: 2 << 10, MinFree: 10 << 20, Interval: never, ops: o})
		for i := range 100 {
			mustAppend(t, s, "posture", strings.Repeat("x", 200))
			if st := s.Stats()[0]; st.Segments > 1 || st.Bytes > 2<<10 {
				t.Fatalf("%s: after %d records: %+v", what, i+1, st)
			}
		}
	}
}

func TestDefaultFloor(t *testing.T) {
	for _, tt := range []struct {
		sp   space
		low  bool
		what string
	}{
		{space{free: 6, size: 100}, false, "6 % free"},
		{space{free: 4, size: 100}, true, "4 % free"},
		{space{free: 2 << 30, size: 1 << 40}, false, "2 GiB of a large one free"},
		{space{free: 1 << 29, size: 1 << 40}, true, "half a GiB free"},
		{space{free: 50, size: 100, inodes: 2, files: 9}, true, "no inodes"},
		{space{free: 50, size: 100}, false, "inodes that are not counted"},
	} {
		if l := (&lane{}); l.low(tt.sp) != tt.low {
			t.Errorf("%s: low is %v", tt.what, !tt.low)
		}
	}
}

// mountFor mounts a small file system for a test: what it says, with room for size
// bytes.
func mountFor(t *testing.T, mkfs ...string) (dir, device string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("mounting a file system needs root")
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 8<<20); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("mkfs.ext4", append(append([]string{"-q", "-F", "-O", "^has_journal"}, mkfs...), image)...)
	device = run("losetup", "--find", "--show", image)
	t.Cleanup(func() { run("losetup", "--detach", device) })
	dir = t.TempDir()
	if err := unix.Mount(device, dir, "ext4", 0, "errors=remount-ro"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir, device
}

// TestNoInodes takes every inode of a real file system. The lane goes on in what it
// has, one segment for another.
func TestNoInodes(t *testing.T) {
	dir, _ := mountFor(t, "-N", "32")
	s := mustOpen(t, filepath.Join(dir, "spool"), Config{Lanes: one("posture", 1<<20), SegmentBytes: 8 << 10, Interval: never, MinFree: 1})
	for range 20 {
		mustAppend(t, s, "posture", strings.Repeat("x", 2000))
	}
	for i := 0; ; i++ {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint("taken", i)), os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for range 20 {
		mustAppend(t, s, "posture", strings.Repeat("y", 2000))
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	st := s.Stats()[0]
	if !st.Low || st.Evicted == 0 || st.Durable != 40 || st.Refused != 0 {
		t.Errorf("without inodes: %+v", st)
	}
	got, gaps := readAll(t, mustReader(t, filepath.Join(dir, "spool"), "posture"))
	if uint64(len(got)) != 40-st.Evicted || len(gaps) != 1 || gaps[0].To != st.Evicted {
		t.Errorf("read %d records, gaps %v; %d were evicted", len(got), gaps, st.Evicted)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestReadOnly makes a real file system read-only under the writer, as the kernel
// does after an error. Appends are refused at once, and a spool opened after the
// repair goes on.
func TestReadOnly(t *testing.T) {
	dir, device := mountFor(t)
	at := filepath.Join(dir, "spool")
	cfg := Config{Lanes: one("posture", 1<<20), SegmentBytes: 8 << 10, Interval: never}
	s := mustOpen(t, at, cfg)
	for range 5 {
		if _, err := s.AppendSync("posture", []byte("before")); err != nil {
			t.Fatal(err)
		}
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(device), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("test"), 0); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := s.AppendSync("posture", []byte("refused")); !errors.Is(err, syscall.EROFS) && !errors.Is(err, syscall.EIO) {
			t.Errorf("append %d on a read-only disk: %v", i, err)
		}
	}
	st := s.Stats()[0]
	if st.Refused+st.Failed < 3 || st.Err == nil {
		t.Errorf("stats %+v", st)
	}
	check := func(when string, want int) {
		t.Helper()
		r, err := OpenReader(at, "posture")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got, gaps := readAll(t, r); len(got) < want || gaps != nil {
			t.Errorf("%s: read %d records, gaps %v", when, len(got), gaps)
		}
	}
	check("read-only", 5)
	s.Close() // it cannot be made durable
	if err := errors.Join(unix.Unmount(dir, 0), unix.Mount(device, dir, "ext4", 0, "")); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, at, cfg)
	if _, err := s.AppendSync("posture", []byte("after")); err != nil {
		t.Error(err)
	}
	check("mounted again", 6)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
