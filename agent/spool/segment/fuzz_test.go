package segment

import (
	"bytes"
	"os"
	"testing"
)

// FuzzScanner reads a segment of any content. It must come to an end, and a record
// that it finds is the one that would be written.
func FuzzScanner(f *testing.F) {
	f.Fuzz(func(t *testing.T, epoch uint64, b []byte) {
		sc := NewScanner(bytes.NewReader(b), epoch)
		_, _ = sc.Header()
		for off, steps := int64(0), 0; off >= 0 && off <= int64(len(b)); steps++ {
			if steps > len(b)+1 {
				t.Fatal("it goes nowhere")
			}
			f, st, err := sc.At(off)
			if err != nil {
				t.Fatal(err)
			}
			switch st {
			case AtRecord:
				whole := AppendRecord(nil, Position{Epoch: epoch, Seq: f.Seq}, f.Payload)
				if !bytes.HasPrefix(b[off:], whole[:len(whole)-7]) || f.Next <= off {
					t.Fatalf("record %d at %d is not what stands there", f.Seq, off)
				}
				off = f.Next
			case AtPayload:
				off = f.Next
			default:
				next, err := sc.Resync(off + 8)
				if err != nil || next >= 0 && next <= off {
					t.Fatalf("behind %d: %d, %v", off, next, err)
				}
				off = next
			}
		}
	})
}

// FuzzWatermark reads a watermark of any content: what it says can be said again.
func FuzzWatermark(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		w, ok := ReadWatermark(bytes.NewReader(b))
		if !ok {
			return
		}
		if again, ok := ReadWatermark(bytes.NewReader(w.Encode(1))); !ok || again != w {
			t.Fatalf("%+v is read again as %+v", w, again)
		}
	})
}

// TestSeeds: the inputs that the fuzz targets begin with are there.
func TestSeeds(t *testing.T) {
	for target, n := range map[string]int{"FuzzScanner": 6, "FuzzWatermark": 4} {
		files, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(files) < n {
			t.Errorf("%s: %d seeds, %v; want %d", target, len(files), err, n)
		}
	}
}
