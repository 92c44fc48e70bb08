package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
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
