package flags

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
)

// TestLoad: each setting comes from the last of default, file, environment and
// command line that gives one.
func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sensor.yaml")
	if err := os.WriteFile(file, []byte("coalesce: 1s\nheartbeat_interval: 2s\nspool_dir: /file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		line  string
		names []string
		want  string // spool, heartbeat, coalesce; or a part of the error
	}{
		{"", nil, "/var/lib/seawall/spool 3s 100ms"},
		{"--config " + file, nil, "/file 3s 1s"},
		{"--config " + file + " --spool /flag --heartbeat-interval 5s", nil, "/flag 5s 1s"},
		{"--spool /flag", []string{"spool_dir"}, "/flag 3s 100ms"},
		{"--coalesce 1s", []string{"spool_dir"}, "unknown flag: --coalesce"},
		{"--spool relative", nil, `--spool: "relative" is not an absolute path`},
		{"--config /none/sensor.yaml", nil, "no such file"},
	} {
		var f Flags
		var c config.Config
		cmd := &cobra.Command{Use: "c", SilenceErrors: true, SilenceUsage: true, RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err = f.Load(cmd, []string{"SEAWALL_HEARTBEAT_INTERVAL=3s"})
			return err
		}}
		f.Add(cmd, tt.names...)
		if tt.line == "" {
			// The default file of the machine that runs the test is none of ours.
			f.file = filepath.Join(t.TempDir(), "none")
		}
		cmd.SetArgs(strings.Fields(tt.line))
		got := ""
		if err := cmd.Execute(); err != nil {
			got = err.Error()
		} else {
			got = strings.Join([]string{c.SpoolDir, c.HeartbeatInterval.String(), c.Coalesce.Round(time.Millisecond).String()}, " ")
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.line, got, tt.want)
		}
	}
}

// TestLoadReadable: people's paths begin where they are, and their configuration may
// be one that they cannot read.
func TestLoadReadable(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var f Flags
	var c config.Config
	cmd := &cobra.Command{Use: "c", RunE: func(cmd *cobra.Command, _ []string) (err error) {
		c, err = f.LoadReadable(cmd, nil)
		return err
	}}
	f.Add(cmd, "checks_dir", "profile")
	f.file = filepath.Join(here, "none")
	cmd.SetArgs([]string{"--checks", "own", "--profile", "cis-1"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if c.ChecksDir != filepath.Join(here, "own") || c.Profile != "cis-1" || c.WaiversDir != "/etc/seawall/waivers.d" {
		t.Errorf("got %+v", c)
	}
}
