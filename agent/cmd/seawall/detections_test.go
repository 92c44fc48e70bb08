package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"seawall/agent/sensor"
	"seawall/agent/sentry"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
)

// TestGuarded: the rules of detections are part of what a sensor sees of its host, and
// are read again with the group that their files make stale, never for another.
func TestGuarded(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.d")
	if err := os.Mkdir(rules, 0o755); err != nil {
		t.Fatal(err)
	}
	shared := append(make([]string, 0, 9), "some-check")
	plain := sensor.Host{
		Look:     func(context.Context, ...string) sensor.Reading { return sensor.Reading{Checks: shared} },
		Affected: func(string) []string { return []string{"ssh"} },
		Depends:  func() []string { return []string{"/etc/ssh/"} },
		Pack:     func() []finding.CheckInfo { return []finding.CheckInfo{{ID: "some-check"}} },
	}
	guard := sentry.New(sentry.Config{Log: slog.New(slog.DiscardHandler), Root: hostfs.Root{}, Dir: rules, Allow: filepath.Join(dir, "allow.yaml")})
	h := guarded(plain, guard, time.Now)
	look := func(want finding.Status, groups ...string) {
		t.Helper()
		r := h.Look(context.Background(), groups...)
		i := slices.IndexFunc(r.Results, func(r finding.Result) bool { return r.Check == sentry.Check })
		if want == finding.StatusUnspecified {
			if i >= 0 || slices.Contains(r.Checks, sentry.Check) {
				t.Errorf("%v: looked at", groups)
			}
			return
		}
		if i < 0 || r.Results[i].Status != want || !slices.Equal(r.Checks, []string{"some-check", sentry.Check}) {
			t.Errorf("%v: %+v, want %v", groups, r, want)
		}
	}
	look(finding.StatusPass)
	file := filepath.Join(rules, "a.yaml")
	if err := os.WriteFile(file, []byte("title: nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	look(finding.StatusPass, ruleGroup) // nobody said that it changed
	if got := h.Affected(file); !slices.Equal(got, []string{"ssh", ruleGroup}) {
		t.Errorf("%v", got)
	}
	if got := h.Affected("/etc/passwd"); !slices.Equal(got, []string{"ssh"}) {
		t.Errorf("%v", got)
	}
	look(finding.StatusUnspecified, "ssh")
	look(finding.StatusFail, ruleGroup)
	if got := h.Depends(); !slices.Contains(got, rules+"/") || !slices.Contains(got, "/etc/ssh/") {
		t.Errorf("%v", got)
	}
	if got := h.Pack(); len(got) != 2 || got[1].ID != sentry.Check || shared[:2][1] == sentry.Check {
		t.Errorf("%v, %v", got, shared[:2])
	}
}
