package console

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/admin"
	"seawall/collector/admin/socket"
	"seawall/collector/export"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/finding"
)

// office serves the administrator from a store with two hosts, of which the second
// attacks the terminal. Change, if any, changes what is asked of the store.
func office(t *testing.T, change func(*export.Source)) func(...string) (string, string, error) {
	t.Helper()
	folder := t.TempDir()
	s, err := store.Open(t.Context(), filepath.Join(folder, "collector.db"), store.Config{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for n, name := range []string{"web-1", "=evil\x1b[2J\u202e"} {
		id := fleet.HostID(fmt.Sprintf("%032d", n+1))
		if err := s.SaveMember(t.Context(), fleet.Member{Host: id, Key: fleet.KeyHash{byte(n)}, Standing: fleet.Active, Enrolled: now, Since: now, Expires: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(t.Context(), id, deliveries(name, n), nil); err != nil {
			t.Fatal(err)
		}
	}
	c := admin.Config{Log: slog.New(slog.DiscardHandler),
		Exported: func(_ context.Context, who, what string) error {
			if who == "" || what == "" {
				t.Errorf("%q exports %q", who, what)
			}
			return nil
		},
	}
	source := export.Source{Hosts: s.Hosts, Host: s.Host, Checks: s.Checks, Timeline: s.Timeline, Detections: s.Detections}
	if change != nil {
		change(&source)
	}
	c.Export = source.Open("1.2.3")
	l, err := socket.Listen(folder, c.Log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- admin.Serve(ctx, l, c) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return func(line ...string) (string, string, error) { return run(folder, line...) }
}

func deliveries(name string, worse int) []fleet.Delivery {
	records := []finding.Record{
		{Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: name, OS: "Debian GNU/Linux 12 (bookworm)"}}},
		{Pack: &finding.Pack{Checks: []finding.CheckInfo{{ID: "ssh-root", Family: "ssh", Title: "Root cannot log in", Severity: finding.SeverityHigh}}}},
		{Change: &finding.Change{Result: finding.Result{Check: "ssh-root", Status: finding.StatusFail, Severity: finding.SeverityHigh + finding.Severity(worse), Actual: "yes", Expected: "no", Time: now}}},
		{Change: &finding.Change{Result: finding.Result{Check: "ssh-x11", Resource: name, Status: finding.StatusUnknown, Severity: finding.SeverityLow, Actual: strings.Repeat(name, 20), Time: now}}},
		{Change: &finding.Change{Result: finding.Result{Check: "ssh-pass", Status: finding.StatusPass, Severity: finding.SeverityLow, Actual: "no", Expected: "no", Time: now}}},
	}
	var out []fleet.Delivery
	for n, r := range records {
		r.Time = now
		out = append(out, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: uint64(n + 1), Record: r, Size: 100})
	}
	return out
}

// TestFleetTables holds what people see of hosts and findings, byte for byte.
func TestFleetTables(t *testing.T) {
	x := office(t, nil)
	for name, line := range map[string]string{
		"hosts": "hosts", "hosts.json": "hosts --json", "findings": "findings", "findings.json": "findings --json --limit 1", "findings-all": "findings --status pass,fail --severity high",
		"findings-none": "findings --host " + strings.Repeat("f", 32),
	} {
		got, stderr, err := x(strings.Fields(line)...)
		if err != nil || stderr != "" {
			t.Errorf("%s: %v, %q", line, err, stderr)
		}
		if strings.ContainsAny(got, "\x1b\a\u202e") {
			t.Errorf("%s: it steers the terminal: %q", line, got)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

// TestExport writes each format, on standard output and to a file of the owner's own.
func TestExport(t *testing.T) {
	x := office(t, nil)
	for line, want := range map[string]int{
		"export": 6, "export --format csv": 7, "export --what hosts": 2, "export --what changes --since 2026-05-31T00:00:00Z --format ocsf": 6, "export --status open --format ecs": 4,
		"export --what detections --format otlp": 0, "export --limit 3": 3,
	} {
		got, _, err := x(strings.Fields(line)...)
		if err != nil || strings.Count(got, "\n") != want {
			t.Errorf("%s: %d lines, want %d, %v", line, strings.Count(got, "\n"), want, err)
		}
		file := filepath.Join(t.TempDir(), "out")
		if printed, _, err := x(append(strings.Fields(line), "-o", file)...); err != nil || printed != "" {
			t.Errorf("%s: %q, %v", line, printed, err)
		}
		kept, err := os.ReadFile(file)
		if err != nil || string(kept) != got {
			t.Errorf("%s: the file has %d bytes of %d, %v", line, len(kept), len(got), err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", line, info, err)
		}
		if strings.Contains(line, "csv") {
			if _, err := csv.NewReader(strings.NewReader(got)).ReadAll(); err != nil {
				t.Error(err)
			}
		} else {
			for l := range strings.Lines(got) {
				if !json.Valid([]byte(l)) {
					t.Errorf("%s: %q", line, l)
				}
			}
		}
	}
}

// TestExportRefused: the collector's own words, and no file.
func TestExportRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	x := office(t, nil)
	for line, want := range map[string]string{
		"export --what users":              `parameter what: "users" is none of hosts, findings, changes, detections`,
		"export --what hosts --format ecs": "parameter format: hosts are written as csv or jsonl, not ecs",
		"findings --status bad":            `parameter status: "bad" is no status`,
	} {
		args := strings.Fields(line)
		if args[0] == "export" {
			args = append(args, "-o", file)
		}
		if got, _, err := x(args...); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "rpc error") || got != "" {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
	broken := office(t, func(s *export.Source) {
		host, n := s.Host, 0
		s.Host = func(ctx context.Context, id fleet.HostID) (fleet.HostDetail, error) {
			if n++; n > 1 {
				return fleet.HostDetail{}, errors.New("the disk is gone")
			}
			return host(ctx, id)
		}
	})
	if _, _, err := broken("export", "-o", file); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("half an export: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}
