package segment

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestNames(t *testing.T) {
	for _, f := range []File{{}, {First: 1, Epoch: 2}, {First: MaxSeq, Epoch: 1<<64 - 1}} {
		if got, ok := ParseName(f.Name()); !ok || got != f {
			t.Errorf("%+v is named %s, read as %+v", f, f.Name(), got)
		}
	}
	good := File{First: 10, Epoch: 11}.Name()
	for _, bad := range []string{
		"", "durable", good + ".bad", strings.ToUpper(good), "+" + good[1:], good[:16] + "_" + good[17:], "../" + good,
		File{First: MaxSeq + 1}.Name(),
	} {
		if f, ok := ParseName(bad); ok {
			t.Errorf("%q was read as %+v", bad, f)
		}
	}
}

func TestHeader(t *testing.T) {
	h := NewHeader("posture", File{First: 7, Epoch: 9})
	b := h.Encode()
	if len(b) != HeaderSize {
		t.Fatalf("header of %d bytes", len(b))
	}
	got, err := parseHeader(b)
	if diff := cmp.Diff(h, got, cmp.AllowUnexported(Header{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 4
		if _, err := parseHeader(bad); !errors.Is(err, ErrHeader) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

func TestWatermark(t *testing.T) {
	older := Watermark{Durable: Position{Epoch: 3, Seq: 9}, Evicted: 1}.Encode(100)
	newer := Watermark{Durable: Position{Epoch: 4, Seq: 10}, Evicted: 2}.Encode(200)
	for i := range newer {
		torn := append(bytes.Clone(newer[:i]), older[i:]...) // in the middle of being written
		w, ok := ReadWatermark(bytes.NewReader(torn))
		if !ok || w != (Watermark{Position{3, 9}, 1}) && w != (Watermark{Position{4, 10}, 2}) {
			t.Fatalf("%d bytes written: %v, %v", i, w, ok)
		}
	}
	for _, bad := range [][]byte{
		nil, make([]byte, 80), newer[:39], []byte("SWD2"),
		Watermark{Durable: Position{Epoch: 1, Seq: MaxSeq + 1}}.Encode(1),
		Watermark{Durable: Position{Epoch: 1, Seq: 5}, Evicted: 6}.Encode(1),
	} {
		if pos, ok := ReadWatermark(bytes.NewReader(bad)); ok {
			t.Errorf("%q was read as %v", bad, pos)
		}
	}
}

// TestScanner reads records that lie across the scanner's window, and finds the
// next one behind damage of any length.
func TestScanner(t *testing.T) {
	const epoch = 5
	var b []byte
	var offsets []int64
	for seq := range uint64(9) {
		offsets = append(offsets, int64(len(b)))
		b = AppendRecord(b, Position{Epoch: epoch, Seq: seq}, bytes.Repeat([]byte{byte(seq)}, MaxPayload-int(seq)*1000))
		if int64(len(b))-offsets[seq] != RecordSize(MaxPayload-int(seq)*1000) {
			t.Fatalf("record %d takes %d bytes", seq, int64(len(b))-offsets[seq])
		}
	}
	sc := NewScanner(bytes.NewReader(b), epoch)
	for seq, off := range offsets {
		f, st, err := sc.At(off)
		if err != nil || st != AtRecord || f.Seq != uint64(seq) || len(f.Payload) != MaxPayload-seq*1000 {
			t.Errorf("record %d: state %v, sequence %d, %d bytes, %v", seq, st, f.Seq, len(f.Payload), err)
		}
		if at, err := sc.Resync(off - 16); seq > 0 && (err != nil || at != off) {
			t.Errorf("record %d at %d is found at %d, %v", seq, off, at, err)
		}
		if seq+1 < len(offsets) {
			if at, err := sc.Resync(off + 8); err != nil || at != offsets[seq+1] {
				t.Errorf("record after %d at %d is found at %d, %v", seq, offsets[seq+1], at, err)
			}
		}
	}
	if at, err := sc.Resync(offsets[8] + 8); at != -1 || err != nil {
		t.Errorf("behind the last record: %d, %v", at, err)
	}
	if _, st, _ := sc.At(int64(len(b))); st != AtEnd {
		t.Errorf("at the end: state %v", st)
	}
	other := NewScanner(bytes.NewReader(b), epoch+1)
	if _, st, _ := other.At(0); st != AtDamage {
		t.Errorf("a record of another epoch: state %v", st)
	}
}

// badPages is a file of which some pages cannot be read.
type badPages struct {
	*bytes.Reader
	bad map[int64]bool
}

func (b badPages) ReadAt(p []byte, off int64) (int, error) {
	for page := off / pageSize; page <= (off+int64(len(p))-1)/pageSize; page++ {
		if b.bad[page] && page*pageSize < b.Size() {
			n := 0
			if start := page*pageSize - off; start > 0 {
				n, _ = b.Reader.ReadAt(p[:start], off)
			}
			return n, &os.PathError{Op: "read", Path: "x", Err: unix.EIO}
		}
	}
	return b.Reader.ReadAt(p, off)
}

// TestUnreadablePages makes each page of a segment unreadable in turn: the records
// that lie in it are lost, and no other.
func TestUnreadablePages(t *testing.T) {
	const epoch, n = 5, 200
	var b []byte
	var ends []int64
	for seq := range uint64(n) {
		b = AppendRecord(b, Position{Epoch: epoch, Seq: seq}, bytes.Repeat([]byte{byte(seq)}, int(100+seq*7)))
		ends = append(ends, int64(len(b)))
	}
	for page := range (int64(len(b)) + pageSize - 1) / pageSize {
		sc := NewScanner(badPages{bytes.NewReader(b), map[int64]bool{page: true}}, epoch)
		seen := map[uint64]bool{}
		for off := int64(0); off >= 0; {
			f, st, err := sc.At(off)
			if err != nil {
				t.Fatalf("page %d: %v", page, err)
			}
			switch st {
			case AtRecord:
				seen[f.Seq] = true
				off = f.Next
			case AtPayload:
				off = f.Next
			default:
				if off, err = sc.Resync(off + 8); err != nil {
					t.Fatalf("page %d: %v", page, err)
				}
			}
		}
		for seq, begin := uint64(0), int64(0); seq < n; seq++ {
			within := begin < (page+1)*pageSize && ends[seq] > page*pageSize
			if seen[seq] == within {
				t.Errorf("page %d: record %d from %d to %d: read is %v", page, seq, begin, ends[seq], seen[seq])
			}
			begin = ends[seq]
		}
	}
}
