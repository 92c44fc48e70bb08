package facts

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/system"
	"seawall/pkg/hostfs"
)

// image is a host that was never booted: an operating system and nothing else.
func image(t *testing.T) fact.Env {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
	if err := os.WriteFile(filepath.Join(dir, "etc/os-release"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: time.Now}
}

func TestRead(t *testing.T) {
	r := NewReader(image(t))
	if f := r.Facts(); f.System.Meta.State != "" {
		t.Fatalf("state %q before anything was read", f.System.Meta.State)
	}
	f := r.Read(context.Background(), "system", "system", "none")
	if f.System.ID != "debian" || f.System.Meta.State != fact.StateKnown {
		t.Errorf("got %+v", f.System)
	}
	if f.SSHD.Meta.State != "" || f.Patch.Meta.State != "" || f.Audit.Meta.State != "" {
		t.Error("groups were read that were not asked for")
	}
	f = r.Read(context.Background())
	for _, g := range Groups() {
		m := f.Meta(g)
		if m.State == "" || m.Took <= 0 {
			t.Errorf("%s: state %q, took %v", g, m.State, m.Took)
		}
		// Others say part by part that there is nothing.
		if m.State == fact.StateKnown && slices.Contains([]string{"sshd", "patch", "restart", "updates", "accounts", "keys", "sudo", "containers"}, g) {
			t.Errorf("%s is known of a host that has none", g)
		}
		if f.Group(g) == nil {
			t.Errorf("%s is no group", g)
		}
	}
	if (&f).Group("none") != nil || f.Meta("none").State != "" {
		t.Error("an unknown group has facts")
	}
	if d := r.Depends(); !slices.IsSorted(d) || !slices.Contains(d, "/etc/os-release") {
		t.Errorf("depends on %v", d)
	}
	for _, g := range r.Affected("/etc/os-release") {
		if g == "system" {
			return
		}
	}
	t.Error("os-release does not affect the system's facts")
}

// TestReadTogether: readers may be asked from several goroutines at once.
func TestReadTogether(t *testing.T) {
	r := NewReader(image(t))
	done := make(chan Facts)
	for range 4 {
		go func() { done <- r.Read(context.Background(), "system", "patch") }()
	}
	for range 4 {
		if f := <-done; f.System.ID != "debian" {
			t.Errorf("got %+v", f.System)
		}
		r.Affected("/etc")
	}
}

// TestPanic: a reader that breaks down costs its own group, and what it depended
// on before still makes it run again.
func TestPanic(t *testing.T) {
	r := NewReader(image(t))
	meta := func(f *system.Facts) *fact.Meta { return &f.Meta }
	read := func(context.Context, fact.Env) system.Facts {
		return system.Facts{ID: "x", Meta: fact.Meta{State: fact.StateKnown, Depends: []string{"/etc/x"}}}
	}
	keep(context.Background(), r, "system", &r.facts.System, meta, read)
	broken := func(context.Context, fact.Env) system.Facts {
		m := []map[string]int{nil}
		m[0]["x"] = 1
		return system.Facts{}
	}
	keep(context.Background(), r, "system", &r.facts.System, meta, broken)
	got := r.Facts().System
	if got.Meta.State != fact.StateError || !strings.Contains(got.Meta.Reason, "nil map") || got.ID != "" || got.Meta.Took <= 0 {
		t.Errorf("got %+v", got.Meta)
	}
	if diff := cmp.Diff([]string{"system"}, r.Affected("/etc/x")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(got.Meta.Evidence) != 1 || !strings.Contains(got.Meta.Evidence[0].Text, "goroutine") {
		t.Errorf("evidence %v, want the stack", got.Meta.Evidence)
	}
}

func TestTouches(t *testing.T) {
	tests := []struct {
		path, dep string
		want      bool
	}{
		{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config", true},
		{"/etc/ssh/sshd_config.d/x.conf", "/etc/ssh/sshd_config.d/", true},
		{"/etc/ssh/sshd_config.d/a/b", "/etc/ssh/sshd_config.d/", true},
		{"/etc/ssh/sshd_config.d", "/etc/ssh/sshd_config.d/", true},
		{"/etc/ssh/sshd_config.d/", "/etc/ssh/sshd_config.d/", true},
		{"/etc/ssh/sshd_config.dx", "/etc/ssh/sshd_config.d/", false},
		{"/etc/ssh", "/etc/ssh/sshd_config", true}, // renamed with what is in it
		{"/etc", "/etc/ssh/sshd_config.d/", true},
		{"/", "/etc/passwd", true},
		{"/etc/ssh/sshd_config2", "/etc/ssh/sshd_config", false},
		{"/etc/ssh/sshd_config/x", "/etc/ssh/sshd_config", false}, // not a directory of ours
		{"/et", "/etc/passwd", false},
		{"/anything", "/", true},
		{"/etc/passwd", "", false},
	}
	for _, tt := range tests {
		if got := touches(tt.path, tt.dep); got != tt.want {
			t.Errorf("touches(%q, %q) = %v", tt.path, tt.dep, got)
		}
	}
}
