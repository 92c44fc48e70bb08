package kernel

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

func env(root hostfs.Root) fact.Env { return fact.Env{Root: root, Now: time.Now} }

func read(t *testing.T, files map[string]string) Facts {
	t.Helper()
	return Read(t.Context(), env(image.Of(t, files)), nil)
}

// TestLive reads this machine: what can be asked another way must agree.
func TestLive(t *testing.T) {
	f := Read(t.Context(), env(hostfs.Root{}), nil)
	if f.Meta.State != fact.StateKnown || f.Release == "" {
		t.Fatalf("%+v", f.Meta)
	}
	for _, k := range Keys() {
		s, ok := f.Sysctl[k]
		if !ok || s.Name != k || s.Text == "" || (s.Unknown == "") != (len(s.Values) == 2) {
			t.Errorf("%s: %+v", k, s)
		}
	}
	b, err := os.ReadFile("/proc/sys/kernel/randomize_va_space")
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Sysctl["kernel.randomize_va_space"]; !s.RunningKnown || s.Running != strings.TrimSpace(string(b)) {
		t.Errorf("%+v", s)
	}
	entries, err := os.ReadDir(vulnerabilities)
	if err == nil && (!f.CPU.Known || len(f.CPU.Vulnerabilities) != len(entries)) {
		t.Errorf("%d vulnerabilities of %d: %s", len(f.CPU.Vulnerabilities), len(entries), f.CPU.Reason)
	}
	if len(f.Modules) != len(modules()) || !f.Taint.Known {
		t.Errorf("%d modules, %+v", len(f.Modules), f.Taint)
	}
	for _, name := range []string{"/etc/sysctl.d/", "/etc/modprobe.d/", "/etc/selinux/config", "/etc/systemd/coredump.conf"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
	if testing.Verbose() {
		b, _ := json.MarshalIndent(f, "", " ")
		t.Logf("%s", b)
	}
	t.Log(f.Meta.Took)
}
