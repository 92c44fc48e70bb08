package uplink

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"seawall/agent/identity"
	"seawall/agent/uplink/pace"
	seawallv1 "seawall/proto/seawall/v1"
)

// newFuzzSession is a session with two batches in flight.
func newFuzzSession(t testing.TB, id *identity.Identity) *session {
	u, err := New(Config{StateDir: t.TempDir(), Collector: "c:1", Identity: id, Log: newTestLog(&safeBuffer{})})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(u)
	s.credit = pace.NewCredit(100)
	s.lanes["posture"] = &window{lane: "posture", sent: []span{{1, 1, 5, 40}, {1, 6, 9, 60}}}
	if err := s.credit.Take(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	return s
}

// FuzzResponse gives a session whatever a collector may send. It may not panic,
// what is in flight must stay what the credit says, and authorities are only taken
// with a higher revision.
func FuzzResponse(f *testing.F) {
	for _, seed := range responseSeeds(f) {
		f.Add(seed)
	}
	id := newAuthority(f).enrol(f, f.TempDir())
	f.Fuzz(func(t *testing.T, b []byte) {
		var m seawallv1.DeliverResponse
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		s := newFuzzSession(t, id)
		defer s.u.board.save() // stops its timer
		if w := m.GetWelcome(); w != nil {
			if err := s.accept(w); err == nil && (s.maxBatch < minBatch || s.maxBatch > maxBatch || s.number <= id.Session()) {
				t.Errorf("batches of %d bytes, session %d", s.maxBatch, s.number)
			}
			return
		}
		before := id.Bundle().Revision
		err := s.handle(&m)
		if after := id.Bundle(); after.Revision < before || after.Revision != before && (m.GetBundle() == nil || err != nil) {
			t.Errorf("bundle %d after %d: %v", after.Revision, before, err)
		}
		inFlight := 0
		for _, sp := range s.lanes["posture"].sent {
			inFlight += sp.bytes
		}
		if s.credit.InFlight() != inFlight || s.credit.Bound() < 100 {
			t.Errorf("%d bytes in flight, counted %d of %d", inFlight, s.credit.InFlight(), s.credit.Bound())
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
			Protocol: 2, MaxBatchBytes: minBatch, MaxInFlightBytes: 1, Session: 1 << 16,
			Have: []*seawallv1.Position{{Lane: "posture", Epoch: 1, Sequence: 7, Digest: 1}},
		}}},
		{Message: &seawallv1.DeliverResponse_Credit{Credit: &seawallv1.Credit{MaxInFlightBytes: 1 << 14}}},
		{Message: &seawallv1.DeliverResponse_Bundle{Bundle: &seawallv1.Bundle{Revision: 2, Authorities: [][]byte{newAuthority(t).cert.Raw}}}},
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
	id := newAuthority(t).enrol(t, t.TempDir())
	for i, b := range responseSeeds(t) {
		s := newFuzzSession(t, id)
		defer s.u.board.save()
		var m seawallv1.DeliverResponse
		if err := proto.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		var err error
		if w := m.GetWelcome(); w != nil {
			err = s.accept(w)
		} else {
			err = s.handle(&m)
		}
		if good := i == 0 || i >= 4; good != (err == nil) {
			t.Errorf("seed %d: %v", i, err)
		}
		if i == 0 && s.lanes["posture"].acked.Seq != 7 {
			t.Error("the first seed acknowledges nothing")
		}
	}
	if got := id.Bundle(); got.Revision != 2 || len(got.Authorities) != 1 {
		t.Errorf("bundle %d of %d", got.Revision, len(got.Authorities))
	}
	if files, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzResponse")); err != nil || len(files) == 0 {
		t.Errorf("kept seeds: %d, %v", len(files), err)
	}
}
