package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/inspect"
	"seawall/agent/spool/segment"
)

// FuzzOpenSegment gives a segment of any content to writer, reader and Verify.
// They may not fail, and what is read must stand in the segment as it is encoded.
func FuzzOpenSegment(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		lane := filepath.Join(dir, "posture")
		if err := os.Mkdir(lane, 0o750); err != nil {
			t.Fatal(err)
		}
		s := segment.File{First: 1, Epoch: 5}
		mustWrite(t, filepath.Join(lane, s.Name()), b)
		mustWrite(t, filepath.Join(lane, folder.WatermarkName), segment.Watermark{Durable: Position{Epoch: 5, Seq: 1 << 62}}.Encode(1))
		r := mustReader(t, dir, "posture")
		for range len(b) {
			rec, err := r.Next()
			if errors.Is(err, ErrEmpty) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			whole := segment.AppendRecord(nil, rec.Position, rec.Payload)
			if !bytes.Contains(b, whole[:len(whole)-7]) { // the padding may differ
				t.Fatalf("record %v is not in the segment", rec.Position)
			}
		}
		if _, err := inspect.Verify(dir); err != nil {
			t.Fatal(err)
		}
		w, err := Open(dir, Config{Lanes: one("posture", 1<<20), ops: unsynced()})
		if err != nil {
			t.Fatal(err)
		}
		pos, err := w.AppendSync("posture", []byte("new"))
		if err != nil || pos.Seq <= 1<<62 {
			t.Fatalf("append: %v, %v", pos, err)
		}
		w.Close()
	})
}

// TestSeeds: the inputs that the fuzz targets begin with are there.
func TestSeeds(t *testing.T) {
	for target, n := range map[string]int{"FuzzOpenSegment": 6} {
		files, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(files) < n {
			t.Errorf("%s: %d seeds, %v; want %d", target, len(files), err, n)
		}
	}
}
