package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"seawall/agent/config"
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/pending"
	"seawall/agent/standard"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
)

// TestSinceSurvives: since when updates are pending outlives the sensor, and what
// was good stands, with an error, while the database is half-written.
func TestSinceSurvives(t *testing.T) {
	dir := t.TempDir()
	archive, err := txtar.ParseFile("testdata/patch.txt")
	if err != nil {
		t.Fatal(err)
	}
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	held, err := standard.Load(facts.Facts{}, config.Config{Profile: "baseline"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(filepath.Join(dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 8, 12, 0, 0, 0, time.UTC)
	env := fact.Env{Root: root, Now: func() time.Time { return now }, PendingFile: "/var/lib/own/pending.json"}
	look := func(host func(context.Context, ...string) []finding.Result) map[string]finding.Result {
		out := map[string]finding.Result{}
		for _, r := range host(context.Background(), "patch") {
			out[strings.TrimSuffix(r.Check+" "+r.Resource, " ")] = r
		}
		return out
	}
	log := slog.New(slog.DiscardHandler)
	start := func() func(context.Context, ...string) []finding.Result {
		h := watched(held, log, env, pending.Open(filepath.Join(dir, "host", env.PendingFile), log))
		return func(ctx context.Context, groups ...string) []finding.Result { return h.Look(ctx, groups...).Results }
	}
	const curl, overdue = "patch-security-updates curl:amd64", "patch-security-overdue"
	first := now
	if r := look(start())[curl]; r.Status != finding.StatusFail || !r.Since.Equal(first) || r.Group != "curl" {
		t.Fatalf("got %+v", r)
	}
	now = now.AddDate(0, 0, 9)
	host := start() // another sensor
	got := look(host)
	if r := got[curl]; !r.Since.Equal(first) || got[overdue].Status != finding.StatusFail || !got[overdue].Since.Equal(first) {
		t.Errorf("after a restart since %v; overdue %+v", r.Since, got[overdue])
	}
	status := filepath.Join(dir, "host/var/lib/dpkg/status")
	if err := os.WriteFile(status, []byte("Package: x\nnot a field\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got = look(host)
	if r := got["patch-readable"]; r.Status != finding.StatusError || !strings.Contains(r.Actual, "is the answer of 2026-11-17T12:00:00Z") {
		t.Errorf("got %+v", r)
	}
	if r := got[curl]; r.Status != finding.StatusFail || !r.Since.Equal(first) {
		t.Errorf("while it cannot be read: %+v", r)
	}
}

// TestWaiversWhileRunning: the sensor's host sees a waiver that is written while it
// runs, and keeps those that it had while one is wrong.
func TestWaiversWhileRunning(t *testing.T) {
	dir := t.TempDir()
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "w"), 0o755); err != nil {
		t.Fatal(err)
	}
	own := `family: mine
checks: [{id: mine-x, title: t, severity: low, rationale: r, needs: [system], accept: [known, absent, unknown, error],
  pass: 'false', actual: a, expected: e, remediation: f}]
profile: {name: mine, checks: [mine]}
`
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := standard.Load(facts.Facts{}, config.Config{ChecksDir: dir, WaiversDir: filepath.Join(dir, "w"), Profile: "mine"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	h := watched(held, slog.New(slog.NewTextHandler(&log, nil)), fact.Env{Root: root, Now: time.Now}, nil)
	file := filepath.Join(dir, "w/a.yaml")
	until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	for _, tt := range []struct {
		text string
		want finding.Status
	}{
		{"", finding.StatusFail},
		{"waivers: [{check: mine-x, owner: ann, reason: r, expires: " + until + "}]", finding.StatusWaived},
		{"waivers: [{check: mine-y}]", finding.StatusWaived},
		{"waivers: []", finding.StatusFail},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := h.Affected(file); len(got) != len(facts.Groups()) {
			t.Errorf("%s: affected %v", tt.text, got)
		}
		r := h.Look(context.Background(), "system")
		if len(r.Results) != 1 || r.Results[0].Status != tt.want || !slices.Equal(r.Checks, []string{"mine-x"}) {
			t.Errorf("%s: got %+v, want %s", tt.text, r.Results, tt.want)
		}
	}
	if !strings.Contains(log.String(), "waivers are as they were") || !slices.Contains(h.Depends(), filepath.Join(dir, "w")+"/") {
		t.Errorf("log %s, depends %v", log.String(), h.Depends())
	}
	if pack := h.Pack(); len(pack) != 1 || len(h.Look(context.Background(), "sudo").Results) != 0 {
		t.Errorf("what is not in the profile is told: %d texts", len(pack))
	}
}
