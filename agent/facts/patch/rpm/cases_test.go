package rpm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
)

// addRepo configures a repository in the file of its vendor and puts metadata into
// its cache: the text of each kind, "" for a file that is named and not there. Nil
// is a repository that was never fetched.
func addRepo(t testing.TB, dir, vendor, id string, kinds map[string]string) {
	t.Helper()
	url := "https://" + id + ".example.org/os/"
	file := filepath.Join(dir, "etc/yum.repos.d", vendor+".repo")
	before, _ := os.ReadFile(file)
	write(t, dir, "etc/yum.repos.d/"+vendor+".repo", fmt.Sprintf("%s[%s]\nname=%s\nbaseurl=%s\nenabled=1\n", before, id, id, url))
	if kinds == nil {
		return
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(url)))
	folder := "var/cache/dnf/" + id + "-" + sum[:16] + "/repodata/"
	var md strings.Builder
	md.WriteString("<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1795200000</revision>\n")
	for kind, text := range kinds {
		name := kind + ".xml"
		if kind == "modules" {
			name = "modules.yaml"
		}
		if text != "" {
			write(t, dir, folder+name, text)
		}
		fmt.Fprintf(&md, "<data type=\"%s\"><checksum type=\"sha256\">%x</checksum><location href=\"repodata/%s\"/><timestamp>1795200000</timestamp><size>%d</size></data>\n",
			kind, sha256.Sum256([]byte(text)), name, len(text))
	}
	write(t, dir, folder+"repomd.xml", md.String()+"</repomd>\n")
}

// primary lists builds, "name evr arch".
func primary(builds ...string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" packages=\"%d\">\n", len(builds))
	for _, b := range builds {
		c := strings.Fields(b)
		epoch, version, release := nevra{evr: c[1]}.parts()
		fmt.Fprintf(&out, "<package type=\"rpm\"><name>%s</name><arch>%s</arch><version epoch=\"%s\" ver=\"%s\" rel=\"%s\"/></package>\n", c[0], c[2], epoch, version, release)
	}
	return out.String() + "</metadata>\n"
}

// advisory is a security advisory for builds.
func advisory(id string, builds ...string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "<updates><update type=\"security\"><id>%s</id><issued date=\"2026-11-01\"/><severity>Moderate</severity><pkglist><collection>", id)
	for _, b := range builds {
		c := strings.Fields(b)
		epoch, version, release := nevra{evr: c[1]}.parts()
		fmt.Fprintf(&out, "<package name=\"%s\" version=\"%s\" release=\"%s\" epoch=\"%s\" arch=\"%s\"/>", c[0], version, release, epoch, c[2])
	}
	return out.String() + "</collection></pkglist></update></updates>\n"
}

// bare is a host with the packages of rfx2 and no repository: openssl, bash and a
// kernel.
func bare(t testing.TB) string {
	t.Helper()
	dir := unpack(t, "rfx2")
	must(t, os.Remove(filepath.Join(dir, "etc/yum.repos.d/fx.repo")))
	must(t, os.RemoveAll(filepath.Join(dir, "var/cache")))
	return dir
}

const (
	oldBash, newBash = "bash 5.1.8-6.el9 x86_64", "bash 5.1.8-9.el9 x86_64"
	newSSL           = "openssl 1:3.5.1-4.el9 x86_64"
)

// TestStates: what is missing or broken of repositories, and what is said of it.
func TestStates(t *testing.T) {
	base := map[string]string{"primary": primary(newBash, newSSL), "updateinfo": advisory("A-1", newBash)}
	without := map[string]string{"primary": primary(newBash)}
	third := map[string]string{"primary": primary(newSSL), "updateinfo": advisory("E-1", newSSL)}
	for name, c := range map[string]struct {
		make   func(dir string)
		state  fact.State
		reason string
		failed bool
	}{
		"advisories":    {func(d string) { addRepo(t, d, "os", "base", base) }, fact.StateKnown, "", false},
		"no repository": {func(string) {}, fact.StateUnknown, "no repository is enabled", false},
		"never fetched": {func(d string) { addRepo(t, d, "os", "base", nil) }, fact.StateUnknown,
			"repository base (/etc/yum.repos.d/os.repo line 1): nothing is in the cache", false},
		"the vendor's second never fetched": {func(d string) {
			addRepo(t, d, "os", "base", base)
			addRepo(t, d, "os-more", "more", nil)
		}, fact.StateUnknown, "repository more", false},
		"a third party never fetched": {func(d string) {
			addRepo(t, d, "os", "base", base)
			addRepo(t, d, "third", "third", nil)
		}, fact.StateKnown, "", false},
		"fedora: base without, updates with": {func(d string) {
			addRepo(t, d, "os", "base", without)
			addRepo(t, d, "os-updates", "updates", third)
		}, fact.StateKnown, "", false},
		"stream with a third party's advisories": {func(d string) {
			addRepo(t, d, "os", "base", without)
			addRepo(t, d, "third", "third", third)
		}, fact.StateUnknown, "the system's repositories publish no advisories (updateinfo): base", false},
		"advisories named and not there": {func(d string) {
			addRepo(t, d, "os", "base", map[string]string{"primary": primary(newBash), "updateinfo": ""})
		}, fact.StateUnknown, "repository base: /var/cache/dnf/base-", true},
		"no list of packages": {func(d string) {
			addRepo(t, d, "os", "base", map[string]string{"updateinfo": advisory("A-1", newBash)})
		}, fact.StateError, "repository base", true},
		"advisories cut short": {func(d string) {
			addRepo(t, d, "os", "base", map[string]string{"primary": primary(newBash), "updateinfo": base["updateinfo"][:200]})
		}, fact.StateError, "updateinfo.xml", true},
		"a third party's advisories are damaged": {func(d string) {
			addRepo(t, d, "os", "base", base)
			addRepo(t, d, "third", "third", map[string]string{"primary": primary(newSSL), "updateinfo": "<updates><update>"})
		}, fact.StateError, "repository third", true},
		"another file than repomd.xml names": {func(d string) {
			addRepo(t, d, "os", "base", base)
			name := one(t, d, "var/cache/dnf/base-*/repodata/updateinfo.xml")
			must(t, os.WriteFile(name, []byte(strings.Replace(base["updateinfo"], "A-1", "A-2", 1)), 0o644))
		}, fact.StateError, "repository base", true},
		"repomd.xml half written": {func(d string) {
			addRepo(t, d, "os", "base", base)
			must(t, os.Truncate(one(t, d, "var/cache/dnf/base-*/repodata/repomd.xml"), 100))
		}, fact.StateError, "repository base", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := bare(t)
			c.make(dir)
			a := Read(context.Background(), env(t, dir))
			m := a.Facts.Meta
			if m.State != c.state || !strings.Contains(m.Reason, c.reason) || a.Failed != c.failed {
				t.Errorf("state %s, failed %t: %s\nwant %s, %t: %s", m.State, a.Failed, m.Reason, c.state, c.failed, c.reason)
			}
			for _, s := range a.Facts.Sources {
				if s.Lists == 0 && s.Reason == "" && m.State == fact.StateKnown {
					t.Errorf("source %s has no lists and no reason", s.Suite)
				}
			}
		})
	}
}

// one is the only file of a pattern.
func one(t testing.TB, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) != 1 {
		t.Fatalf("%d files are %s", len(names), pattern)
	}
	return names[0]
}

func TestDatabases(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(dir string)
		state fact.State
	}{
		"none": {func(d string) { must(t, os.RemoveAll(filepath.Join(d, "var/lib/rpm"))) }, fact.StateAbsent},
		"ndb": {func(d string) {
			must(t, os.RemoveAll(filepath.Join(d, "var/lib/rpm")))
			write(t, d, "usr/lib/sysimage/rpm/Packages.db", "RpmP\x00\x00\x00\x00")
		}, fact.StateUnknown},
		"damaged": {func(d string) { must(t, os.Truncate(filepath.Join(d, "var/lib/rpm/rpmdb.sqlite"), 30000)) }, fact.StateError},
	} {
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, "rfx1")
			c.make(dir)
			a := Read(context.Background(), env(t, dir))
			if m := a.Facts.Meta; m.State != c.state || m.Reason == "" || len(m.Depends) == 0 {
				t.Errorf("state %s: %q, depends on %q; want %s", m.State, m.Reason, m.Depends, c.state)
			}
			if want := c.state == fact.StateError; a.Failed != want {
				t.Errorf("failed is %t, want %t", a.Failed, want)
			}
		})
	}
}

func find(t testing.TB, f patch.Facts, name string) patch.Package {
	t.Helper()
	for _, p := range f.Packages {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("%s is not pending", name)
	return patch.Package{}
}

func TestExcludedAndLocked(t *testing.T) {
	f := read(t, unpack(t, "rfx1"))
	sudo := find(t, f, "sudo")
	if sudo.Label != patch.LabelExcluded || sudo.Reason != "kept back by /etc/dnf/dnf.conf line 7: exclude=sudo" || sudo.Fixed != "1.9.5p2-10.el9_3" {
		t.Errorf("sudo: %+v", sudo)
	}
	dir := bare(t)
	addRepo(t, dir, "os", "base", map[string]string{"primary": primary(newBash), "updateinfo": advisory("A-1", newBash, newSSL)})
	write(t, dir, "etc/dnf/dnf.conf", "[main]\nplugins=1\n")
	write(t, dir, "etc/dnf/plugins/versionlock.conf", "[main]\nenabled=1\nlocklist=/etc/dnf/plugins/versionlock.list\n")
	write(t, dir, "etc/dnf/plugins/versionlock.list", "bash-0:5.1.8-6.el9.*\n")
	f = read(t, dir)
	if p := find(t, f, "bash"); p.Label != patch.LabelExcluded || p.Reason != "locked by /etc/dnf/plugins/versionlock.list line 1: bash-0:5.1.8-6.el9.*" || p.Candidate != "" {
		t.Errorf("bash: %+v", p)
	}
	if p := find(t, f, "openssl"); p.Label != patch.LabelNotAvailable || p.Reason != "no enabled repository offers 1:3.5.1-4.el9 or newer" {
		t.Errorf("openssl: %+v", p)
	}
}

// TestRunningKernel: the newest kernel is installed and another runs.
func TestRunningKernel(t *testing.T) {
	dir := unpack(t, "rfx1")
	fixed := "kernel-core 5.14.0-503.11.1.el9_5 x86_64"
	must(t, os.Remove(filepath.Join(dir, "etc/yum.repos.d/fx.repo")))
	addRepo(t, dir, "os", "base", map[string]string{"primary": primary(fixed, oldBash), "updateinfo": advisory("A-1", fixed)})
	if f := read(t, dir); len(f.Packages) != 0 {
		t.Fatalf("no kernel runs, and pending is %+v", f.Packages)
	}
	write(t, dir, releaseFile, "5.14.0-427.el9.x86_64+rt\n")
	f := read(t, dir)
	if len(f.Packages) != 1 || f.OtherPending != 0 {
		t.Fatalf("pending %+v and %d others", f.Packages, f.OtherPending)
	}
	p := f.Packages[0]
	want := "5.14.0-503.11.1.el9_5 is installed, and the running kernel is older: restart the host"
	if p.Label != patch.LabelNotRunning || p.Installed != "5.14.0-427.el9" || p.Fixed != "5.14.0-503.11.1.el9_5" || p.Reason != want {
		t.Errorf("%+v", p)
	}
	write(t, dir, releaseFile, "5.14.0-503.11.1.el9_5.x86_64\n")
	if f := read(t, dir); len(f.Packages) != 0 {
		t.Errorf("the fixed kernel runs, and pending is %+v", f.Packages)
	}
}

// TestContexts: nodejs is installed from context aaaa1111 of stream 18. What was
// built beside that is another host's, what took its place is ours.
func TestContexts(t *testing.T) {
	fixed := "nodejs 1:18.20.4-1.module_el9.4.0+2 x86_64"
	module := func(version, context string) string {
		return "---\ndocument: modulemd\nversion: 2\ndata:\n  name: nodejs\n  stream: \"18\"\n  version: " + version + "\n  context: " + context +
			"\n  arch: x86_64\n...\n"
	}
	for context, pending := range map[string]int{"aaaa1111": 1, "bbbb2222": 0, "cccc3333": 1, "dddd4444": 0} {
		dir := unpack(t, "rfx1")
		must(t, os.Remove(filepath.Join(dir, "etc/yum.repos.d/fx.repo")))
		updates := strings.Replace(advisory("A-1", fixed), "<package ", "<module name=\"nodejs\" stream=\"18\" version=\"5\" context=\""+context+"\" arch=\"x86_64\"/><package ", 1)
		addRepo(t, dir, "os", "base", map[string]string{"primary": primary(oldBash), "updateinfo": updates,
			"modules": module("4", "aaaa1111") + module("5", "aaaa1111") + module("5", "bbbb2222") + module("6", "cccc3333")})
		if f := read(t, dir); len(f.Packages) != pending {
			t.Errorf("context %s: pending %+v, want %d", context, f.Packages, pending)
		}
	}
}

// TestReader: an unchanged host is not read again, a new file in the cache is.
func TestReader(t *testing.T) {
	dir := bare(t)
	addRepo(t, dir, "os", "base", map[string]string{"primary": primary(newBash), "updateinfo": advisory("A-1", newBash)})
	reads := 0
	r := patch.NewReader(func(ctx context.Context, e fact.Env) *patch.Answer { reads++; return Read(ctx, e) })
	e := env(t, dir)
	for range 3 {
		if f := r.Read(context.Background(), e); len(f.Packages) != 1 || f.Metadata.RefreshAgeSeconds < 0 || !f.Metadata.Known {
			t.Fatalf("pending %+v, %+v", f.Packages, f.Metadata)
		}
	}
	if reads != 1 {
		t.Errorf("read %d times", reads)
	}
	must(t, os.Remove(filepath.Join(dir, "etc/yum.repos.d/os.repo")))
	addRepo(t, dir, "os", "base", map[string]string{"primary": primary(newBash), "updateinfo": advisory("A-1", newBash, newSSL)})
	if f := r.Read(context.Background(), e); len(f.Packages) != 2 {
		t.Errorf("pending after the refresh %+v", f.Packages)
	}
	must(t, os.Truncate(one(t, dir, "var/cache/dnf/base-*/repodata/updateinfo.xml"), 60))
	if f := r.Read(context.Background(), e); len(f.Packages) != 2 || f.Stale.Reason == "" {
		t.Errorf("half written: pending %+v, stale %+v", f.Packages, f.Stale)
	}
}

// TestNothingWritten: reading leaves every file and folder as it was.
func TestNothingWritten(t *testing.T) {
	look := func(dir string) map[string]string {
		all := map[string]string{}
		must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			must(t, err)
			fi, err := d.Info()
			must(t, err)
			all[name] = fmt.Sprint(fi.Mode(), fi.Size(), fi.ModTime())
			return nil
		}))
		return all
	}
	for _, name := range []string{"rfx1", "rfx2", "rfx4"} {
		dir := unpack(t, name)
		before := look(dir)
		Read(context.Background(), env(t, dir))
		if d := cmp.Diff(before, look(dir)); d != "" {
			t.Errorf("%s (-before +after):\n%s", name, d)
		}
	}
}

func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	a := Read(ctx, env(t, unpack(t, "rfx1")))
	if m := a.Facts.Meta; m.State != fact.StateUnknown || !a.Failed || !strings.Contains(m.Reason, "stopped") {
		t.Errorf("state %s, failed %t: %s", m.State, a.Failed, m.Reason)
	}
}

// TestSource: the packages that rpmbuild makes of one source are one update, by
// the name of the source and whatever their own names and versions are.
func TestSource(t *testing.T) {
	p, dir := &pool{dir: t.TempDir(), home: t.TempDir()}, t.TempDir()
	write(t, p.home, ".rpmmacros", "%_dbpath /var/lib/rpm\n")
	write(t, p.dir, "ssl.spec", "Name: open-ssl\nEpoch: 1\nVersion: 3.0.7\nRelease: 6.el9_2\nSummary: x\nLicense: MIT\n%description\nx\n%files\n"+
		"%package libs\nSummary: x\n%description libs\nx\n%files libs\n"+
		"%package -n perl-SSL\nVersion: 1.4\nBuildArch: noarch\nSummary: x\n%description -n perl-SSL\nx\n%files -n perl-SSL\n")
	p.run(t, "rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+p.dir, "--define", "debug_package %{nil}", filepath.Join(p.dir, "ssl.spec"))
	files, err := filepath.Glob(filepath.Join(p.dir, "RPMS/*/*.rpm"))
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(dir, "var/lib/rpm"), 0o755))
	p.run(t, "rpm", append([]string{"--root", dir, "-i", "--justdb", "--nodeps", "--nosignature", "--ignorearch"}, files...)...)
	fixes := []string{"open-ssl 1:3.0.7-27.el9 x86_64", "open-ssl-libs 1:3.0.7-27.el9 x86_64", "perl-SSL 1:1.5-1.el9 noarch"}
	addRepo(t, dir, "os", "base", map[string]string{"primary": primary(fixes...), "updateinfo": advisory("A-1", fixes...)})
	var got []string
	for _, one := range read(t, dir).Packages {
		got = append(got, one.Name+" "+one.Installed+" of "+one.Source)
	}
	want := []string{"open-ssl 1:3.0.7-6.el9_2 of open-ssl", "open-ssl-libs 1:3.0.7-6.el9_2 of open-ssl", "perl-SSL 1:1.4-6.el9_2 of open-ssl"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
