package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
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
		s := segment{first: 1, epoch: 5}
		mustWrite(t, filepath.Join(lane, s.name()), b)
		mustWrite(t, filepath.Join(lane, durableName), encodeDurable(Position{5, 1 << 62}, 1))
		r := mustReader(t, dir, "posture")
		for range len(b) {
			rec, err := r.Next()
			if errors.Is(err, ErrEmpty) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			whole := appendRecord(nil, rec.Position, rec.Payload)
			if !bytes.Contains(b, whole[:recHeader+len(rec.Payload)+recTrailer]) {
				t.Fatalf("record %v is not in the segment", rec.Position)
			}
		}
		if _, err := Verify(dir); err != nil {
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
	seg := header{version: version, epoch: 5, first: 1, lane: "posture"}.encode()
	for i := range uint64(3) {
		seg = appendRecord(seg, Position{5, i + 1}, []byte("payload"))
	}
	torn := seg[:len(seg)-9]
	damaged := bytes.Clone(seg)
	damaged[segHeader+4] ^= 1
	huge := bytes.Clone(seg)
	copy(huge[segHeader+4:], "\xff\xff\xff\xff")
	return [][]byte{nil, seg[:segHeader], seg, torn, damaged, huge, append(bytes.Clone(seg), make([]byte, 100)...)}
}

func TestFuzzSeeds(t *testing.T) {
	for i, seed := range fuzzSeeds(t) {
		n := 0
		sc := scanner{r: bytes.NewReader(seed), epoch: 5}
		for off := int64(segHeader); ; {
			f, st, err := sc.at(off)
			if err != nil {
				t.Fatal(err)
			}
			if st != atRecord {
				break
			}
			n, off = n+1, f.next
		}
		if want := []int{0, 0, 3, 2, 0, 0, 3}[i]; n != want {
			t.Errorf("seed %d holds %d records before the first damage, want %d", i, n, want)
		}
	}
}
