package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// unsynced is a disk that is quick: what it holds is never lost in these tests.
func unsynced() *ops {
	o := diskOps()
	o.sync = func(*os.File) error { return nil }
	o.syncDir = o.sync
	return &o
}

// smallSpool writes 12 records over three segments of two epochs and returns
// their payloads and the names of the files.
func smallSpool(t testing.TB, dir string) (payloads, files []string) {
	t.Helper()
	cfg := Config{Lanes: one("posture", 4096), SegmentBytes: 300, Interval: never, ops: unsynced()}
	for epoch, n := range []int{8, 4} {
		s := mustOpen(t, dir, cfg)
		for i := range n {
			payloads = append(payloads, fmt.Sprintf("epoch %d record %d", epoch, i)[:11+i%6])
			mustAppend(t, s, "posture", payloads[len(payloads)-1])
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "posture", "*.seg"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d segments, %v; want 3", len(files), err)
	}
	return payloads, files
}

func mustWrite(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o640); err != nil {
		t.Fatal(err)
	}
}

// TestByteFlips changes each byte of a spool of three segments in turn: each bit, and
// all of them. A reader must give every record that was written but at most one, say
// which one, and nothing else; a writer must be able to go on.
func TestByteFlips(t *testing.T) {
	template := t.TempDir()
	want, files := smallSpool(t, template)
	names := []string{folder.WatermarkName}
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	var flips, lost atomic.Int64
	t.Run("files", func(t *testing.T) {
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
					t.Fatal(err)
				}
				n, l := flipFile(t, dir, name, want)
				flips.Add(n)
				lost.Add(l)
			})
		}
	})
	t.Logf("%d flips of %d files: no wrong record, %d flips cost one record, which was located, the others none", flips.Load(), len(names), lost.Load())
}

// flipFile changes each byte of one file of the spool in dir.
func flipFile(t *testing.T, dir, name string, want []string) (flips, lost int64) {
	r := mustReader(t, dir, "posture")
	f, err := os.OpenFile(filepath.Join(dir, "posture", name), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	good, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	put := func(i int, b byte) {
		if _, err := f.WriteAt([]byte{b}, int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, b := range good {
		for _, mask := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 0xff} {
			what := fmt.Sprintf("byte %d mask %#x", i, mask)
			put(i, b^mask)
			lost += checkOneLost(t, what, r, want)
			flips++
			if mask == 0xff && i%13 == 0 { // a copy that a writer opens and goes on with
				checkGoesOn(t, what, dir, want)
			}
		}
		put(i, b)
	}
	return flips, lost
}

// checkOneLost reads the whole spool, compares it with what was written, and
// returns how many records are lost: none, or one that is accounted for.
func checkOneLost(t *testing.T, what string, r *Reader, want []string) int64 {
	t.Helper()
	if _, err := r.Seek(Position{}); err != nil {
		t.Fatal(err)
	}
	got, gaps := readAll(t, r)
	gaps = append(gaps, r.Tail()...)
	if slices.Equal(got, want) && gaps == nil {
		return 0
	}
	if len(gaps) != 1 || gaps[0].Records() != 1 || gaps[0].Reason != Damaged {
		t.Fatalf("%s: gaps %v, records %q", what, gaps, got)
	}
	lost := int(gaps[0].From) - 1
	if !slices.Equal(got, slices.Delete(slices.Clone(want), lost, lost+1)) {
		t.Fatalf("%s: lost record %d, got %q", what, lost+1, got)
	}
	return 1
}

func checkGoesOn(t *testing.T, what, dir string, want []string) {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, to, Config{Lanes: one("posture", 4096), SegmentBytes: 300, Interval: never, ops: unsynced()})
	pos := mustAppend(t, s, "posture", "new")
	s.Close()
	got, gaps := readAll(t, mustReader(t, to, "posture"))
	missing := uint64(0)
	for _, g := range gaps {
		missing += g.Records()
	}
	if len(got) == 0 || got[len(got)-1] != "new" || pos.Seq != uint64(len(want))+1 || missing > 1 ||
		uint64(len(got))+missing != pos.Seq {
		t.Fatalf("%s: new record at %d, %d read, gaps %v", what, pos.Seq, len(got), gaps)
	}
}

// TestTruncation cuts the last segment at every length. What was whole is read,
// and after the next write the rest is a gap: the watermark says that it was there.
func TestTruncation(t *testing.T) {
	dir := t.TempDir()
	want, files := smallSpool(t, dir)
	last := files[len(files)-1]
	good, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, filepath.Join(to, "posture", filepath.Base(last)), good[:n])
		r := mustReader(t, to, "posture")
		got, gaps := readAll(t, r)
		if gaps != nil || len(got) >= len(want)+1 || !slices.Equal(got, want[:len(got)]) {
			t.Fatalf("cut at %d: gaps %v, %q", n, gaps, got)
		}
		s := mustOpen(t, to, Config{Lanes: one("posture", 4096), SegmentBytes: 300, Interval: never, ops: unsynced()})
		mustAppend(t, s, "posture", "new")
		s.Close()
		more, gaps := readAll(t, r)
		var wantGaps []Gap
		if len(got) < len(want) {
			wantGaps = []Gap{{From: uint64(len(got)) + 1, To: uint64(len(want)), Reason: Damaged}}
		}
		if diff := cmp.Diff(wantGaps, gaps); diff != "" || !slices.Equal(more, []string{"new"}) {
			t.Fatalf("cut at %d, then written to: %q, gaps differ (-want +got):\n%s", n, more, diff)
		}
	}
}

// TestTornTail writes what a crash leaves behind the last record and checks that
// neither reader nor writer minds.
func TestTornTail(t *testing.T) {
	whole := segment.AppendRecord(nil, Position{Epoch: 1, Seq: 13}, []byte("never acknowledged"))
	for what, tail := range map[string][]byte{
		"zeros":          make([]byte, 5000),
		"half a header":  whole[:11],
		"half a payload": whole[:30],
		"stale record":   whole, // of another epoch, as in a reused block
		"noise":          []byte("\xff\xfe\x57\x53\xff\xfe\x57\x53 neither this nor that is a record header"),
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			want, files := smallSpool(t, dir)
			last := files[len(files)-1]
			good, err := os.ReadFile(last)
			if err != nil {
				t.Fatal(err)
			}
			mustWrite(t, last, append(good, tail...))
			r := mustReader(t, dir, "posture")
			got, gaps := readAll(t, r)
			if diff := cmp.Diff(want, got); diff != "" || gaps != nil {
				t.Errorf("records differ, gaps %v:\n%s", gaps, diff)
			}
			s := mustOpen(t, dir, Config{Lanes: one("posture", 4096), Interval: never})
			if pos := mustAppend(t, s, "posture", "new"); pos.Seq != uint64(len(want))+1 {
				t.Errorf("went on at %d, want %d", pos.Seq, len(want)+1)
			}
			s.Close()
			if got, gaps := readAll(t, r); !slices.Equal(got, []string{"new"}) || gaps != nil {
				t.Errorf("got %q, gaps %v", got, gaps)
			}
		})
	}
}

func TestUnknownVersion(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Config{Interval: never})
	mustAppend(t, s, "posture", "one")
	s.Close()
	h := segment.Header{Version: segment.Version + 1, Epoch: 7, First: 2, Lane: "posture"}
	seg := append(h.Encode(), make([]byte, 800)...)
	name := filepath.Join(dir, "posture", segment.File{First: 2, Epoch: 7}.Name())
	mustWrite(t, name, seg)

	s = mustOpen(t, dir, Config{Interval: never})
	pos := mustAppend(t, s, "posture", "two")
	s.Close()
	got, gaps := readAll(t, mustReader(t, dir, "posture"))
	if !slices.Equal(got, []string{"one", "two"}) || len(gaps) != 1 || gaps[0].From != 2 || gaps[0].To != pos.Seq-1 {
		t.Errorf("got %q, gaps %v", got, gaps)
	}
	if _, err := os.Stat(name); err != nil {
		t.Errorf("a segment of a newer version was removed: %v", err)
	}
}
