package uplink

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/spool"
	seawallv1 "seawall/proto/seawall/v1"
)

func TestWindow(t *testing.T) {
	sent := []span{{1, 1, 5, 10}, {1, 8, 9, 20}, {2, 10, 10, 40}, {2, 11, 20, 80}}
	for _, tt := range []struct {
		name  string
		pos   spool.Position
		bytes int
		news  bool
		left  []span
		bad   bool
	}{
		{"first batch", spool.Position{Epoch: 1, Seq: 5}, 10, true, sent[1:], false},
		{"part of a batch", spool.Position{Epoch: 1, Seq: 3}, 0, true, append([]span{{1, 4, 5, 10}}, sent[1:]...), false},
		{"part of a later one", spool.Position{Epoch: 2, Seq: 15}, 70, true, []span{{2, 16, 20, 80}}, false},
		{"everything", spool.Position{Epoch: 2, Seq: 20}, 150, true, []span{}, false},
		{"again", spool.Position{Epoch: 7, Seq: 3}, 0, false, sent, false},
		{"before", spool.Position{Epoch: 7, Seq: 2}, 0, false, sent, false},
		{"beyond", spool.Position{Epoch: 2, Seq: 21}, 0, false, sent, true},
		{"in a gap", spool.Position{Epoch: 1, Seq: 6}, 0, false, sent, true},
		{"another epoch", spool.Position{Epoch: 3, Seq: 9}, 0, false, sent, true},
		{"zero", spool.Position{}, 0, false, sent, true},
		{"not news of the old epoch", spool.Position{Epoch: 7, Seq: 4}, 0, false, sent, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := window{lane: "posture", acked: spool.Position{Epoch: 7, Seq: 3}, sent: append([]span{}, sent...)}
			bytes, news, err := w.ack(tt.pos)
			if bytes != tt.bytes || news != tt.news || errors.Is(err, errProtocol) != tt.bad {
				t.Errorf("got %d bytes, news %v, %v", bytes, news, err)
			}
			if diff := cmp.Diff(tt.left, w.sent, cmp.AllowUnexported(span{})); diff != "" {
				t.Errorf("left in the window (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFiller checks that batches are as full as they may be, of one epoch, and no
// larger encoded than they count.
func TestFiller(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	var want []string
	for range 2 {
		s, err := spool.Open(dir, spool.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 700 {
			p := strings.Repeat("p", i)
			if i == 600 {
				p = strings.Repeat("p", spool.MaxPayload)
			}
			want = append(want, p)
			if _, err := s.Append("posture", []byte(p)); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
	}
	r, err := spool.OpenReader(dir, "posture")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := filler{r: r, lane: "posture", max: func() int { return minBatch }, onGap: func(g *seawallv1.Gap) { t.Errorf("gap %v", g) }}
	var got []string
	var batches int
	for {
		b, err := f.next()
		if errors.Is(err, spool.ErrEmpty) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		batches++
		if size := len(b.message.Entries); size != b.span.bytes || size > minBatch {
			t.Errorf("batch of %d bytes, counted %d, bound %d", size, b.span.bytes, minBatch)
		}
		all := entries(t, b.message)
		n := len(all)
		if n > maxEntries || all[0].Sequence != b.span.first || all[n-1].Sequence != b.span.last {
			t.Errorf("batch of %d entries, span %+v", n, b.span)
		}
		for _, e := range all {
			got = append(got, string(e.Payload))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records differ: %s", diff)
	}
	if batches > 20 {
		t.Errorf("%d batches", batches)
	}
}
