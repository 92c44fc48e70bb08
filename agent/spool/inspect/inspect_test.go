package inspect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/agent/spool"
	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// make writes 20 records over several segments and returns the segments' names.
func makeSpool(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = t.TempDir()
	s, err := spool.Open(dir, spool.Config{Lanes: map[string]int64{"posture": 64 << 10}, SegmentBytes: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 20 {
		if _, err := s.AppendSync("posture", fmt.Appendf(nil, "record %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	files, err = filepath.Glob(filepath.Join(dir, "posture", "*.seg"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d segments, %v", len(files), err)
	}
	return dir, files
}

func TestVerify(t *testing.T) {
	flip := func(off int64) func(string) error {
		return func(name string) error {
			f, err := os.OpenFile(name, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, off); err != nil {
				return err
			}
			b[0] ^= 0x20
			_, err = f.WriteAt(b, off)
			return err
		}
	}
	for _, tt := range []struct {
		name    string
		damage  func(name string) error // of the second segment
		records int
		problem string
	}{
		{"nothing", func(string) error { return nil }, 20, ""},
		{"header", flip(20), 20, "damaged segment header"},
		{"record header", flip(segment.HeaderSize + 9), 19, "offset 64: 40 damaged bytes"},
		{"payload", flip(segment.HeaderSize + 24), 19, "offset 64: 40 damaged bytes"},
		{"segment gone", os.Remove, 17, "records 4 to 6 are missing before it"},
		{"cut", func(n string) error { return os.Truncate(n, segment.HeaderSize+20) }, 17, "offset 64: 20 damaged bytes"},
		{"link in place", func(n string) error {
			return errors.Join(os.Rename(n, n+".moved"), os.Symlink(n+".moved", n))
		}, 17, "not a plain file"},
		{"version", func(n string) error {
			f, _ := segment.ParseName(filepath.Base(n))
			h := segment.NewHeader("posture", f)
			h.Version++
			return os.WriteFile(n, h.Encode(), 0o640)
		}, 17, "format version 2 is not known"},
		{"another segment's", func(n string) error {
			f, _ := segment.ParseName(filepath.Base(n))
			f.First++
			return os.WriteFile(n, segment.NewHeader("other", f).Encode(), 0o640)
		}, 17, `of lane "other"`},
		{"watermark", func(n string) error {
			return os.Truncate(filepath.Join(filepath.Dir(n), folder.WatermarkName), 0)
		}, 20, "damaged watermark"},
		{"watermark gone", func(n string) error {
			return os.Remove(filepath.Join(filepath.Dir(n), folder.WatermarkName))
		}, 20, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, files := makeSpool(t)
			if err := tt.damage(files[1]); err != nil {
				t.Fatal(err)
			}
			rep, err := Verify(dir)
			if err != nil || len(rep.Lanes) != 1 {
				t.Fatalf("%+v, %v", rep, err)
			}
			l := rep.Lanes[0]
			text := strings.Join(l.Problems, "\n")
			if l.Records != tt.records || rep.Good() != (tt.problem == "") || !strings.Contains(text, tt.problem) {
				t.Errorf("%d records, want %d; problems, want %q:\n%s", l.Records, tt.records, tt.problem, text)
			}
			n, missing := 0, uint64(0)
			err = Walk(dir, "posture", func(rec Record) error {
				n++
				if want := fmt.Sprintf("record %d", rec.Seq-1); string(rec.Payload) != want {
					t.Errorf("record %d is %q", rec.Seq, rec.Payload)
				}
				for _, g := range rec.Gaps {
					missing += g.Records()
				}
				return nil
			})
			if err != nil || n != tt.records || n+int(missing) != 20 {
				t.Errorf("walked over %d records and %d that are missing, %v", n, missing, err)
			}
		})
	}
}

func TestWalkStops(t *testing.T) {
	dir, _ := makeSpool(t)
	enough := errors.New("enough")
	n := 0
	err := Walk(dir, "posture", func(Record) error {
		if n++; n == 5 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 5 {
		t.Errorf("%d records, %v", n, err)
	}
	if err := Walk(dir, "..", nil); !errors.Is(err, folder.ErrNoLane) {
		t.Errorf("no lane: %v", err)
	}
	if _, err := Verify(filepath.Join(dir, "nosuch")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no spool: %v", err)
	}
}

func TestEvictedAndAside(t *testing.T) {
	dir := t.TempDir()
	cfg := spool.Config{Lanes: map[string]int64{"posture": 4096}, SegmentBytes: 400, MinFree: -1}
	s, err := spool.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := s.Append("posture", []byte("record")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// What only looks like a segment is set aside by the next writer.
	name := segment.File{First: 1 << 20, Epoch: 1}.Name()
	if err := os.Symlink("nowhere", filepath.Join(dir, "posture", name)); err != nil {
		t.Fatal(err)
	}
	if s, err = spool.Open(dir, cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rep, err := Verify(dir)
	if err != nil || !rep.Good() {
		t.Fatalf("%+v, %v", rep, err)
	}
	l := rep.Lanes[0]
	if l.Evicted != l.Segments[0].First-1 || int(l.Evicted)+l.Records != 200 || len(l.Aside) != 1 || l.Aside[0] != name+".bad" {
		t.Errorf("evicted up to %d, %d records, set aside %q", l.Evicted, l.Records, l.Aside)
	}
	if err := os.Remove(filepath.Join(dir, "posture", l.Segments[0].Name)); err != nil {
		t.Fatal(err)
	}
	rep, err = Verify(dir)
	if err != nil || rep.Good() || !strings.Contains(rep.Lanes[0].Problems[0], "missing at the beginning") {
		t.Errorf("%+v, %v", rep, err)
	}
}
