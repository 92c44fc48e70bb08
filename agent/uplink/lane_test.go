package uplink

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"

	"seawall/agent/spool"
	seawallv1 "seawall/proto/seawall/v1"
)

func TestWindow(t *testing.T) {
	sent := []span{{1, 1, 5, 10}, {1, 8, 9, 20}, {2, 10, 10, 40}, {2, 11, 20, 80}}
	for _, tt := range []struct {
		name  string
		pos   spool.Position
		bytes int64
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
	f := filler{r: r, lane: "posture", max: minBatch, onGap: func(g spool.Gap) { t.Errorf("gap %v", g) }}
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
		if size := proto.Size(b.message); int64(size) > b.span.bytes || size > minBatch {
			t.Errorf("batch of %d bytes, counted %d, bound %d", size, b.span.bytes, minBatch)
		}
		n := len(b.message.Entries)
		if n > maxEntries || b.message.Entries[0].Sequence != b.span.first || b.message.Entries[n-1].Sequence != b.span.last {
			t.Errorf("batch of %d entries, span %+v", n, b.span)
		}
		for _, e := range b.message.Entries {
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

// newFuzzSession is a session with two batches in flight.
func newFuzzSession(t *testing.T) *session {
	id, err := OpenIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := &safeBuffer{}
	u, err := New(Config{StateDir: t.TempDir(), Collector: "c:1", Identity: id, Log: newTestLog(l)})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{u: u, budget: semaphore.NewWeighted(100), lanes: map[string]*window{}}
	s.lanes["posture"] = &window{lane: "posture", sent: []span{{1, 1, 5, 40}, {1, 6, 9, 60}}}
	s.budget.TryAcquire(100)
	return s
}

// FuzzResponse gives a session whatever a collector may send. It may not panic,
// and what is in flight must stay what the budget says.
func FuzzResponse(f *testing.F) {
	for _, seed := range responseSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m seawallv1.DeliverResponse
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		s := newFuzzSession(t)
		defer s.u.board.save() // stops its timer
		if w := m.GetWelcome(); w != nil {
			if err := s.accept(w); err == nil && (s.maxBatch < minBatch || s.maxBatch > maxBatch) {
				t.Errorf("batches of %d bytes", s.maxBatch)
			}
			return
		}
		_ = s.ack(m.GetAck().GetPosition())
		var inFlight int64
		for _, sp := range s.lanes["posture"].sent {
			inFlight += sp.bytes
		}
		if !s.budget.TryAcquire(100-inFlight) || s.budget.TryAcquire(1) {
			t.Errorf("%d bytes in flight, and the budget does not agree", inFlight)
		}
	})
}

func responseSeeds(t testing.TB) (seeds [][]byte) {
	for _, m := range []*seawallv1.DeliverResponse{
		ack(&seawallv1.Position{Lane: "posture", Epoch: 1, Sequence: 7}),
		ack(&seawallv1.Position{Lane: "posture", Epoch: 2, Sequence: 7}),
		ack(nil),
		{Message: &seawallv1.DeliverResponse_Drain{Drain: &seawallv1.Drain{ReconnectWithinMs: 1 << 31}}},
		{Message: &seawallv1.DeliverResponse_Welcome{Welcome: &seawallv1.Welcome{
			Protocol: 1, MaxBatchBytes: minBatch, MaxInFlightBytes: 1,
			Have: []*seawallv1.Position{{Lane: "posture", Epoch: 1, Sequence: 7}},
		}}},
		{},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	return seeds
}

func TestResponseSeeds(t *testing.T) {
	seeds := responseSeeds(t)
	s := newFuzzSession(t)
	defer s.u.board.save()
	var m seawallv1.DeliverResponse
	if err := proto.Unmarshal(seeds[0], &m); err != nil {
		t.Fatal(err)
	}
	if err := s.ack(m.GetAck().GetPosition()); err != nil || s.lanes["posture"].acked.Seq != 7 {
		t.Errorf("the first seed is no good acknowledgement: %v", err)
	}
	if err := proto.Unmarshal(seeds[4], &m); err != nil {
		t.Fatal(err)
	}
	if err := s.accept(m.GetWelcome()); err != nil {
		t.Errorf("the fifth seed is no good welcome: %v", err)
	}
}
