package sample

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func newSet(t testing.TB) *Set {
	t.Helper()
	s, err := New(time.Unix(1_700_000_000, 5))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhole takes the first records as the collector does.
func TestWhole(t *testing.T) {
	s := newSet(t)
	var all []finding.Result
	var first *finding.StatePart
	for seq := uint64(1); seq <= s.Whole(); seq++ {
		r, err := wire.Decode(s.Append(nil, seq))
		if err != nil || r.State == nil {
			t.Fatalf("record %d: %+v, %v", seq, r, err)
		}
		if first == nil {
			first = r.State
		}
		if r.State.ID != first.ID || int(r.State.Part) != int(seq-1) || uint64(r.State.Parts) != s.Whole() {
			t.Errorf("record %d is part %d of %d of %d", seq, r.State.Part, r.State.Parts, r.State.ID)
		}
		all = append(all, r.State.Results...)
	}
	if len(all) != keys || finding.Digest(all) != first.Digest || s.Findings(s.Whole()) != keys || s.Findings(s.Whole()-1) != 0 {
		t.Errorf("%d results, counted %d", len(all), s.Findings(s.Whole()))
	}
}

// TestChanges looks at three rounds: each change is of the size it should have,
// tells something new of a result that stands, and no two records are the same.
func TestChanges(t *testing.T) {
	s := newSet(t)
	stand := make(map[finding.Key]finding.Status)
	for seq := uint64(1); seq <= s.Whole(); seq++ {
		r, err := wire.Decode(s.Append(nil, seq))
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range r.State.Results {
			stand[res.Key()] = res.Status
		}
	}
	seen := make(map[uint64]bool)
	for seq := s.Whole() + 1; seq <= s.Whole()+3*keys; seq++ {
		b := s.Append([]byte("before"), seq)[len("before"):]
		r, err := wire.Decode(b)
		if err != nil || r.Change == nil {
			t.Fatalf("record %d: %+v, %v", seq, r, err)
		}
		res := r.Change.Result
		if len(b) < 300 || len(b) > 600 {
			t.Errorf("record %d has %d bytes", seq, len(b))
		}
		if now, ok := stand[res.Key()]; !ok || now != r.Change.Previous || now == res.Status {
			t.Errorf("record %d: from %v to %v, %v stands", seq, r.Change.Previous, res.Status, now)
		}
		stand[res.Key()] = res.Status
		if want := fmt.Sprintf("%010d", seq); !strings.HasSuffix(res.Actual, want) {
			t.Errorf("record %d is marked %q", seq, res.Actual)
		}
		sum := sha256.Sum256(b)
		if d := s.Digest(seq); d != binary.BigEndian.Uint64(sum[:]) || seen[d] {
			t.Errorf("record %d: digest %x, seen before: %v", seq, d, seen[d])
		} else {
			seen[d] = true
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	s := newSet(b)
	var buf []byte
	for seq := s.Whole() + 1; b.Loop(); seq++ {
		buf = s.Append(buf[:0], seq)
	}
}
