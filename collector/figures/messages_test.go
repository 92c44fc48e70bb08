package figures

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/store"
)

// told returns the figures that are not 0, and how many there are.
func told(t *testing.T, c prometheus.Collector) (map[string]float64, int) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got, n := map[string]float64{}, 0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if n++; m.GetGauge().GetValue() != 0 {
				got[strings.TrimPrefix(f.GetName(), "seawall_")+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return got, n
}

// TestMessages tells the figures of a real store: messages by the kind of their route,
// whatever routes are called, and each export.
func TestMessages(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Now()
	put := func(w db.Writer, route string, age time.Duration) error {
		_, err := outbox.Put(w, now.Add(-age), outbox.Item{Route: route, Kind: alert.KindRaw, Body: []byte("x")})
		return err
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		_, err := order.Save(w, now.Add(-time.Hour), order.Order{Name: "siem", Enabled: true, Route: "hook-1", Format: order.OCSF, What: []string{order.Changes}})
		return errors.Join(err, put(w, "hook-1", time.Minute), put(w, "hook-2", 3*time.Minute), put(w, "hook-2", 0), put(w, "post", time.Second),
			put(w, "strange", 5*time.Second), put(w, "removed", 7*time.Second))
	})
	if err != nil {
		t.Fatal(err)
	}
	routes := func() ([]alert.Route, time.Time) {
		return []alert.Route{{Name: "hook-1", Kind: "webhook"}, {Name: "hook-2", Kind: "webhook"}, {Name: "post", Kind: "email"}, {Name: "strange", Kind: "invented"}}, now
	}
	from := Sources{Loads: outbox.New(s, time.Now).Loads, Routes: routes, Exports: func(ctx context.Context) ([]order.Progress, error) { return order.List(ctx, s) }}
	m := NewMessages(from, func() time.Time { return now })
	got, n := told(t, m)
	if diff := cmp.Diff(map[string]float64{"messages_waiting webhook": 3, "messages_oldest_seconds webhook": 180, "messages_waiting email": 1, "messages_oldest_seconds email": 1,
		"messages_waiting unknown": 2, "messages_oldest_seconds unknown": 7}, got); diff != "" || n != 2*len(kinds())+3 {
		t.Errorf("%d figures: %s", n, diff)
	}

	list := m.from.Exports
	m.from.Exports = func(ctx context.Context) ([]order.Progress, error) {
		all, err := list(ctx)
		if len(all) == 1 {
			all[0].Behind, all[0].Waiting = 12, 20
		}
		return all, err
	}
	got, _ = told(t, m)
	if got["export_behind siem"] != 12 || got["export_behind_seconds siem"] != 3600 || got["export_parcels_waiting siem"] != 20 {
		t.Errorf("an export that is behind: %v", got)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(m)
	if _, err := r.Gather(); err == nil {
		t.Error("a store that is closed has figures")
	}
}
