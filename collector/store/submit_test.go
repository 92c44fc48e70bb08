package store

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"seawall/collector/db"
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
