package rpm

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
)

// modulesText has one module, whose default stream is 18.
const modulesText = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: nodejs\n  stream: \"18\"\n  version: 9\n  context: aaaa1111\n  arch: x86_64\n" +
	"  artifacts:\n    rpms:\n    - bash-0:5.1.8-9.el9.x86_64\n...\n---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: nodejs\n  stream: \"18\"\n...\n"

// fuzzed are the files of a small host that a run replaces one of. Those of a
// repository are named again by its repomd.xml, or nothing would look into them.
func fuzzed() []string {
	return []string{
		"modules", "primary", "updateinfo", "repomd.xml", "etc/yum.repos.d/os.repo", "etc/dnf/dnf.conf", "etc/dnf/modules.d/nodejs.module",
		"etc/dnf/plugins/versionlock.list", "etc/dnf/versionlock.toml", "proc/sys/kernel/osrelease", "var/lib/rpm/rpmdb.sqlite",
		"var/lib/rpm/rpmdb.sqlite-wal", "var/lib/rpm/Packages", "etc/dnf/vars/basearch", "etc/os-release", "etc/yum.repos.d/third.repo",
	}
}

// small makes a host of the files of rfx2, with one replaced.
func small(t testing.TB, files map[string]string, which string, content string, replace bool) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if strings.HasPrefix(name, "etc/") || strings.HasPrefix(name, "var/lib/") && name != "etc/yum.repos.d/fx.repo" {
			write(t, dir, name, text)
		}
	}
	must(t, os.Remove(filepath.Join(dir, "etc/yum.repos.d/fx.repo")))
	kinds := map[string]string{"primary": primary(newBash, newSSL), "updateinfo": advisory("A-1", newBash), "modules": modulesText}
	if _, ok := kinds[which]; ok && replace {
		kinds[which] = content
	}
	addRepo(t, dir, "os", "base", kinds)
	switch {
	case !replace || kinds[which] != "":
	case which == "repomd.xml":
		write(t, dir, strings.TrimPrefix(one(t, dir, "var/cache/dnf/*/repodata/repomd.xml"), dir), content)
	default:
		write(t, dir, which, content)
	}
	return dir
}

// FuzzRead replaces one file of a host by anything. The reader returns, says what
// state it is in and why, and never calls zero what it could not read.
func FuzzRead(f *testing.F) {
	files := members(f, "rfx2")
	for i, name := range fuzzed() {
		f.Add(uint8(i), []byte(name+"\n"))
	}
	dir := small(f, files, "", "", false)
	for i, name := range fuzzed() {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil && len(b) < 1<<16 {
			f.Add(uint8(i), b)
		}
	}
	f.Add(uint8(0), []byte(modulesText))
	f.Add(uint8(1), []byte(primary(newBash)))
	f.Add(uint8(2), []byte(advisory("A-1", newBash, newSSL)))
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		name := fuzzed()[int(which)%len(fuzzed())]
		a := Read(context.Background(), env(t, small(t, files, name, string(content), true)))
		m := a.Facts.Meta
		states := []fact.State{fact.StateKnown, fact.StateUnknown, fact.StateError, fact.StateAbsent}
		if !slices.Contains(states, m.State) || m.State != fact.StateKnown && m.Reason == "" {
			t.Fatalf("%s: state %q, reason %q", name, m.State, m.Reason)
		}
		if m.State == fact.StateKnown && !slices.ContainsFunc(a.Facts.Sources, func(s patch.Source) bool { return s.Security }) {
			t.Fatalf("%s: known without a source that has advisories: %+v", name, a.Facts.Sources)
		}
		for _, p := range a.Facts.Packages {
			if p.Name == "" || p.Fixed == "" || p.Label == "" || strings.ContainsAny(p.Reason+p.Fixed+p.Name, "\x00\x1b\n") {
				t.Fatalf("%s: package %+v", name, p)
			}
		}
	})
}

// TestSeedsExist: what fuzzing begins with says something, each of it.
func TestSeedsExist(t *testing.T) {
	files := members(t, "rfx2")
	if f := read(t, small(t, files, "", "", false)); len(f.Packages) != 1 || f.OtherPending != 1 {
		t.Errorf("pending %+v and %d others, want 1 and 1", f.Packages, f.OtherPending)
	}
	if f := read(t, small(t, files, "updateinfo", advisory("A-1", newBash, newSSL), true)); len(f.Packages) != 2 {
		t.Errorf("pending %+v, want 2", f.Packages)
	}
}
