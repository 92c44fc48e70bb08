package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/unitctl"
	"seawall/pkg/yamlset"
)

// site is a machine's folders, and what systemd was asked.
type site struct {
	Plan
	asked unitctl.Plan
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o750); err != nil {
		t.Fatal(err)
	}
	s.Plan = Plan{Config: filepath.Join(dir, "etc/collector.yaml"), UnitDir: filepath.Join(dir, "units"),
		Units: func(_ context.Context, p unitctl.Plan) error { s.asked = p; return nil }}
	return s
}

func (s *site) run(t *testing.T, want bool) {
	t.Helper()
	s.asked = unitctl.Plan{}
	if changed, err := Run(t.Context(), s.Plan); err != nil || changed != want {
		t.Errorf("changed %v, %v; want %v", changed, err, want)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRun sets a collector up, again, and otherwise.
func TestRun(t *testing.T) {
	all := []string{ingest, dashboard, service}
	s := newSite(t)
	s.Ingest, s.Settings = ":9443", []yamlset.Setting{{Name: "advertise", Value: "c.example.net:9443"}}
	s.run(t, true)
	if diff := cmp.Diff(unitctl.Plan{Enable: all, Stop: []string{service, ingest, dashboard}, Start: all}, s.asked); diff != "" {
		t.Error(diff)
	}
	file := filepath.Join(s.UnitDir, ingest+".d/setup.conf")
	if got, want := read(t, file), "# Written by seawall-collector setup.\n[Socket]\nListenStream=\nListenStream=9443\n"; got != want {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(filepath.Join(s.UnitDir, dashboard+".d")); err == nil {
		t.Error("the dashboard's socket was changed, too")
	}
	s.run(t, false)
	if diff := cmp.Diff(unitctl.Plan{Enable: all, Start: all}, s.asked); diff != "" {
		t.Errorf("again: %s", diff)
	}
	s.Settings[0].Value = "d.example.net:9443"
	s.run(t, true)
	if diff := cmp.Diff(unitctl.Plan{Enable: all, Restart: []string{service}}, s.asked); diff != "" {
		t.Errorf("a setting: %s", diff)
	}
	s.Ingest, s.Dashboard = "", "[2001:db8::1]:8443"
	s.run(t, true)
	if got := read(t, filepath.Join(s.UnitDir, dashboard+".d/setup.conf")); got != "# Written by seawall-collector setup.\n[Socket]\nListenStream=\nListenStream=[2001:db8::1]:8443\nFreeBind=yes\n" {
		t.Errorf("%q", got)
	}
	if read(t, file) == "" || read(t, s.Config) != "advertise: d.example.net:9443\n" {
		t.Errorf("%q", read(t, s.Config))
	}
}

// TestFiles copies a certificate to where the collector reads it, when it is another.
func TestFiles(t *testing.T) {
	s := newSite(t)
	source, to := filepath.Join(t.TempDir(), "key"), filepath.Join(filepath.Dir(s.Config), "dashboard.key")
	s.Files = map[string]string{to: source}
	if _, err := Run(t.Context(), s.Plan); err == nil {
		t.Error("a file that is not there is copied")
	}
	for _, text := range []string{"one", "two"} {
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.run(t, true)
		s.run(t, false)
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o640 || read(t, to) != text {
			t.Errorf("%v, %v", info, err)
		}
	}
}

// TestRefuses changes nothing when something is wrong.
func TestRefuses(t *testing.T) {
	for _, address := range []string{"9443", ":0", ":x", "c.example.net:1", "1.2.3.4:\n1", "/run/x:1", ":65536"} {
		s := newSite(t)
		s.Dashboard, s.Settings = address, []yamlset.Setting{{Name: "a", Value: "b"}}
		if _, err := Run(t.Context(), s.Plan); err == nil || len(s.asked.Start) > 0 {
			t.Errorf("%q is taken", address)
		}
		if _, err := os.Stat(s.Config); err == nil {
			t.Errorf("%q: the configuration is written", address)
		}
	}
	s := newSite(t)
	s.Units = func(context.Context, unitctl.Plan) error { return unitctl.ErrNone }
	if _, err := Run(t.Context(), s.Plan); !errors.Is(err, unitctl.ErrNone) {
		t.Error(err)
	}
}
