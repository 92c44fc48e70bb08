package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
)

// TestMessenger: the socket is its group's, in the folder of systemd where there is one,
// and gone when nobody serves it.
func TestMessenger(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dir, err := os.MkdirTemp("", "service")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("RUNTIME_DIRECTORY", dir+":/elsewhere")
	for range 2 { // the second replaces what the first left
		a, err := openMessenger(s, t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, messageSocket))
		if err != nil || info.Mode() != fs.ModeSocket|0o660 {
			t.Fatalf("%v, %v", info.Mode(), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMessengerTags(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	id := fleet.HostID("00000000000000000000000000000001")
	key, err := id.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tags(s)(t.Context(), id); err != nil || got != nil {
		t.Errorf("of a host that was forgotten: %v, %v", got, err)
	}
	if err := s.Write(t.Context(), func(w db.Writer) error {
		if err := w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, 1, 1, 'h')", key); err != nil {
			return err
		}
		return w.Exec("INSERT INTO host_tag (host, tag) VALUES (?, 'web')", key)
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := tags(s)(t.Context(), id); err != nil || len(got) != 1 || got[0] != "web" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := tags(s)(t.Context(), "x"); err == nil {
		t.Error("no host id, and no error")
	}
}
