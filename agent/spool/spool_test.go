package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/inspect"
	"seawall/agent/spool/segment"
)

// never keeps commits to those that a test asks for.
const never = time.Hour

func mustOpen(t testing.TB, dir string, cfg Config) *Spool {
	t.Helper()
	if cfg.MinFree == 0 {
		cfg.MinFree = -1 // whatever this machine has free
	}
	s, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustReader(t testing.TB, dir, lane string) *Reader {
	t.Helper()
	r, err := OpenReader(dir, lane)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func mustAppend(t testing.TB, s *Spool, lane, payload string) Position {
	t.Helper()
	pos, err := s.Append(lane, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// readAll returns what a reader gives now, payloads as strings.
func readAll(t testing.TB, r *Reader) (payloads []string, gaps []Gap) {
	t.Helper()
	for {
		rec, err := r.Next()
		if errors.Is(err, ErrEmpty) {
			return payloads, gaps
		}
		if err != nil {
			t.Fatal(err)
		}
		gaps = append(gaps, rec.Gaps...)
		payloads = append(payloads, string(rec.Payload))
	}
}

func one(lane string, max int64) map[string]int64 { return map[string]int64{lane: max} }

func TestAppendAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := mustOpen(t, dir, Config{Interval: never})
	r := mustReader(t, dir, "posture")
	if _, err := r.Next(); !errors.Is(err, ErrEmpty) {
		t.Fatalf("empty spool: got error %v, want ErrEmpty", err)
	}
	want := []string{"", "a", string(bytes.Repeat([]byte("x"), MaxPayload)), "\xff\xfe\x57\x53 not a marker"}
	for i, p := range want {
		if pos := mustAppend(t, s, "posture", p); pos != (Position{Epoch: s.Epoch(), Seq: uint64(i + 1)}) {
			t.Errorf("append %d: position %v", i, pos)
		}
	}
	if got, _ := readAll(t, r); len(got) > 0 {
		t.Errorf("read %d records that are not durable", len(got))
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	got, gaps := readAll(t, r)
	if diff := cmp.Diff(want, got); diff != "" || gaps != nil {
		t.Errorf("records differ (-want +got), gaps %v:\n%s", gaps, diff)
	}
	if pos, err := s.AppendSync("health", []byte("beat")); err != nil || pos.Seq != 1 {
		t.Errorf("other lane: %v, %v", pos, err)
	}
	if got, _ := readAll(t, mustReader(t, dir, "health")); len(got) != 1 || got[0] != "beat" {
		t.Errorf("other lane: read %q", got)
	}
	rep, err := inspect.Verify(dir)
	if err != nil || !rep.Good() || rep.Lanes[2].Records != len(want) {
		t.Errorf("verify: %+v, %v", rep, err)
	}
}

// TestDiscard empties a spool that came with a copied disk, also after a discard that
// ended half way.
func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{Interval: never})
	for i := range 5 {
		mustAppend(t, s, "posture", fmt.Sprint("original's ", i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	failed := diskOps()
	failed.unlink = func(dir *os.File, name string) error {
		if name == folder.WatermarkName {
			return unix.EIO
		}
		return diskOps().unlink(dir, name)
	}
	if _, err := Open(dir, Config{Discard: true, ops: &failed}); !errors.Is(err, unix.EIO) {
		t.Fatalf("discard that fails: %v", err)
	}
	s = mustOpen(t, dir, Config{Interval: never, Discard: true})
	if pos := mustAppend(t, s, "posture", "its own"); pos.Seq != 1 {
		t.Errorf("sequence %d, want 1", pos.Seq)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	got, gaps := readAll(t, mustReader(t, dir, "posture"))
	if diff := cmp.Diff([]string{"its own"}, got); diff != "" || gaps != nil {
		t.Errorf("records differ, gaps %v:\n%s", gaps, diff)
	}
}

func TestReopenGoesOn(t *testing.T) {
	dir := t.TempDir()
	var want []string
	var epochs []uint64
	r := (*Reader)(nil)
	for i := range 3 {
		s := mustOpen(t, dir, Config{Interval: never})
		epochs = append(epochs, s.Epoch())
		if r == nil {
			r = mustReader(t, dir, "posture")
		}
		for j := range 2 {
			want = append(want, fmt.Sprint(i, j))
			if pos := mustAppend(t, s, "posture", want[len(want)-1]); pos.Seq != uint64(len(want)) {
				t.Errorf("sequence %d, want %d", pos.Seq, len(want))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append("posture", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("append after close: %v", err)
		}
	}
	got, gaps := readAll(t, r)
	if diff := cmp.Diff(want, got); diff != "" || gaps != nil {
		t.Errorf("records differ, gaps %v:\n%s", gaps, diff)
	}
	if epochs[0] == epochs[1] || epochs[1] == epochs[2] {
		t.Errorf("epochs repeat: %x", epochs)
	}

	// Opening and closing alone leaves nothing behind.
	before := segments(t, dir)
	for range 3 {
		mustOpen(t, dir, Config{}).Close()
	}
	if after := segments(t, dir); len(after) != len(before) {
		t.Errorf("%d segments after idle opens, want %d", len(after), len(before))
	}
}

func TestSeek(t *testing.T) {
	dir := t.TempDir()
	var all []Position
	for range 3 {
		s := mustOpen(t, dir, Config{Lanes: one("posture", 4096), SegmentBytes: 200, Interval: never})
		for range 8 {
			all = append(all, mustAppend(t, s, "posture", "0123456789"))
		}
		s.Close()
	}
	r := mustReader(t, dir, "posture")
	for i, pos := range all {
		if known, err := r.Seek(pos); err != nil || !known {
			t.Fatalf("seek %v: %v, %v", pos, known, err)
		}
		rec, err := r.Next()
		if i == len(all)-1 {
			if !errors.Is(err, ErrEmpty) {
				t.Errorf("after the last: %v, %v", rec, err)
			}
			continue
		}
		if err != nil || rec.Position != all[i+1] || rec.Gaps != nil {
			t.Errorf("after %v: %v %v, %v; want %v", pos, rec.Position, rec.Gaps, err, all[i+1])
		}
	}
	// An epoch that the spool does not know: from the oldest on.
	for _, pos := range []Position{{}, {Epoch: 1}, {Epoch: 1, Seq: 7}, {Epoch: 1, Seq: 1000}} {
		known, err := r.Seek(pos)
		rec, nerr := r.Next()
		if known || err != nil || nerr != nil || rec.Position != all[0] || rec.Gaps != nil {
			t.Errorf("seek %v: %v %v; next %v %v %v", pos, known, err, rec.Position, rec.Gaps, nerr)
		}
	}
	oldest, newest, err := r.Bounds()
	if err != nil || oldest != all[0] || newest != all[len(all)-1] {
		t.Errorf("bounds %v to %v, %v; want %v to %v", oldest, newest, err, all[0], all[len(all)-1])
	}
}

func TestRestoredFromBackup(t *testing.T) {
	dir, backup := t.TempDir(), t.TempDir()
	s := mustOpen(t, dir, Config{Interval: never})
	for i := range 5 {
		mustAppend(t, s, "posture", fmt.Sprint(i))
	}
	s.Sync()
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	var have Position
	for i := range 5 {
		have = mustAppend(t, s, "posture", fmt.Sprint("lost ", i))
	}
	s.Close()

	s = mustOpen(t, backup, Config{Interval: never})
	mustAppend(t, s, "posture", "new")
	s.Sync()
	r := mustReader(t, backup, "posture")
	if known, err := r.Seek(have); err != nil || !known {
		t.Fatal(known, err)
	}
	if got, gaps := readAll(t, r); len(got) != 1 || got[0] != "new" || gaps != nil {
		t.Errorf("got %q, gaps %v; want the record that was written since", got, gaps)
	}
}

func TestEviction(t *testing.T) {
	const bound = 8 << 10
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{Lanes: map[string]int64{"posture": bound, "health": bound}, Interval: never})
	mustAppend(t, s, "health", "kept")
	lagging := mustReader(t, dir, "posture")
	var evicted, n uint64
	for i := range 500 {
		mustAppend(t, s, "posture", fmt.Sprintf("record %d", i))
		n++
		if i == 10 {
			s.Sync()
			if rec, err := lagging.Next(); err != nil || rec.Seq != 1 {
				t.Fatal(rec, err)
			}
		}
		if b := diskBytes(t, filepath.Join(dir, "posture")); b > bound {
			t.Fatalf("%d bytes on disk after %d records, bound %d", b, n, bound)
		}
		g := s.Evictions("posture")
		if g.Records() > 0 && g.From != evicted+1 {
			t.Fatalf("evicted %v after %d", g, evicted)
		}
		evicted += g.Records()
	}
	s.Sync()
	st := s.Stats()
	if st[0].Lane != "health" || st[0].Evicted != 0 || st[0].Last != 1 {
		t.Errorf("health was touched: %+v", st[0])
	}
	if evicted == 0 || st[1].Evicted != evicted || st[1].First != evicted+1 || st[1].Last != n || st[1].Durable != n {
		t.Errorf("stats %+v, want %d evicted of %d", st[1], evicted, n)
	}
	got, gaps := readAll(t, mustReader(t, dir, "posture"))
	if diff := cmp.Diff([]Gap{{From: 1, To: evicted, Reason: Evicted}}, gaps); diff != "" || uint64(len(got)) != n-evicted {
		t.Errorf("read %d records; gaps: %s", len(got), diff)
	}
	// One that holds an evicted segment open reads on in it first.
	got, gaps = readAll(t, lagging)
	if len(gaps) != 1 || gaps[0].Reason != Evicted || uint64(len(got))+gaps[0].Records() != n-1 {
		t.Errorf("lagging reader: %d records, gaps %v, want %d in all", len(got), gaps, n-1)
	}
}

// segments lists the segments of the posture lane.
func segments(t rapid.TB, dir string) []segment.File {
	t.Helper()
	d, err := folder.OpenLane(dir, "posture")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	segs, _, err := folder.List(d)
	if err != nil {
		t.Fatal(err)
	}
	return segs
}

func diskBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if fi, err := os.Stat(f); err == nil {
			n += fi.Size()
		}
	}
	return n
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{})
	if _, err := Open(dir, Config{}); !errors.Is(err, ErrLocked) {
		t.Errorf("second writer: %v", err)
	}
	if _, err := s.Append("posture", make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large payload: %v", err)
	}
	if _, err := s.Append("nosuch", nil); !errors.Is(err, ErrNoLane) {
		t.Errorf("unknown lane: %v", err)
	}
	if _, err := OpenReader(dir, "nosuch"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unknown lane: %v", err)
	}
	for _, lane := range []string{"", "..", "Posture", "a/b", "abcdefghijklm", "a\x00"} {
		if _, err := OpenReader(dir, lane); !errors.Is(err, ErrNoLane) {
			t.Errorf("lane %q: %v", lane, err)
		}
		if _, err := Open(t.TempDir(), Config{Lanes: one(lane, 1<<20)}); err == nil {
			t.Errorf("lane %q: opened", lane)
		}
	}
	if _, err := Open(t.TempDir(), Config{Lanes: one("a", 5000), SegmentBytes: 4000}); err == nil {
		t.Error("opened a lane of less than two segments")
	}
}

func TestModes(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	dir := filepath.Join(t.TempDir(), "spool")
	s := mustOpen(t, dir, Config{})
	mustAppend(t, s, "posture", "x")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		want := fs.FileMode(0o640)
		if d.IsDir() {
			want = 0o750
		}
		if err == nil && fi.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, fi.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImpostors(t *testing.T) {
	plant := map[string]func(name string) error{
		"symlink":   func(n string) error { return os.Symlink("/dev/zero", n) },
		"fifo":      func(n string) error { return unix.Mkfifo(n, 0o644) },
		"directory": func(n string) error { return os.Mkdir(n, 0o755) },
		"hard link": func(n string) error {
			if err := os.WriteFile(n+".x", make([]byte, 200), 0o644); err != nil {
				return err
			}
			return os.Link(n+".x", n)
		},
	}
	for what, plant := range plant {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir, Config{Interval: never})
			mustAppend(t, s, "posture", "first")
			s.Close()
			r := mustReader(t, dir, "posture")
			if err := plant(filepath.Join(dir, "posture", segment.File{First: 2, Epoch: 9}.Name())); err != nil {
				t.Fatal(err)
			}
			if got, _ := readAll(t, r); len(got) != 1 {
				t.Errorf("reader: got %q", got)
			}
			if rep, err := inspect.Verify(dir); err != nil || rep.Good() {
				t.Errorf("verify: %+v, %v", rep, err)
			}
			s = mustOpen(t, dir, Config{Interval: never})
			mustAppend(t, s, "posture", "second")
			s.Close()
			if got, gaps := readAll(t, r); len(got) != 1 || got[0] != "second" || gaps != nil {
				t.Errorf("reader: got %q %v", got, gaps)
			}
		})
		t.Run(what+" as lane", func(t *testing.T) {
			if what == "directory" {
				return
			}
			dir := t.TempDir()
			for range 5 { // and again: one of them is in the way
				if err := errors.Join(os.RemoveAll(filepath.Join(dir, "posture")), os.RemoveAll(filepath.Join(dir, "posture.x")), plant(filepath.Join(dir, "posture"))); err != nil {
					t.Fatal(err)
				}
				s := mustOpen(t, dir, Config{Interval: never})
				mustAppend(t, s, "posture", "x")
				s.Close()
				if got, _ := readAll(t, mustReader(t, dir, "posture")); len(got) != 1 {
					t.Errorf("got %q", got)
				}
			}
		})
		t.Run(what+" as watermark", func(t *testing.T) {
			dir := t.TempDir()
			mustOpen(t, dir, Config{}).Close()
			name := filepath.Join(dir, "posture", folder.WatermarkName)
			os.Remove(name)
			if err := plant(name); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenReader(dir, "posture"); err == nil {
				t.Error("reader opened it")
			}
			if s, err := Open(dir, Config{}); err == nil {
				mustAppend(t, s, "posture", "x")
				s.Close()
				if got, _ := readAll(t, mustReader(t, dir, "posture")); len(got) != 1 {
					t.Errorf("got %q", got)
				}
			} else {
				t.Error(err)
			}
		})
	}
}

// TestFollow appends from several goroutines, over many segments, while readers
// follow: each sees every record, in order.
func TestFollow(t *testing.T) {
	const writers, each = 4, 300
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{Lanes: one("posture", 8<<20), SegmentBytes: 4096, Interval: time.Millisecond})
	var wg sync.WaitGroup
	for range 2 {
		r := mustReader(t, dir, "posture")
		wg.Go(func() {
			for last := uint64(0); last < writers*each; {
				rec, err := r.Next()
				if errors.Is(err, ErrEmpty) {
					err = r.Wait(t.Context())
				} else if err == nil {
					if last++; rec.Seq != last || rec.Gaps != nil {
						err = fmt.Errorf("record %d, want %d, gap %v", rec.Seq, last, rec.Gaps)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				var err error
				if i%10 == 0 {
					_, err = s.AppendSync("posture", fmt.Appendf(nil, "writer %d record %d", w, i))
				} else {
					_, err = s.Append("posture", fmt.Appendf(nil, "writer %d record %d", w, i))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestSpoolMadeAnew removes a spool under its reader, which goes on with the new
// one.
func TestSpoolMadeAnew(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{Interval: never})
	for range 5 {
		mustAppend(t, s, "posture", "old")
	}
	s.Close()
	r := mustReader(t, dir, "posture")
	if got, _ := readAll(t, r); len(got) != 5 {
		t.Fatalf("read %q", got)
	}
	files, err := filepath.Glob(filepath.Join(dir, "posture", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a spool: %v", err)
	}
	s = mustOpen(t, dir, Config{Interval: never})
	mustAppend(t, s, "posture", "new")
	s.Sync()
	if got, gaps := readAll(t, r); len(got) != 1 || got[0] != "new" || gaps != nil {
		t.Errorf("read %q, gaps %v", got, gaps)
	}
}
