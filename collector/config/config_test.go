package config_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"seawall/collector/config"
	"seawall/collector/contact"
)

// load reads a file of the text, with the command line args.
func load(t *testing.T, text string, args ...string) (config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "collector.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return parse(t, append([]string{"--config", file}, args...)...)
}

// parse reads a command line.
func parse(t *testing.T, args ...string) (config.Config, error) {
	t.Helper()
	var c config.Config
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	c.Register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	err := c.Load(flags)
	return c, err
}

// TestPrecedence sets one option in all three places, and others in one or two.
func TestPrecedence(t *testing.T) {
	t.Setenv("SEAWALL_COLLECTOR_MAX_HOSTS", "2")
	t.Setenv("SEAWALL_COLLECTOR_HOST_RATE", "20")
	c, err := load(t, "max_hosts: 1\nhost_rate: 10\nretention_days: 7\ndashboard_hosts: [a, b]\nenrolment_approval: all\n", "--max-hosts", "3")
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxHosts != 3 || c.HostRate != 20 || c.RetentionDays != 7 || c.EnrolmentApproval.Value != "all" || c.ArchiveAfterDays != 30 {
		t.Errorf("max-hosts %d, host-rate %d, retention-days %d, enrolment-approval %q, archive-after-days %d; want 3, 20, 7, all, 30",
			c.MaxHosts, c.HostRate, c.RetentionDays, c.EnrolmentApproval.Value, c.ArchiveAfterDays)
	}
	if diff := cmp.Diff([]string{"a", "b"}, []string(c.DashboardHosts)); diff != "" {
		t.Errorf("dashboard-hosts (-want +got):\n%s", diff)
	}
}

// TestNamedFile has the file's name in the environment, where the command line goes before.
func TestNamedFile(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"a": "max_hosts: 11\n", "b": "max_hosts: 12\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SEAWALL_COLLECTOR_CONFIG", filepath.Join(folder, "a"))
	if c, err := parse(t); err != nil || c.MaxHosts != 11 {
		t.Errorf("by the environment: %d, %v", c.MaxHosts, err)
	}
	if c, err := parse(t, "--config", filepath.Join(folder, "b")); err != nil || c.MaxHosts != 12 {
		t.Errorf("by the command line: %d, %v", c.MaxHosts, err)
	}
	t.Setenv("SEAWALL_COLLECTOR_CONFIG", filepath.Join(folder, "none"))
	if _, err := parse(t); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that is absent: %v", err)
	}
	if _, err := parse(t, "--config", folder); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		text string
		args []string
		want string
	}{
		{text: "max_host: 1\n", want: `line 1: "max_host": no such option`},
		{text: "max-hosts: 1\n", want: `line 1: "max-hosts": no such option`},
		{text: "config: x\n", want: `line 1: "config": no such option`},
		{text: "\nmax_hosts: 1\nmax_hosts: 2\n", want: `line 3: "max_hosts": set twice`},
		{text: "max_hosts: [1]\n", want: `line 1: "max_hosts": not a single value`},
		{text: "max_hosts: many\n", want: `line 1: "max_hosts": `},
		{text: "- max_hosts\n", want: "line 1: not a list of keys and values"},
		{text: "max_hosts: 0\nhost_rate: 10000001\n", want: "host-rate: 10000001 is out of range"},
		{text: strings.Repeat("#", 1<<20+1), want: "not a regular file of at most 1048576 bytes"},
		{args: []string{"--state-dir", ""}, want: "state-dir is empty"},
		{args: []string{"--ingest", "here"}, want: "ingest: "},
		{args: []string{"--store", "mysql://x"}, want: "postgres"},
		{args: []string{"--admin", "a b"}, want: "admin: "},
		{args: []string{"--dashboard-cert", "x"}, want: "dashboard-cert and dashboard-key go together"},
		{args: []string{"--advertise", "here"}, want: "advertise: "},
		{args: []string{"--dashboard", ":8443", "--dashboard-tls", "off"}, want: "off needs a loopback address"},
	} {
		_, err := load(t, c.text, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, new(config.Error)) {
			t.Errorf("%.40q, %q: %v; want an Error with %q", c.text, c.args, err, c.want)
		}
	}
}

// TestAllThatIsWrong has what is wrong said at once.
func TestAllThatIsWrong(t *testing.T) {
	t.Setenv("SEAWALL_COLLECTOR_RETENTION_DAYS", "long")
	_, err := load(t, "max_hosts: 0\n", "--memory-budget", "0")
	for _, want := range []string{"environment SEAWALL_COLLECTOR_RETENTION_DAYS", "max-hosts: 0", "memory-budget: 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q among it", err, want)
		}
	}
}

// TestDatabase names the store, and has streams begin anew only where there may be
// another collector for them.
func TestDatabase(t *testing.T) {
	c, err := load(t, "", "--state-dir", "/x")
	if err != nil || c.Database() != "/x/collector.db" || c.StreamAge != 0 {
		t.Errorf("a file: %q, streams of %v, %v", c.Database(), c.StreamAge, err)
	}
	const url = "postgres://collector@db.example.net/seawall?sslmode=verify-full"
	c, err = load(t, "store: "+url+"\n")
	if err != nil || c.Database() != url || c.StreamAge != 2*time.Hour {
		t.Errorf("a database: %q, streams of %v, %v", c.Database(), c.StreamAge, err)
	}
}

// TestHost tells new machines what the configuration says, else where the collector is
// known to be reached from outside.
func TestHost(t *testing.T) {
	folder := t.TempDir()
	if _, err := (&config.Config{StateDir: folder}).Host(); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("nothing is known: %v", err)
	}
	at := contact.Contact{Ingest: "192.0.2.7:9443"}
	if err := at.Write(folder); err != nil {
		t.Fatal(err)
	}
	if h, err := (&config.Config{StateDir: folder}).Host(); err != nil || h.Collector != at.Ingest {
		t.Errorf("a collector that runs: %q, %v", h.Collector, err)
	}
	key := filepath.Join(folder, "repo.asc")
	c := config.Config{StateDir: folder, Advertise: "c.example.net:9443", Repo: "https://r.example.net", RepoKey: key}
	if _, err := c.Host(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no key: %v", err)
	}
	if err := os.WriteFile(key, []byte("armour"), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err := c.Host(); err != nil || h.Collector != c.Advertise || h.Repo != c.Repo || h.Key != "armour" {
		t.Errorf("%+v, %v", h, err)
	}
}

// FuzzFile has no file make an option that check would refuse, nor any other end than an
// Error.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"", "max_hosts: 1\n", "dashboard_hosts: [a, b]\n", "max_hosts: {a: 1}\n", "a: &a [*a]\n", "? [x]\n: y\n", "- x\n", "\x00", "stream_age: 1h\nstore: postgres://x/y\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := load(t, string(data))
		if err != nil {
			if !errors.As(err, new(config.Error)) {
				t.Errorf("%v is no Error", err)
			}
			return
		}
		if c.StateDir == "" || c.MaxHosts < 1 || c.HostRate < 1 || c.RetentionDays < 1 || c.MemoryBudget < 1 {
			t.Errorf("taken: %+v", c)
		}
	})
}
