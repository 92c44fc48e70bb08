package deb

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"seawall/pkg/apt"
)

// generator makes one small host at random: pockets, third parties, pins of every
// kind, holds, a foreign architecture, phased updates, lists in all compressions.
type generator struct {
	*rand.Rand
	t     *testing.T
	dir   string
	apt   string // the version of the library that is asked
	twins bool   // libraries of two architectures: apt upgrades both or none, so they are not phased
}

func names() []string {
	return []string{"alpha", "beta", "gamma", "delta", "libx1", "libx2", "linux-image-1", "nginx", "nginx-core", "zlib1g", "libfoo++1"}
}

// pocket is one archive of a generated host.
type pocket struct {
	uri, suite                              string
	origin, label, archive, codename, flags string
	phases                                  bool // has Phased-Update-Percentage
	always                                  bool // never disabled
}

func ubuntu() []pocket {
	const a, s = "http://archive.example.com/ubuntu", "http://security.example.com:8080/ubuntu"
	return []pocket{
		{a, "noble", "Ubuntu", "Ubuntu", "noble", "noble", "", false, true},
		{a, "noble-updates", "Ubuntu", "Ubuntu", "noble-updates", "noble", "", true, false},
		{s, "noble-security", "Ubuntu", "Ubuntu", "noble-security", "noble", "", false, true},
		{a, "noble-proposed", "Ubuntu", "Ubuntu", "noble-proposed", "noble", "NotAutomatic: yes\nButAutomaticUpgrades: yes\n", true, false},
		{a, "noble-backports", "Ubuntu", "Ubuntu", "noble-backports", "noble", "ButAutomaticUpgrades: true\n", false, false},
		{"https://user:secret@esm.example.com/apps/ubuntu", "noble-apps-security", "UbuntuESMApps", "UbuntuESMApps", "noble-apps-security", "noble", "", false, false},
		{"https://ppa.example.org/~team/x=y", "noble", "LP-PPA", "a team's ppa", "noble", "noble", "", false, false},
		{"http://rc.example.net", "experimental", "Ubuntu", "Ubuntu", "experimental", "rc", "NotAutomatic: yes\n", false, false},
	}
}

func debian() []pocket {
	const a = "http://deb.example.org/debian"
	return []pocket{
		{a, "noble", "Debian", "Debian", "stable", "noble", "", false, true},
		{a, "noble-updates", "Debian", "Debian", "stable-updates", "noble-updates", "", false, false},
		{"http://security.example.org/debian-security", "noble-security", "Debian", "Debian-Security", "stable-security", "noble-security", "", false, true},
		{"http://security.example.org/debian-old", "noble/updates", "Debian", "Debian-Security", "stable", "noble", "", true, true},
		{a, "noble-backports", "Debian Backports", "Debian Backports", "stable-backports", "noble-backports", "NotAutomatic: yes\nButAutomaticUpgrades: yes\n", false, false},
		{"http://other.example.com/x", "other-security", "Other", "Other", "other-security", "other", "", true, false},
		{"http://rc.example.net", "experimental", "Debian", "Debian", "experimental", "rc", "NotAutomatic: yes\n", false, false},
	}
}

func (g *generator) write(name, text string) { write(g.t, g.dir, name, text) }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) run() {
	g.twins = g.IntN(3) == 0
	pockets := ubuntu()
	if g.IntN(3) == 0 {
		pockets = debian()
	}
	g.status()
	g.sources(pockets)
	if g.IntN(4) > 0 {
		g.write("etc/machine-id", pick(g, fmt.Sprintf("%016x%016x\n", g.Uint64(), g.Uint64()), fmt.Sprintf("%016x%016x", g.Uint64(), g.Uint64()), "", "uninitialized\n"))
	}
	g.conf(pockets)
	for _, name := range []string{"preferences", "preferences.d/10-a.pref", "preferences.d/20-b", "preferences.d/ignored.txt"} {
		if g.IntN(2) == 0 {
			g.write("etc/apt/"+name, g.preferences())
		}
	}
}

func (g *generator) version() string {
	if g.IntN(3) == 0 { // the same in several pockets
		return pick(g, "1.2-1", "1.3-0")
	}
	return fmt.Sprintf("%s1.%d-%d%s", pick(g, "", "", "", "1:"), g.IntN(4), g.IntN(3), pick(g, "", "~rc1", "+b1", "ubuntu0.1"))
}

// architecture makes some versions be for all architectures, and source some come
// from another source package, wherever they are: what has the same name and
// version is the same build.
func architecture(name, version, arch string) string {
	if !strings.HasPrefix(name, "lib") && (len(name)+int(version[len(version)-1]))%4 == 0 {
		return "all"
	}
	return arch
}

func source(name, version string) string {
	switch (len(name) + int(version[2])) % 4 {
	case 0:
		return "Source: src-" + name[:4] + "\n"
	case 1:
		return "Source: src-" + name[:4] + " (" + strings.TrimSuffix(version, "+b1") + ".src)\n"
	}
	return ""
}

func stanza(name, arch, version string) string {
	return fmt.Sprintf("Package: %s\nArchitecture: %s\nVersion: %s\n%sPriority: optional\nSection: misc\nMaintainer: x <x@example.com>\nMulti-Arch: %s\nDescription: x\n",
		name, architecture(name, version, arch), version, source(name, version), map[bool]string{true: "same", false: "no"}[strings.HasPrefix(name, "lib")])
}

func (g *generator) status() {
	var b strings.Builder
	for _, n := range names() {
		archs := pick(g, []string{"amd64"}, []string{"amd64"}, []string{"i386"})
		v := g.version()
		if g.twins && strings.HasPrefix(n, "lib") {
			archs = []string{"amd64", "i386"}
		}
		for _, arch := range archs {
			status := pick(g, "install ok installed", "install ok installed", "install ok installed", "hold ok installed", "deinstall ok config-files",
				"install ok unpacked", "install ok half-configured", "install ok half-installed")
			b.WriteString(strings.Replace(stanza(n, arch, v), "\n", "\nStatus: "+status+"\n", 1) + "\n")
		}
	}
	b.WriteString("Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + g.apt + "\nMaintainer: x <x@example.com>\nDescription: x\n\n")
	g.write("var/lib/dpkg/status", b.String())
	g.write("var/lib/dpkg/arch", "amd64\ni386\n")
}

// sources writes the sources, in both forms, and what was fetched from them.
func (g *generator) sources(pockets []pocket) {
	var lines, blocks strings.Builder
	for _, p := range pockets {
		arch := pick(g, "", "", "", "amd64", "i386", "amd64,i386")
		if p.always {
			arch = ""
		}
		if !p.always && g.IntN(4) == 0 {
			fmt.Fprintf(&lines, "# deb %s %s main\n", p.uri, p.suite)
			fmt.Fprintf(&blocks, "Enabled: no\nTypes: deb\nURIs: %s\nSuites: %s\nComponents: main\n\n", p.uri, p.suite)
		} else if g.IntN(2) == 0 {
			option := ""
			if arch != "" {
				option = pick(g, " arch=", " arch+=")
				option += arch
			}
			fmt.Fprintf(&lines, "deb [trusted=yes%s] %s %s main # comment\n", option, p.uri, p.suite)
		} else {
			fmt.Fprintf(&blocks, "Types: deb deb-src\nURIs: %s\nSuites: %s\n# comment\nComponents: main\nTrusted: yes\n", p.uri, p.suite)
			if arch != "" {
				fmt.Fprintf(&blocks, "%s: %s\n", pick(g, "Architectures", "Architectures-Remove"), strings.ReplaceAll(arch, ",", " "))
			}
			blocks.WriteString("\n")
		}
		g.fetched(p)
	}
	g.write("etc/apt/sources.list", lines.String())
	g.write("etc/apt/sources.list.d/x.sources", blocks.String())
}

func (g *generator) fetched(p pocket) {
	base := "var/lib/apt/lists/" + apt.FileName(p.uri+"/dists/"+p.suite+"/")
	archs := []string{"amd64", "i386"}
	if g.IntN(4) == 0 {
		archs = append(archs, "all")
	}
	g.write(base+pick(g, "Release", "InRelease"), fmt.Sprintf("Origin: %s\nLabel: %s\nSuite: %s\nCodename: %s\nVersion: 24.04\nDate: Fri, 20 Nov 2026 00:12:41 UTC\nArchitectures: %s\nComponents: main\n%s",
		p.origin, p.label, p.archive, p.codename, strings.Join(archs, " "), p.flags))
	for _, arch := range archs {
		var list strings.Builder
		for _, n := range names() {
			for range pick(g, 0, 0, 1, 1, 2) {
				v := g.version()
				if arch == "all" && architecture(n, v, "amd64") != "all" {
					continue
				}
				list.WriteString(stanza(n, arch, v) + fmt.Sprintf("Filename: pool/%s.deb\nSize: 1\n", n))
				if p.phases && g.IntN(2) == 0 && !(g.twins && strings.HasPrefix(n, "lib")) {
					fmt.Fprintf(&list, "Phased-Update-Percentage: %s\n", pick(g, "0", "10", "50", "90", "100", "30 %", "x", "200"))
				}
				list.WriteString("\n")
			}
		}
		ext := pick(g, "", ".lz4", ".gz", ".xz", ".zst", ".bz2", ".lzma")
		g.write(base+"main_binary-"+arch+"_Packages"+ext, string(pack(g.t, list.String(), ext)))
	}
}

func pack(t *testing.T, text, extension string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch extension {
	case "":
		return []byte(text)
	case ".bz2":
		cmd := exec.Command("bzip2", "-c")
		cmd.Stdin, cmd.Stdout = strings.NewReader(text), &b
		if err = cmd.Run(); err != nil {
			t.Fatalf("this test runs bzip2; install it: %v", err)
		}
	case ".gz":
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		err = w.Close()
	case ".lz4":
		w := lz4.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		err = w.Close()
	case ".zst":
		w, _ := zstd.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		err = w.Close()
	case ".xz":
		w, _ := xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		err = w.Close()
	case ".lzma":
		w, _ := lzma.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (g *generator) conf(pockets []pocket) {
	switch g.IntN(12) {
	case 0:
		g.write("etc/apt/apt.conf", "APT::Default-Release \""+pockets[2].archive+"\";\n")
	case 1:
		g.write("etc/apt/apt.conf.d/99x", "APT { Default-Release \"noble\"; };\n")
		g.write("etc/apt/apt.conf", "// APT::Default-Release \"other\";\nAPT::default-release \"n=noble\";\n")
	case 2:
		g.write("etc/apt/apt.conf.d/10always.conf", "APT::Get::Always-Include-Phased-Updates \"true\";\n")
	case 3:
		g.write("etc/apt/apt.conf.d/10never", "Update-Manager { Never-Include-Phased-Updates 1; };\n")
	case 4:
		g.write("etc/apt/apt.conf.d/10policy", "APT::Get::Phase-Policy yes;\n")
	case 5:
		g.write("etc/apt/apt.conf.d/10id", fmt.Sprintf("APT::Machine-ID \"%x\";\n", g.Uint64()))
	case 6:
		g.write("etc/apt/apt.conf.d/20both", "Update-Manager::Always-Include-Phased-Updates yes;\n/* x */ APT::Get::Always-Include-Phased-Updates no;\n")
	}
}

// preferences makes some pins; what apt would refuse as a whole is left out.
func (g *generator) preferences() string {
	kinds := []string{
		"release a=noble-security", "release n=noble", "release o=Ubuntu,a=noble-updates", "release l=a team's ppa", "release o=LP-PPA*", "Release O=ubuntu, A=NOBLE-*",
		"release noble", "release stable", "release noble*", "release v=24.04", "release v=24*", "release 24.*", "release 24.04", "release c=main,b=i386", "release b=amd64",
		"release a=/noble-(updates|security)/", "release a=noble-*", "release *", "release a=now", "release now", "release c=now", "release a=stable-security", "release l=Debian-Security",
		"release n=*", "release o=/^(Debian|Other)$/,l=*", "release x=y", "release", "release a=", "release o=Debian Backports", "release a=*-backports , n=noble*",
		"origin ppa.example.org", "origin \"security.example.com\"", "origin *.example.com", "origin", "origin \"\"", "origin /example\\.org$/", "origin SECURITY.example.org",
		"version 1.2*", "version 1:1.*", "version 1.1-1", "version *", "version /^1.[23]/", "version 1.?-1*", "version 1.[0-2]-[!1]", "version *ubuntu*", "colour red",
	}
	priorities := []string{"1", "50", "99", "100", "101", "400", "500", "501", "600", "990", "1000", "1001", "32767", "-1", "-10", "-32768", "700abc", "+20", "never"}
	var b strings.Builder
	for range g.IntN(5) {
		n, m := pick(g, names()...), pick(g, names()...)
		pkg := pick(g, "*", "*", n, n, n+" "+m, n+"\n "+m, "nginx*", "/^lib/", "/X[12]$/", "[a-c]*", "?????", "*1 "+n, n+":i386", n+":any", n+":amd64", "/^LIB/:i386", "n*:any", n+":native",
			n+":all", n+":linux-any", n+":any-i386", "src:"+n, "src:src-"+n[:4], "src:src-*", "src:/lib/", "src:src-"+n[:4]+":i386", "src:*:any", "/^(nginx|alpha)$/", "libfoo++1", "/libfoo\\+/")
		priority := pick(g, priorities...)
		if pkg != "*" && priority == "never" {
			priority = "-1"
		}
		if g.IntN(5) == 0 {
			b.WriteString("Explanation: some\n# comment\n")
		}
		fmt.Fprintf(&b, "Package: %s\nPin: %s\nPin-Priority: %s\n\n", pkg, pick(g, kinds...), priority)
	}
	return b.String()
}
