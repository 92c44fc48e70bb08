package deb

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
)

var roots = flag.Uint64("roots", 20, "generated roots to compare with libapt")

// libapt asks the real apt library (python3-apt) about a root, "/" or a fixture.
func libapt(t *testing.T, dir string) string {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import apt_pkg").Run(); err != nil {
		t.Fatalf("this test asks libapt; install python3-apt: %v", err)
	}
	cmd := exec.Command(python, "testdata/libapt.py")
	if dir != "/" {
		arch := "\"amd64\";"
		if b, err := os.ReadFile(filepath.Join(dir, "var/lib/dpkg/arch")); err == nil && strings.Contains(string(b), "i386") {
			arch += "\"i386\";"
		}
		conf := filepath.Join(t.TempDir(), "apt.conf")
		text := fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\n"+
			"Dir::Bin::ischroot \"/bin/false\";\nAPT::Architecture \"amd64\";\nAPT::Architectures { %s };\n", dir+"/", filepath.Join(dir, "var/lib/dpkg/status"), arch)
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(os.Environ(), "APT_CONFIG="+conf)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask libapt: %v", err)
	}
	return string(out)
}

// compare holds our answer for a root against libapt's.
func compare(t *testing.T, dir string, f patch.Facts) {
	t.Helper()
	want, others := parseTruth(libapt(t, dir))
	if d := cmp.Diff(want, rows(f)); d != "" {
		t.Errorf("pending (-libapt +ours):\n%s", d)
	}
	if f.OtherPending != others {
		t.Errorf("%d others pending, libapt says %d", f.OtherPending, others)
	}
}

func TestThisHostAgreesWithLibapt(t *testing.T) {
	f := read(context.Background(), fact.Env{Now: time.Now})
	if lists, err := filepath.Glob("/var/lib/apt/lists/*_Packages*"); err != nil || len(lists) == 0 {
		if f.Meta.State != fact.StateUnknown {
			t.Errorf("no lists on this host, and the state is %s", f.Meta.State)
		}
		return
	}
	if f.Meta.State != fact.StateKnown {
		t.Fatalf("state %s: %s", f.Meta.State, f.Meta.Reason)
	}
	compare(t, "/", f)
	t.Logf("%d installed, %d pending, %d others, in %v", f.Installed, len(f.Packages), f.OtherPending, f.Meta.Took)
}

// TestGeneratedRootsAgreeWithLibapt makes small hosts at random: pockets, third
// parties, pins of every kind, holds and a foreign architecture.
func TestGeneratedRootsAgreeWithLibapt(t *testing.T) {
	for seed := range *roots {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			generate(t, dir, rand.New(rand.NewPCG(seed, 7)))
			root, err := hostfs.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			f := read(context.Background(), fact.Env{Root: root, Now: time.Now})
			if f.Meta.State != fact.StateKnown {
				t.Fatalf("state %s: %s", f.Meta.State, f.Meta.Reason)
			}
			compare(t, dir, f)
			if t.Failed() {
				b, _ := os.ReadFile(filepath.Join(dir, "etc/apt/preferences"))
				t.Logf("preferences:\n%s", b)
			}
		})
	}
}

// pocket is one archive of a generated host.
type pocket struct{ uri, suite, release string }

func pockets() []pocket {
	release := func(origin, label, suite, codename, more string) string {
		return fmt.Sprintf("Origin: %s\nLabel: %s\nSuite: %s\nCodename: %s\nVersion: 24.04\nDate: Fri, 20 Nov 2026 00:12:41 UTC\nArchitectures: amd64 i386\nComponents: main\n%s",
			origin, label, suite, codename, more)
	}
	return []pocket{
		{"http://archive.example.com/ubuntu", "noble", release("Ubuntu", "Ubuntu", "noble", "noble", "")},
		{"http://archive.example.com/ubuntu", "noble-updates", release("Ubuntu", "Ubuntu", "noble-updates", "noble", "")},
		{"http://security.example.com:8080/ubuntu", "noble-security", release("Ubuntu", "Ubuntu", "noble-security", "noble", "")},
		{"http://archive.example.com/ubuntu", "noble-backports", release("Ubuntu", "Ubuntu", "noble-backports", "noble", "NotAutomatic: yes\nButAutomaticUpgrades: yes\n")},
		{"https://ppa.example.org/~team/x=y", "noble", release("LP-PPA", "a team's ppa", "noble", "noble", "")},
		{"http://rc.example.net", "experimental", release("Ubuntu", "Ubuntu", "experimental", "rc", "NotAutomatic: yes\n")},
	}
}

func generate(t *testing.T, dir string, rng *rand.Rand) {
	t.Helper()
	names := []string{"alpha", "beta", "gamma", "delta", "libx1", "libx2", "linux-image-1", "nginx", "nginx-core", "zlib1g"}
	version := func() string {
		return fmt.Sprintf("%s1.%d-%d%s", []string{"", "", "1:"}[rng.IntN(3)], rng.IntN(4), rng.IntN(3), []string{"", "~rc1", "+b1", "ubuntu0.1"}[rng.IntN(4)])
	}
	stanza := func(name, arch, v string) string {
		return fmt.Sprintf("Package: %s\nArchitecture: %s\nVersion: %s\nPriority: optional\nSection: misc\nMaintainer: x <x@example.com>\nDescription: x\n", name, arch, v)
	}
	var status strings.Builder
	for _, n := range names {
		v := version()
		arch := architecture(n, v, []string{"amd64", "amd64", "i386"}[rng.IntN(3)])
		want := []string{"install ok installed", "install ok installed", "hold ok installed", "deinstall ok config-files", "install ok unpacked"}[rng.IntN(5)]
		s := stanza(n, arch, v)
		status.WriteString(strings.Replace(s, "\n", "\nStatus: "+want+"\n", 1) + "\n")
	}
	write(t, dir, "var/lib/dpkg/status", status.String())
	write(t, dir, "var/lib/dpkg/arch", "amd64\ni386\n")

	var sources strings.Builder
	for _, p := range pockets() {
		fmt.Fprintf(&sources, "deb [trusted=yes] %s %s main\n", p.uri, p.suite)
		src := strings.NewReplacer("http://", "", "https://", "", "~", "%7e", "=", "%3d", "/", "_").Replace(p.uri)
		base := "var/lib/apt/lists/" + src + "_dists_" + p.suite + "_"
		write(t, dir, base+"Release", p.release)
		for _, arch := range []string{"amd64", "i386"} {
			var list strings.Builder
			for _, n := range names {
				if rng.IntN(2) == 0 {
					v := version()
					list.WriteString(stanza(n, architecture(n, v, arch), v) + fmt.Sprintf("Filename: pool/%s.deb\nSize: 1\n\n", n))
				}
			}
			write(t, dir, base+"main_binary-"+arch+"_Packages", list.String())
		}
	}
	write(t, dir, "etc/apt/sources.list", sources.String())
	write(t, dir, "etc/apt/preferences", preferences(rng, names))
	if rng.IntN(3) == 0 {
		write(t, dir, "etc/apt/apt.conf", "APT::Default-Release \"noble-security\";\n")
	}
}

// architecture makes some versions be for all architectures, wherever they are:
// what has the same name and version is the same build.
func architecture(name, version, arch string) string {
	if (len(name)+int(version[len(version)-1]))%4 == 0 {
		return "all"
	}
	return arch
}

func preferences(rng *rand.Rand, names []string) string {
	pins := []string{
		"release a=noble-security", "release n=noble", "release o=Ubuntu,a=noble-updates", "release l=a team's ppa", "release o=LP-PPA*",
		"release noble", "release v=24.04", "release c=main,b=i386", "release a=/noble-(updates|security)/", "release a=noble-*",
		"origin ppa.example.org", "origin \"security.example.com\"", "origin *.example.com", "version 1.2*", "version 1:1.*", "version 1.1-1",
	}
	priorities := []string{"1", "50", "100", "400", "500", "600", "990", "1000", "1001", "-1", "-10", "never"}
	var b strings.Builder
	for range rng.IntN(6) {
		pkg := []string{"*", names[rng.IntN(len(names))], names[rng.IntN(len(names))] + " " + names[rng.IntN(len(names))], "nginx*", "/^lib/",
			"linux-image-1:i386", "zlib1g:any"}[rng.IntN(7)]
		pin := pins[rng.IntN(len(pins))]
		if pkg == "*" && strings.HasPrefix(pin, "version") {
			continue
		}
		priority := priorities[rng.IntN(len(priorities))]
		if pkg != "*" && priority == "never" {
			priority = "-1"
		}
		fmt.Fprintf(&b, "Package: %s\nPin: %s\nPin-Priority: %s\n\n", pkg, pin, priority)
	}
	return b.String()
}
