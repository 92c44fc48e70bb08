package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sensor.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLoadDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n", "{}\n"} {
		got, err := Load(Sources{File: write(t, text)})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(Default(), got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", text, diff)
		}
	}
}

func TestLoadEverything(t *testing.T) {
	name := write(t, `# all settings
spool_dir: /srv/spool/
spool_max_bytes: 64MiB
state_interval: 1h
heartbeat_interval: 30s
audit_mode: multicast
audit_profile: detect
audit_rules_dir: /srv/audit
detect: off
detections_dir: /srv/detections
allow_file: /srv/allow
redact_words: x-vault-thing, pin
coalesce: 50ms
log_level: debug
checks_dir: /srv/checks
waivers_dir: /srv/waivers
tags_file: /srv/tags
profile: cis-1
`)
	got, err := Load(Sources{File: name})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		SpoolDir: "/srv/spool", SpoolMaxBytes: 64 << 20, StateInterval: time.Hour, HeartbeatInterval: 30 * time.Second,
		AuditMode: "multicast", AuditProfile: "detect", AuditRulesDir: "/srv/audit", DetectionsDir: "/srv/detections", AllowFile: "/srv/allow",
		RedactWords: []string{"x-vault-thing", "pin"}, Coalesce: 50 * time.Millisecond, LogLevel: slog.LevelDebug, ChecksDir: "/srv/checks",
		WaiversDir: "/srv/waivers", TagsFile: "/srv/tags", Profile: "cis-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLoadOrder(t *testing.T) {
	src := Sources{File: write(t, "coalesce: 1ms\nspool_dir: /file\naudit_mode: off\n")}
	src.Environ = []string{"SEAWALL_COALESCE=2ms", "SEAWALL_SPOOL_DIR=/first", "SEAWALL_SPOOL_DIR=/env", "HOME=/root"}
	src.Flags = map[string]string{"coalesce": "3ms"}
	got, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	if got.Coalesce != 3*time.Millisecond || got.SpoolDir != "/env" || got.AuditMode != "off" {
		t.Errorf("got coalesce %v, spool_dir %s, audit_mode %s", got.Coalesce, got.SpoolDir, got.AuditMode)
	}
}

func TestLoadMissing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := Load(Sources{File: name, Optional: true}); err != nil {
		t.Errorf("optional: %v", err)
	}
	if _, err := Load(Sources{File: name}); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("asked for: got %v, want an error that names the file", err)
	}
}

func TestLoadErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"spool_dirr: /x\n", `:1:1: unknown setting "spool_dirr"`},
		{"\ncoalesce: soon\n", `:2:11: coalesce: "soon" is not a duration`},
		{"coalesce: 20s\n", "is not between"},
		{"coalesce: 1ms\ncoalesce: 2ms\n", ":2:1: coalesce stands on line 1 already"},
		{"spool_dir: spool\n", "not an absolute path"},
		{"spool_dir: [a]\n", ":1:12: spool_dir: want a plain value"},
		{"spool_dir:\n", "want a plain value"},
		{"spool_max_bytes: 1KiB\n", "between 8MiB and 64GiB"},
		{"spool_max_bytes: 9999999999999GiB\n", "is not a size"},
		{"spool_max_bytes: -9MiB\n", "is not a size"},
		{"audit_mode: loud\n", "none of auto, unicast, multicast, off"},
		{"audit_profile: all\n", "none of drift, detect, cis"},
		{"detect: maybe\n", `"maybe" is neither on nor off`},
		{"redact_words: x, (.*)\n", "is no name of letters"},
		{"redact_words: " + strings.Repeat("ab ", 65) + "\n", "more than 64 words"},
		{"profile: CIS\n", `"CIS" is no name of a profile`},
		{"log_level: INFO\n", "none of debug, info, warn, error"},
		{"- a\n", ":1:1: want settings"},
		{"a: b: c\n", "mapping values are not allowed"},
		{"{}\n---\n{}\n", "more than one document"},
	}
	for _, tt := range tests {
		name := write(t, tt.text)
		_, err := Load(Sources{File: name})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: got %v, want %q and the file's name", tt.text, err, tt.want)
		}
	}
}

func TestLoadReportsEveryProblem(t *testing.T) {
	_, err := Load(Sources{
		File: write(t, "x: 1\nlog_level: no\n"), Environ: []string{"SEAWALL_COALESCE=z"}, Flags: map[string]string{"spool": "r"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{":1:1", ":2:12", "environment: SEAWALL_COALESCE", "--spool"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
}

// TestSettingsRoundTrip: what a setting prints, it reads.
func TestSettingsRoundTrip(t *testing.T) {
	for _, s := range Settings() {
		c, d := Default(), Config{}
		if err := s.set(&d, s.Value(&c)); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if got, want := s.Value(&d), s.Value(&c); got != want {
			t.Errorf("%s: got %q, want %q", s.Name, got, want)
		}
		if s.Help == "" {
			t.Errorf("%s has no help", s.Name)
		}
	}
}

func FuzzParse(f *testing.F) {
	seeds := []string{"spool_dir: /x\n", "coalesce: 1ms\ncoalesce: 1ms", "{a: [b, {c: d}]}", "&a [*a]", "? {x: y}\n: z\n", "\x00"}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Default()
		if c.parse("f", data) != nil {
			return
		}
		if c.SpoolMaxBytes < minSpool || c.Coalesce < 0 || !filepath.IsAbs(c.SpoolDir) {
			t.Errorf("accepted %+v", c)
		}
	})
}

func TestLanes(t *testing.T) {
	c := Config{SpoolMaxBytes: 256 << 20}
	var sum int64
	for lane, n := range c.Lanes() {
		if n <= 0 {
			t.Errorf("%s has %d bytes", lane, n)
		}
		sum += n
	}
	if sum != c.SpoolMaxBytes {
		t.Errorf("the lanes have %d bytes together, want %d", sum, c.SpoolMaxBytes)
	}
}

func TestPendingFile(t *testing.T) {
	c := Default()
	if got := c.PendingFile(); got != "/var/lib/seawall/sensor/pending.json" {
		t.Errorf("got %s", got)
	}
	c.SpoolDir = "/tmp/x/spool"
	if got := c.PendingFile(); got != "/tmp/x/sensor/pending.json" {
		t.Errorf("got %s", got)
	}
}
