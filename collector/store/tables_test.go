package store

import (
	"context"
	"errors"
	"testing"

	"seawall/collector/db"
)

// TestTables: who keeps tables of its own sees what it wrote, and nothing of what failed.
func TestTables(t *testing.T) {
	s, _ := openTest(t, Config{})
	var database db.DB = s
	ctx := context.Background()
	put := func(w db.Writer, name string, value int) error {
		return w.Exec("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	}
	if err := database.Write(ctx, func(w db.Writer) error { return put(w, "kept", 1) }); err != nil {
		t.Fatal(err)
	}
	sorry := errors.New("no")
	for _, wrote := range []bool{false, true} {
		err := database.Write(ctx, func(w db.Writer) error {
			if wrote {
				if err := put(w, "lost", 1); err != nil {
					return err
				}
			}
			return sorry
		})
		if !errors.Is(err, sorry) {
			t.Errorf("wrote %v: %v", wrote, err)
		}
	}
	err := database.Read(ctx, func(q db.Querier) error {
		for name, want := range map[string]bool{"kept": true, "lost": false} {
			var value int
			found, err := db.One(ctx, q, "SELECT value FROM meta WHERE name = ?", []any{name}, &value)
			if err != nil {
				return err
			}
			if found != want {
				t.Errorf("%s is there: %v", name, found)
			}
		}
		return sorry
	})
	if !errors.Is(err, sorry) {
		t.Error(err)
	}
}
