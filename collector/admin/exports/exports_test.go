package exports

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/store"
	"seawall/collector/trail"
	seawallv1 "seawall/proto/seawall/v1"
)

// TestExports: an export is made, changed, turned off and on, and removed, each time once
// in the trail; what is wrong with one is said, and changes nothing.
func TestExports(t *testing.T) {
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	changed := 0
	s := &Service{Data: data, Changed: func() { changed++ },
		Routes: func() ([]alert.Route, time.Time) { return []alert.Route{{Name: "siem", Kind: "syslog"}}, time.Now() }}
	ctx := trail.As(t.Context(), "root")
	set := func(change func(*seawallv1.ContinuousExport)) (bool, error) {
		e := &seawallv1.ContinuousExport{Name: "all", Enabled: true, Route: "siem", Format: "ocsf", What: []string{"changes", "findings"}, EveryHours: 24,
			MinSeverity: 4, Families: []string{"ssh"}, Tags: []string{"web"}}
		change(e)
		r, err := s.SetExport(ctx, &seawallv1.SetExportRequest{Export: e})
		return r.GetMade(), err
	}
	for name, wrong := range map[string]func(*seawallv1.ContinuousExport){
		"a name":     func(e *seawallv1.ContinuousExport) { e.Name = "\x1b[2J" },
		"a format":   func(e *seawallv1.ContinuousExport) { e.Format = "csv" },
		"nothing":    func(e *seawallv1.ContinuousExport) { e.What = nil },
		"a severity": func(e *seawallv1.ContinuousExport) { e.MinSeverity = 1<<32 - 1 },
		"hours":      func(e *seawallv1.ContinuousExport) { e.EveryHours = 1<<32 - 1 },
	} {
		if _, err := set(wrong); status.Code(err) != codes.InvalidArgument || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if made, err := set(func(*seawallv1.ContinuousExport) {}); !made || err != nil {
		t.Fatal(made, err)
	}
	if made, err := set(func(e *seawallv1.ContinuousExport) { e.Route = "lake" }); made || err != nil {
		t.Error(made, err)
	}
	for _, on := range []bool{false, false, true} { // the second changes nothing
		if _, err := s.EnableExport(ctx, &seawallv1.EnableExportRequest{Name: "all", Enabled: on}); err != nil {
			t.Error(err)
		}
		if p, err := order.Get(ctx, data, "all"); err != nil || p.Enabled != on || p.Route != "lake" || p.MinSeverity != 4 {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if _, err := set(func(e *seawallv1.ContinuousExport) { e.Name = "siem" }); err != nil {
		t.Error(err)
	}
	all, err := s.ListExports(ctx, &seawallv1.ListExportsRequest{})
	var got []string
	for _, e := range all.GetExports() {
		got = append(got, fmt.Sprint(e.GetExport().GetName(), " ", e.GetExport().GetRoute(), " ", e.GetRouteKnown(), " ", e.GetExport().GetEveryHours(), " ", e.GetReached().IsValid()))
	}
	if list := strings.Join(got, ", "); err != nil || list != "all lake false 24 true, siem siem true 24 true" {
		t.Errorf("%s, %v", list, err)
	}
	if _, err := s.RemoveExport(ctx, &seawallv1.RemoveExportRequest{Name: "all"}); err != nil {
		t.Error(err)
	}
	_, removed := s.RemoveExport(ctx, &seawallv1.RemoveExportRequest{Name: "all"})
	_, enabled := s.EnableExport(ctx, &seawallv1.EnableExportRequest{Name: "all"})
	for _, err := range []error{removed, enabled} {
		if status.Code(err) != codes.NotFound {
			t.Errorf("one that is gone: %v", err)
		}
	}
	var did []string
	err = data.Read(ctx, func(q db.Querier) error {
		entries, err := trail.List(ctx, q, trail.Query{})
		for _, e := range entries {
			did = append(did, e.Who+" "+e.Action+" "+e.Target)
		}
		return err
	})
	want := "root stream delete all, root stream add siem, root stream change all, root stream change all, root stream change all, root stream add all"
	if list := strings.Join(did, ", "); err != nil || list != want || changed != 7 {
		t.Errorf("the trail says %s, %v; told %d times", list, err, changed)
	}
}
