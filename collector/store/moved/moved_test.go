package moved_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/store"
	"seawall/collector/store/moved"
	"seawall/scripts/pgtest"
)

// A store that was moved is not opened, and is again when the mark is gone.
func TestMark(t *testing.T) {
	when := time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC)
	for kind, name := range map[string]string{"file": filepath.Join(t.TempDir(), "collector.db"), "server": pgtest.Start(t).New()} {
		open := func() error {
			s, err := store.Open(t.Context(), name, store.Config{Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				return err
			}
			return s.Close()
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := moved.Set(t.Context(), name, when); err != nil {
				t.Fatal(err)
			}
		}
		var is *moved.Error
		if err := open(); !errors.As(err, &is) || !is.When.Equal(when) {
			t.Errorf("%s: opened with the mark: %v", kind, err)
		}
		for range 2 {
			if err := moved.Clear(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if err := open(); err != nil {
			t.Errorf("%s: not opened without the mark: %v", kind, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "not", "there")
	if err := moved.Set(t.Context(), missing, when); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
