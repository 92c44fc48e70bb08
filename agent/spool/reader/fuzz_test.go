package reader_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/reader"
	"seawall/agent/spool/segment"
)

// FuzzReader gives a reader a lane of two segments and a watermark of any content,
// under any two names that segments may have. It may not fail, go back within an
// epoch, give what is not there, or say that something is missing that it gave.
func FuzzReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, first, second uint64, sameEpoch bool, one, two, mark []byte) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, lane), 0o750); err != nil {
			t.Fatal(err)
		}
		names := []segment.File{{First: first & segment.MaxSeq, Epoch: 5}, {First: second & segment.MaxSeq, Epoch: 6}}
		if sameEpoch {
			names[1].Epoch = 5
		}
		for name, b := range map[string][]byte{names[0].Name(): one, names[1].Name(): two, folder.WatermarkName: mark} {
			if err := os.WriteFile(filepath.Join(dir, lane, name), b, 0o640); err != nil {
				t.Fatal(err)
			}
		}
		r := open(t, dir)
		var last segment.Position
		for range len(one) + len(two) {
			rec, err := r.Next()
			if errors.Is(err, reader.ErrEmpty) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			whole := segment.AppendRecord(nil, rec.Position, rec.Payload)
			whole = whole[:len(whole)-7] // the padding may differ
			if !bytes.Contains(one, whole) && !bytes.Contains(two, whole) {
				t.Fatalf("record %v is in no segment", rec.Position)
			}
			if rec.Epoch == last.Epoch && rec.Seq <= last.Seq {
				t.Fatalf("record %v behind %v", rec.Position, last)
			}
			for _, g := range rec.Gaps {
				if g.From > g.To || g.To >= rec.Seq {
					t.Fatalf("gaps %v before %v", rec.Gaps, rec.Position)
				}
			}
			last = rec.Position
		}
		r.Tail()
	})
}

// TestSeeds: the inputs that the fuzz targets begin with are there.
func TestSeeds(t *testing.T) {
	for target, n := range map[string]int{"FuzzReader": 8} {
		files, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(files) < n {
			t.Errorf("%s: %d seeds, %v; want %d", target, len(files), err, n)
		}
	}
}
