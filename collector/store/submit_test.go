package store

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/host"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// TestLeft: who leaves while the writer does what he asked for waits for the end of that
// alone, and has what it wrote to for himself again; what has not begun by then is not done.
func TestLeft(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ctx, leave := context.WithCancel(t.Context())
	begun, end, first := make(chan bool), make(chan bool), make(chan error, 1)
	ran := 0
	go func() {
		err := s.Write(ctx, func(db.Writer) error {
			close(begun)
			<-end
			ran++
			return nil
		})
		ran++ // a race, were the other still running
		first <- err
	}()
	<-begun
	gone, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		second <- s.Write(gone, func(db.Writer) error { t.Error("done for one who has left"); return nil })
	}()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("who left in the queue: %v", err)
	}
	leave()
	close(end)
	if err := <-first; err != nil && !errors.Is(err, context.Canceled) || ran != 2 {
		t.Errorf("who left meanwhile: %v, ran %d", err, ran)
	}
	if err := s.Write(t.Context(), func(db.Writer) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestUrgent: what a person decides does not wait for all that hosts have said by then, and
// a transaction does not take more of it than is soon written.
func TestUrgent(t *testing.T) {
	s := &Store{urgent: make(chan request, 2*maxUrgent), requests: make(chan request, 2*maxGroup)}
	whole, err := host.Prepare([]fleet.Delivery{{Sequence: 1, Payload: []byte{0}, Record: wire.Record{State: &finding.StatePart{Results: make([]finding.Result, maxWeight/4)}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range maxGroup {
		s.requests <- request{said: said{work: whole}}
	}
	for range 2 * maxUrgent {
		s.urgent <- request{}
	}
	group := s.gather(<-s.requests)
	urgent := 0
	for _, r := range group {
		if r.work == nil {
			urgent++
		}
	}
	if urgent != maxUrgent-1 || len(group) != urgent+4 {
		t.Errorf("%d are taken, %d of them urgent", len(group), urgent)
	}
	if group = s.gather(<-s.urgent); len(group) < maxUrgent+3 {
		t.Errorf("then %d: hosts are not heard beside what is urgent", len(group))
	}
}
