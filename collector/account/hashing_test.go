package account

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/store"
)

// TestFewHashes has every way to a hash wait while others compute theirs.
func TestFewHashes(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const word = "correct horse battery"
	a := New(s, time.Now)
	if err := a.Add(t.Context(), "test", "ann", word, Admin, nil); err != nil {
		t.Fatal(err)
	}
	for range hashes {
		a.hashing <- struct{}{}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, do := range map[string]func() error{
		"sign in":        func() error { _, err := a.SignIn(gone, "ann", word); return err },
		"unknown":        func() error { _, err := a.SignIn(gone, "nobody", word); return err },
		"set a password": func() error { return a.SetPassword(gone, "test", "ann", word+"!") },
		"add a user":     func() error { return a.Add(gone, "test", "bob", word, Viewer, nil) },
	} {
		if err := do(); !errors.Is(err, context.Canceled) || errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
	<-a.hashing
	if _, err := a.SignIn(t.Context(), "ann", word); err != nil || len(a.hashing) != hashes-1 {
		t.Errorf("%v, %d at work", err, len(a.hashing))
	}
}
