package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestNames(t *testing.T) {
	for _, f := range []File{{}, {First: 1, Epoch: 2}, {First: 1<<64 - 1, Epoch: 1<<64 - 1}} {
		if got, ok := ParseName(f.Name()); !ok || got != f {
			t.Errorf("%+v is named %s, read as %+v", f, f.Name(), got)
		}
	}
	good := File{First: 10, Epoch: 11}.Name()
	for _, bad := range []string{
		"", "durable", good + ".bad", strings.ToUpper(good), "+" + good[1:], good[:16] + "_" + good[17:], "../" + good,
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
	older := EncodeWatermark(Position{Epoch: 3, Seq: 9}, 100)
	newer := EncodeWatermark(Position{Epoch: 4, Seq: 10}, 200)
	for i := range newer {
		torn := append(bytes.Clone(newer[:i]), older[i:]...) // in the middle of being written
		pos, ok := ReadWatermark(bytes.NewReader(torn))
		if !ok || pos != (Position{Epoch: 3, Seq: 9}) && pos != (Position{Epoch: 4, Seq: 10}) {
			t.Fatalf("%d bytes written: %v, %v", i, pos, ok)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 64), newer[:31], []byte("SWD1")} {
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

func TestLanes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"posture", "health", "Upper", "with-dash", "muchtoolongname"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("posture", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	got, err := Lanes(dir)
	if diff := cmp.Diff([]string{"health", "posture"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := OpenLane(dir, "link"); err == nil {
		t.Error("followed a link")
	}
}

// TestSetAside keeps the last few of what only looks like a segment.
func TestSetAside(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range uint64(5) {
		if err := unix.Mkfifo(filepath.Join(dir, File{First: i}.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	segs, foreign, err := List(d)
	if err != nil || len(segs) != 0 || len(foreign) != 5 {
		t.Fatalf("segments %v, foreign %v, %v", segs, foreign, err)
	}
	if err := SetAside(d, foreign); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	want := []string{}
	for i := range uint64(maxBad) {
		want = append(want, fmt.Sprintf("%s/%s%s", dir, File{First: i + 2}.Name(), badSuffix))
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
