package reader_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/spool"
	"seawall/agent/spool/folder"
	"seawall/agent/spool/reader"
	"seawall/agent/spool/segment"
)

const (
	size = 24 // of a payload; a record takes 56 bytes, a segment holds 4
	lane = "posture"
)

var cfg = spool.Config{Lanes: map[string]int64{lane: 4096}, SegmentBytes: segment.HeaderSize + 4*56, MinFree: -1}

// write appends n records to the spool in dir, from one writer.
func write(t *testing.T, dir string, n int) {
	t.Helper()
	s, err := spool.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := s.Append(lane, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// segments lists the files of the segments, oldest first.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, lane, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// damage changes one byte of record i, counted from 0, of a segment.
func damage(t *testing.T, file string, i, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[segment.HeaderSize+i*56+at] ^= 0x10
	if err := os.WriteFile(file, b, 0o640); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *reader.Reader {
	t.Helper()
	r, err := reader.Open(dir, lane)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// account returns the sequences that are read and all that is said to be missing.
func account(t *testing.T, r *reader.Reader) (seen []uint64, gaps, tail []segment.Gap) {
	t.Helper()
	for {
		rec, err := r.Next()
		if errors.Is(err, reader.ErrEmpty) {
			return seen, gaps, r.Tail()
		}
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, rec.Seq)
		gaps = append(gaps, rec.Gaps...)
	}
}

// TestGaps damages a spool of 20 records in five segments and checks that exactly
// what is gone is said to be, and why.
func TestGaps(t *testing.T) {
	const header, payload = 9, segment.HeaderSize/2 + 2
	gap := func(from, to uint64, why segment.Reason) segment.Gap {
		return segment.Gap{From: from, To: to, Reason: why}
	}
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, dir string, segs []string)
		gaps []segment.Gap
		tail []segment.Gap
	}{
		{name: "nothing", do: func(*testing.T, string, []string) {}},
		{name: "the first record", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[0], 0, payload)
		}, gaps: []segment.Gap{gap(1, 1, segment.Damaged)}},
		{name: "several in a row", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[1], 1, header)
			damage(t, segs[1], 2, payload)
		}, gaps: []segment.Gap{gap(6, 7, segment.Damaged)}},
		{name: "two apart", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[1], 0, header)
			damage(t, segs[1], 2, header)
		}, gaps: []segment.Gap{gap(5, 5, segment.Damaged), gap(7, 7, segment.Damaged)}},
		{name: "from one segment into the next", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[1], 3, payload)
			damage(t, segs[2], 0, header)
		}, gaps: []segment.Gap{gap(8, 9, segment.Damaged)}},
		{name: "the end of a segment", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[2], 3, header)
		}, gaps: []segment.Gap{gap(12, 12, segment.Damaged)}},
		{name: "the last record", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[4], 3, payload)
		}, tail: []segment.Gap{gap(20, 20, segment.Damaged)}},
		{name: "the header of the last record", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[4], 3, header)
		}, tail: []segment.Gap{gap(20, 20, segment.Damaged)}},
		{name: "a segment gone", do: func(t *testing.T, _ string, segs []string) {
			remove(t, segs[1])
		}, gaps: []segment.Gap{gap(5, 8, segment.Damaged)}},
		{name: "the oldest segment gone", do: func(t *testing.T, _ string, segs []string) {
			remove(t, segs[0])
		}, gaps: []segment.Gap{gap(1, 4, segment.Damaged)}},
		{name: "the newest segment gone", do: func(t *testing.T, _ string, segs []string) {
			remove(t, segs[4])
		}, tail: []segment.Gap{gap(17, 20, segment.Damaged)}},
		{name: "every segment gone", do: func(t *testing.T, _ string, segs []string) {
			remove(t, segs...)
		}, tail: []segment.Gap{gap(1, 20, segment.Damaged)}},
		{name: "two segments gone and a record before them", do: func(t *testing.T, _ string, segs []string) {
			damage(t, segs[0], 3, header)
			remove(t, segs[1], segs[2])
		}, gaps: []segment.Gap{gap(4, 12, segment.Damaged)}},
		{name: "a link in a segment's place", do: func(t *testing.T, _ string, segs []string) {
			remove(t, segs[1])
			if err := os.Symlink(segs[2], segs[1]); err != nil {
				t.Fatal(err)
			}
		}, gaps: []segment.Gap{gap(5, 8, segment.Damaged)}},
		{name: "another segment's content", do: func(t *testing.T, _ string, segs []string) {
			b, err := os.ReadFile(segs[2])
			if err == nil {
				err = os.WriteFile(segs[1], b, 0o640)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, gaps: []segment.Gap{gap(5, 8, segment.Damaged)}},
		{name: "a segment of zeros", do: func(t *testing.T, _ string, segs []string) {
			if err := os.WriteFile(segs[3], make([]byte, 400), 0o640); err != nil {
				t.Fatal(err)
			}
		}, gaps: []segment.Gap{gap(13, 16, segment.Damaged)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, 8) // two epochs
			write(t, dir, 12)
			segs := segments(t, dir)
			if len(segs) != 5 {
				t.Fatalf("segments %q", segs)
			}
			tt.do(t, dir, segs)
			seen, gaps, tail := account(t, open(t, dir))
			if diff := cmp.Diff(tt.gaps, gaps); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.tail, tail); diff != "" {
				t.Errorf("tail (-want +got):\n%s", diff)
			}
			missing := 0
			for _, g := range append(gaps, tail...) {
				missing += int(g.Records())
			}
			if len(seen)+missing != 20 {
				t.Errorf("%d records read and %d missing of 20", len(seen), missing)
			}
			// What is written next has the same in its gaps.
			write(t, dir, 1)
			if _, gaps, tail = account(t, open(t, dir)); len(tail) > 0 || len(gaps) != len(tt.gaps)+len(tt.tail) {
				t.Errorf("with one more record: gaps %v, tail %v", gaps, tail)
			}
		})
	}
}

func remove(t *testing.T, files ...string) {
	t.Helper()
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEvictedThenDamaged: what was evicted and what is damaged right behind it are
// two gaps, for a reader from the start and for one that was somewhere.
func TestEvictedThenDamaged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 4)
	lagging := open(t, dir)
	if seen, gaps, _ := account(t, lagging); len(seen) != 4 || gaps != nil {
		t.Fatal(seen, gaps)
	}
	write(t, dir, 100)
	segs := segments(t, dir)
	first, ok := segment.ParseName(filepath.Base(segs[0]))
	if !ok || first.First < 20 {
		t.Fatalf("oldest segment %s", segs[0])
	}
	damage(t, segs[0], 0, 9)
	damage(t, segs[0], 1, 9)
	at := first.First
	for r, from := range map[*reader.Reader]uint64{lagging: 5, open(t, dir): 1} {
		_, gaps, tail := account(t, r)
		want := []segment.Gap{{From: from, To: at - 1, Reason: segment.Evicted}, {From: at, To: at + 1, Reason: segment.Damaged}}
		if diff := cmp.Diff(want, gaps); diff != "" || tail != nil {
			t.Errorf("tail %v, gaps (-want +got):\n%s", tail, diff)
		}
	}
	// The same where the watermark was lost and nobody knows what was evicted.
	remove(t, filepath.Join(dir, lane, folder.WatermarkName))
	write(t, dir, 0)
	_, gaps, _ := account(t, open(t, dir))
	if len(gaps) != 2 || gaps[0].To != at-1 || gaps[0].Reason != segment.Evicted || gaps[1].Reason != segment.Damaged {
		t.Errorf("without a watermark: gaps %v", gaps)
	}
}

// TestOutOfReach: a reader is told what a spool cannot give and never waits for it.
func TestOutOfReach(t *testing.T) {
	dir := t.TempDir()
	if _, err := reader.Open(dir, lane); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no lane: %v", err)
	}
	write(t, dir, 3)
	r := open(t, dir)
	name := filepath.Join(dir, lane, folder.WatermarkName)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{"empty": nil, "noise": []byte(fmt.Sprintf("%080d", 7))} {
		if err := os.WriteFile(name, b, 0o640); err != nil {
			t.Fatal(err)
		}
		if seen, gaps, tail := account(t, r); seen != nil || gaps != nil || tail != nil {
			t.Errorf("%s watermark: %v %v %v", what, seen, gaps, tail)
		}
	}
	if err := os.WriteFile(name, good, 0o640); err != nil {
		t.Fatal(err)
	}
	if seen, _, _ := account(t, r); len(seen) != 3 {
		t.Errorf("with the watermark again: %v", seen)
	}
}
