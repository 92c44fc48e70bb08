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
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
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

func fuzzSeeds(t testing.TB) [][]byte {
	seg := segment.Header{Version: segment.Version, Epoch: 5, First: 1, Lane: "posture"}.Encode()
	for i := range uint64(3) {
		seg = segment.AppendRecord(seg, Position{Epoch: 5, Seq: i + 1}, []byte("payload"))
	}
	torn := seg[:len(seg)-9]
	damaged := bytes.Clone(seg)
	damaged[segment.HeaderSize+4] ^= 1
	huge := bytes.Clone(seg)
	copy(huge[segment.HeaderSize+4:], "\xff\xff\xff\xff")
	return [][]byte{nil, seg[:segment.HeaderSize], seg, torn, damaged, huge, append(bytes.Clone(seg), make([]byte, 100)...)}
}

func TestFuzzSeeds(t *testing.T) {
	for i, seed := range fuzzSeeds(t) {
		n := 0
		sc := segment.NewScanner(bytes.NewReader(seed), 5)
		for off := int64(segment.HeaderSize); ; {
			f, st, err := sc.At(off)
			if err != nil {
				t.Fatal(err)
			}
			if st != segment.AtRecord {
				break
			}
			n, off = n+1, f.Next
		}
		if want := []int{0, 0, 3, 2, 0, 0, 3}[i]; n != want {
			t.Errorf("seed %d holds %d records before the first damage, want %d", i, n, want)
		}
	}
}
