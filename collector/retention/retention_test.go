package retention_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/retention"
	"seawall/collector/store"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func TestOnSQLite(t *testing.T) { test(t, filepath.Join(t.TempDir(), "collector.db")) }

func TestOnPostgres(t *testing.T) { test(t, pgtest.Start(t).New()) }

// test: what is set counts, what is not is as configured, and what makes no sense is not
// taken.
func test(t *testing.T, database string) {
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	set := func(kind retention.Kind, days int) error {
		return s.Write(t.Context(), func(w db.Writer) error { return retention.Set(w, noon, "ann", kind, days) })
	}
	of := func(kind retention.Kind) (long time.Duration) {
		t.Helper()
		err := s.Write(t.Context(), func(w db.Writer) (err error) {
			long, err = retention.Of(w, kind, 40*time.Minute)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return long
	}
	for kind, want := range map[retention.Kind]time.Duration{
		retention.Changes: 40 * time.Minute, retention.Detections: 40 * time.Minute, retention.Messages: 30 * day, retention.Waivers: 0, retention.Trail: 0,
	} {
		if got := of(kind); got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
	for _, c := range []struct {
		kind retention.Kind
		days int
		ok   bool
	}{
		{retention.Changes, 90, true}, {retention.Changes, 7, true}, {retention.Trail, 365, true}, {retention.Waivers, 0, true},
		{retention.Changes, 0, false}, {retention.Changes, -1, false}, {retention.Changes, 3651, false},
		{retention.Trail, 89, false}, {"passwords", 9, false},
	} {
		if err := set(c.kind, c.days); (err == nil) != c.ok {
			t.Errorf("%s %d: %v", c.kind, c.days, err)
		}
	}
	if got := of(retention.Changes); got != 7*day {
		t.Errorf("changes: %v", got)
	}
	all, err := retention.All(t.Context(), s, 30)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[retention.Kind]int)
	for _, p := range all {
		got[p.Kind] = p.Days
		if p.Kind == retention.Trail && (p.Who != "ann" || !p.Changed.Equal(noon)) {
			t.Errorf("%+v", p)
		}
	}
	if diff := cmp.Diff(map[retention.Kind]int{retention.Changes: 7, retention.Detections: 30, retention.Messages: 30, retention.Waivers: 0, retention.Trail: 365}, got); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
}
