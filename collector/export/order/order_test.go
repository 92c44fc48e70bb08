package order

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/db"
	"seawall/collector/store"
)

func changesOf(name string, more ...func(*Order)) Order {
	v := Order{Name: name, Enabled: true, Route: "siem", Format: OCSF, What: []string{Changes}}
	for _, f := range more {
		f(&v)
	}
	return v
}

func TestKeep(t *testing.T) {
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	now := time.Unix(1_800_000_000, 0).UTC()
	save := func(v Order) (made bool, err error) {
		err = data.Write(t.Context(), func(w db.Writer) (err error) { made, err = Save(w, now, v); return err })
		return made, err
	}
	for name, v := range map[string]Order{
		"name": changesOf("A b"), "no name": changesOf(""), "format": changesOf("a", func(v *Order) { v.Format = "csv" }),
		"what": changesOf("a", func(v *Order) { v.What = []string{"hosts"} }), "nothing": changesOf("a", func(v *Order) { v.What = nil }),
		"route":    changesOf("a", func(v *Order) { v.Route = "\x1b[2J" }),
		"every":    changesOf("a", func(v *Order) { v.EveryHours = 5 }),
		"findings": changesOf("a", func(v *Order) { v.What = []string{Findings} }),
		"severity": changesOf("a", func(v *Order) { v.MinSeverity = 9 }),
		"tags":     changesOf("a", func(v *Order) { v.Tags = []string{""} }),
		"families": changesOf("a", func(v *Order) { v.Families = make([]string, MaxList+1) }),
	} {
		if _, err := save(v); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for i := range Max {
		if made, err := save(changesOf(fmt.Sprint("s", i))); err != nil || !made {
			t.Fatal(made, err)
		}
	}
	if made, err := save(changesOf("s1", func(v *Order) { v.Route = "other" })); err != nil || made {
		t.Errorf("a change: %v, %v", made, err)
	}
	if p, err := Get(t.Context(), data, "s1"); err != nil || p.Route != "other" || !p.Changed.Equal(now) || p.Behind != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := save(changesOf("more")); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	remove := func() error {
		return data.Write(t.Context(), func(w db.Writer) error { return Delete(w, "s1") })
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if err := remove(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := Get(t.Context(), data, "s1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is gone: %v", err)
	}
	if all, err := List(t.Context(), data); err != nil || len(all) != Max-1 {
		t.Errorf("%d, %v", len(all), err)
	}
}
