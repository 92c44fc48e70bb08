package rpm

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The packages that generated hosts are made of, and all builds of each.
func universe() map[string][]string {
	return map[string][]string{
		"bash":         {"5.1.8-4.el9", "5.1.8-6.el9", "5.1.8-9.el9", "5.1.8-9.el9_1", "5.2-1.el9", "5.2-1.el9.1"},
		"glibc":        {"2.34-60.el9", "2.34-83.el9_3.7", "2.34-83.el9_3.12", "2.34-100.el9_4.2", "2.34-100.el9_4.3", "2.34-101.el9"},
		"openssl-libs": {"3.5.1-4.el9", "1:3.0.7-6.el9_2", "1:3.0.7-27.el9", "1:3.0.7-28.el9_4", "1:3.2.2-1.el9", "2:1.0-1.el9"},
		"zlib":         {"1.2.11-34.el9", "1.2.11-40.el9", "1.2.11-41.el9", "1.2.13-1.el9", "1.3~pre1-1.el9", "1.3-1.el9"},
		"curl":         {"7.76.1-26.el9", "7.76.1-29.el9_4.1", "8.0~rc1-1.el9", "8.0-1.el9", "8.0^20250101-1.el9", "8.0.1-1.el9"},
		"tzdata":       {"2024a-1.el9", "2024b-1.el9", "2024b-2.el9", "2025a-1.el9", "2025b-1.el9", "2026a-1.el9"},
		"kernel-core":  {"5.14.0-427.el9", "5.14.0-427.13.1.el9_4", "5.14.0-503.11.1.el9_5", "5.14.0-503.40.1.el9_5", "5.14.0-570.el9", "6.1-1.el9"},
		"podman":       {"5:5.6.1-1.el9", "5:5.7.0~rc1-1.el9", "5:5.7.0-1.el9", "5:5.7.0-1.el9_1", "5:5.7.1-1.el9", "6:4.9.9-9.el9"},
		"nodejs": {"1:16.20.2-1.el9", "1:18.19.0-1.module_el9.3.0+1", "1:18.20.4-1.module_el9.4.0+2", "1:20.16.0-1.module_el9.4.0+3",
			"1:20.18.2-1.module_el9.5.0+4", "1:22.12.0-1.el9"},
		"perl-DBI": {"1.641-1.el9", "1.641-3.module_el9+1", "1.641-4.module_el9+2", "1.643-1.module_el9+3", "1.643-9.el9", "1.647-1.el9"},
	}
}

// nevra is one build.
type nevra struct{ name, evr, arch string }

// full is the build with its epoch, as modules.yaml names it.
func (n nevra) full() string {
	evr := n.evr
	if !strings.Contains(evr, ":") {
		evr = "0:" + evr
	}
	return n.name + "-" + evr + "." + n.arch
}

// parts are the epoch, the version and the release.
func (n nevra) parts() (epoch, version, release string) {
	epoch, rest, ok := strings.Cut(n.evr, ":")
	if !ok {
		epoch, rest = "0", n.evr
	}
	i := strings.LastIndexByte(rest, '-')
	return epoch, rest[:i], rest[i+1:]
}

func archs(name string) []string {
	switch name {
	case "tzdata":
		return []string{"noarch"}
	case "glibc", "zlib", "openssl-libs":
		return []string{"x86_64", "i686"}
	}
	return []string{"x86_64"}
}

// pool holds the packages as rpmbuild made them.
type pool struct {
	dir, home string
	files     map[nevra]string
	all       []nevra
}

// run runs one of the real programs.
func (p *pool) run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "HOME="+p.home, "LC_ALL=C.UTF-8")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	// "dnf check-update" ends with 100 where there are updates.
	if err != nil && (name != "dnf" || cmd.ProcessState.ExitCode() != 100) {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, errs.String(), out)
	}
	return string(out)
}

// newPool builds every package: one run for all packages of an index and an
// architecture.
func newPool(t testing.TB) *pool {
	t.Helper()
	for _, name := range []string{"rpm", "rpmbuild", "dnf", "createrepo_c", "modifyrepo_c"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("this test asks dnf; install rpm, dnf and createrepo-c: %v", err)
		}
	}
	p := &pool{dir: t.TempDir(), home: t.TempDir(), files: map[nevra]string{}}
	write(t, p.home, ".rpmmacros", "%_dbpath /var/lib/rpm\n")
	names := slices.Sorted(maps.Keys(universe()))
	for i := range 6 {
		for _, target := range []string{"x86_64", "i686"} {
			var spec strings.Builder
			spec.WriteString("Name: fixture\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\n%description\nx\n")
			for _, name := range names {
				n := nevra{name, universe()[name][i], target}
				if archs(name)[0] == "noarch" && target == "x86_64" {
					n.arch = "noarch"
				} else if !slices.Contains(archs(name), target) {
					continue
				}
				epoch, version, release := n.parts()
				fmt.Fprintf(&spec, "%%package -n %s\nEpoch: %s\nVersion: %s\nRelease: %s\nSummary: x\n", name, epoch, version, release)
				if n.arch == "noarch" {
					spec.WriteString("BuildArch: noarch\n")
				}
				fmt.Fprintf(&spec, "%%description -n %s\nx\n%%files -n %s\n", name, name)
				p.files[n] = filepath.Join(p.dir, "RPMS", n.arch, fmt.Sprintf("%s-%s-%s.%s.rpm", name, version, release, n.arch))
				p.all = append(p.all, n)
			}
			file := filepath.Join(p.dir, fmt.Sprintf("%d-%s.spec", i, target))
			must(t, os.WriteFile(file, []byte(spec.String()), 0o644))
			p.run(t, "rpmbuild", "-bb", "--quiet", "--target", target, "--define", "_topdir "+p.dir, "--define", "debug_package %{nil}",
				"--define", "_binary_payload w0.gzdio", file)
		}
	}
	return p
}

// generated is a host made at random, and how dnf is to be asked about it.
type generated struct {
	*pool
	dir  string
	rng  *rand.Rand
	opts []string
}

func pick[T any](rng *rand.Rand, all ...T) T { return all[rng.IntN(len(all))] }

// generate makes a host: what is installed, repositories with and without
// advisories and modules, priorities, excludes and locks.
func (p *pool) generate(t testing.TB, rng *rand.Rand) *generated {
	t.Helper()
	g := &generated{pool: p, dir: t.TempDir(), rng: rng}
	write(t, g.dir, "etc/os-release", "ID=almalinux\nVERSION_ID=\"9.4\"\nPLATFORM_ID=\"platform:el9\"\n")
	g.install(t)
	conf := "[main]\ngpgcheck=0\nbest=True\nskip_if_unavailable=False\n" + g.excludes(2)
	write(t, g.dir, "etc/dnf/dnf.conf", conf)
	repos := []string{"os-base", "os-updates", "extra"}[:1+rng.IntN(3)]
	for i, id := range repos {
		g.repository(t, id, i == 0)
	}
	if rng.IntN(2) == 0 {
		write(t, g.dir, "etc/dnf/modules.d/nodejs.module", "[nodejs]\nname=nodejs\nprofiles=\nstream="+
			pick(rng, "18\nstate=enabled", "20\nstate=enabled", "\nstate=disabled", "18\nstate=")+"\n")
	}
	g.opts = []string{"-q", "--installroot=" + g.dir, "--config=" + g.dir + "/etc/dnf/dnf.conf", "--setopt=reposdir=" + g.dir + "/etc/yum.repos.d",
		"--setopt=cachedir=" + g.dir + "/var/cache/dnf", "--setopt=module_platform_id=platform:el9", "--releasever=9", "--forcearch=x86_64"}
	g.locks(t)
	g.dnf(t, "--refresh", "makecache")
	return g
}

func (g *generated) dnf(t testing.TB, args ...string) string {
	t.Helper()
	return g.run(t, "dnf", append(slices.Clone(g.opts), args...)...)
}

func (g *generated) install(t testing.TB) {
	args := []string{"--root", g.dir, "-i", "--justdb", "--nodeps", "--noscripts", "--nosignature", "--ignorearch", "--ignoreos", "--oldpackage", "--force"}
	for _, name := range slices.Sorted(maps.Keys(universe())) {
		versions := universe()[name]
		for i, arch := range archs(name) {
			n := 1
			if name == "kernel-core" {
				n += g.rng.IntN(3)
			}
			for j := range versions[:n] {
				if i > 0 && g.rng.IntN(2) == 0 || name != "bash" && g.rng.IntN(8) == 0 {
					continue
				}
				args = append(args, g.files[nevra{name, versions[min(j+g.rng.IntN(4), 5)], arch}])
			}
		}
	}
	slices.Sort(args[12:])
	args = slices.Compact(args)
	must(t, os.MkdirAll(filepath.Join(g.dir, "var/lib/rpm"), 0o755))
	g.run(t, "rpm", args...)
}

// excludes are lines for a [main] or a repository, none in most cases.
func (g *generated) excludes(often int) string {
	var out strings.Builder
	if g.rng.IntN(often) == 0 {
		key := pick(g.rng, "exclude", "excludepkgs")
		one := func() string {
			return pick(g.rng, "curl", "kernel*", "zlib.i686", "*.i686", "podman-5:5.7*", "bash-5.2*", "glibc-2.34-100.el9_4.2", "perl-DBI", "nodejs",
				"curl-8.0-1.el9.x86_64", "openssl-libs-1:3.0.7-27.el9", "t?data", "podm[an]n", "perl-*", "kernel-*", "*-libs", "glibc-2*", "openssl-libs-3*", "bash-0:5.1.8-9.el9.x86_64", "zlib*.i686")
		}
		fmt.Fprintf(&out, "%s=%s%s%s\n", key, one(), pick(g.rng, ",", " ", ", ", "\n  "), one())
	}
	if g.rng.IntN(12) == 0 {
		out.WriteString("includepkgs=bash curl glibc* kernel-core\n")
	}
	return out.String()
}

func (g *generated) locks(t testing.TB) {
	if g.rng.IntN(3) != 0 {
		return
	}
	n := g.all[g.rng.IntN(len(g.all))]
	epoch, version, release := n.parts()
	line := pick(g.rng, n.name+"-"+epoch+":"+version+"-"+release+".*", n.name+"-"+epoch+":"+version+"-*", "!"+n.name+"-"+epoch+":"+version+"-"+release+".*", n.name)
	write(t, g.dir, "etc/dnf/plugins/versionlock.list", "# kept\n\n"+line+"\n")
	write(t, g.dir, "etc/dnf/plugins/versionlock.conf", "[main]\nenabled = 1\nlocklist = /etc/dnf/plugins/versionlock.list\n")
	// The real plugin does not look for its list below the root.
	out := t.TempDir()
	write(t, out, "versionlock.conf", "[main]\nenabled = 1\nlocklist = "+g.dir+"/etc/dnf/plugins/versionlock.list\n")
	g.opts = append(g.opts, "--setopt=plugins=1", "--setopt=pluginconfpath="+out)
}

// repository makes a repository; the base has packages of the system.
func (g *generated) repository(t testing.TB, id string, base bool) {
	dir := filepath.Join(g.dir, "srv/x86_64", id)
	must(t, os.MkdirAll(dir, 0o755))
	var list []string
	for _, n := range g.all {
		if g.rng.IntN(3) == 0 || base && n.name == "bash" {
			must(t, os.Symlink(g.files[n], filepath.Join(dir, filepath.Base(g.files[n]))))
			list = append(list, filepath.Base(g.files[n]))
		}
	}
	args := []string{"-q", "--general-compress-type=" + pick(g.rng, "gz", "xz", "bz2"), pick(g.rng, "--no-database", "--database")}
	if g.rng.IntN(4) == 0 {
		args = append(args, "--zck")
	}
	write(t, g.dir, id+".list", strings.Join(list, "\n")+"\n")
	g.run(t, "createrepo_c", append(args, "--pkglist", filepath.Join(g.dir, id+".list"), dir)...)
	if base || g.rng.IntN(4) > 0 {
		g.metadata(t, dir, "updateinfo.xml", g.updateinfo(id))
	}
	if g.rng.IntN(2) == 0 {
		g.metadata(t, dir, "modules.yaml", g.modules())
	}
	file := "etc/yum.repos.d/" + strings.SplitN(id, "-", 2)[0] + ".repo"
	before, _ := os.ReadFile(filepath.Join(g.dir, file))
	text := fmt.Sprintf("[%s]\nname=%s for $basearch\nbaseurl=file://%s/srv/$basearch/%s\nenabled=1\ngpgcheck=0\n", id, id, g.dir, id)
	if g.rng.IntN(4) == 0 {
		text += fmt.Sprintf("priority=%d\n", pick(g.rng, 1, 50, 98, 100))
	}
	if g.rng.IntN(8) == 0 {
		text += "module_hotfixes=1\n"
	}
	write(t, g.dir, file, string(before)+text+g.excludes(5)+"\n")
}

func (g *generated) metadata(t testing.TB, dir, name, text string) {
	write(t, g.dir, name, text)
	g.run(t, "modifyrepo_c", "--mdtype="+strings.SplitN(name, ".", 2)[0], "--compress-type="+pick(g.rng, "gz", "xz", "bz2"),
		filepath.Join(g.dir, name), filepath.Join(dir, "repodata"))
}

// updateinfo makes advisories, some of them for builds that nobody offers.
func (g *generated) updateinfo(id string) string {
	var out strings.Builder
	out.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>\n")
	for i := range 3 + g.rng.IntN(8) {
		kind := pick(g.rng, "security", "security", "security", "bugfix", "enhancement", "newpackage", "unspecified")
		fmt.Fprintf(&out, "<update from=\"x@example.com\" status=\"final\" type=\"%s\" version=\"3\"><id>%s-%d</id><title>x &amp; y</title>"+
			"<issued date=\"2025-0%d-10 01:02:03\"/><updated date=\"2025-11-10\"/><severity>%s</severity><description>d</description>"+
			"<references><reference href=\"https://example.org/\" id=\"CVE-2025-%d\" type=\"cve\" title=\"x\"/></references><pkglist>",
			kind, strings.ToUpper(id), i, 1+g.rng.IntN(9), pick(g.rng, "Critical", "Important", "Moderate", "Low", "None", ""), i)
		for range 1 + g.rng.IntN(2) {
			out.WriteString("<collection short=\"x\"><name>x</name>" + pick(g.rng, "", "", "", g.module()))
			for range 1 + g.rng.IntN(3) {
				n := g.all[g.rng.IntN(len(g.all))]
				epoch, version, release := n.parts()
				release += pick(g.rng, "", "", "", ".7")
				fmt.Fprintf(&out, "<package name=\"%s\" version=\"%s\" release=\"%s\" epoch=\"%s\" arch=\"%s\" src=\"x.src.rpm\"><filename>x.rpm</filename></package>",
					n.name, version, release, epoch, n.arch)
			}
			out.WriteString("</collection>")
		}
		out.WriteString("</pkglist></update>\n")
	}
	return out.String() + "</updates>\n"
}

func (g *generated) module() string {
	return fmt.Sprintf("<module name=\"%s\" stream=\"%s\" version=\"%d\" context=\"%s\" arch=\"x86_64\"/>",
		pick(g.rng, "nodejs", "perl"), pick(g.rng, "18", "20"), g.rng.IntN(3), pick(g.rng, "aaaa1111", "bbbb2222"))
}

// modules makes a modules.yaml.
func (g *generated) modules() string {
	var out strings.Builder
	for _, stream := range []string{"18", "20"} {
		fmt.Fprintf(&out, "---\ndocument: modulemd\nversion: 2\ndata:\n  name: nodejs\n  stream: \"%s\"\n  version: 90%d\n  context: %s\n  arch: x86_64\n"+
			"  summary: m\n  description: >-\n    name: not this one\n  license:\n    module: [MIT]\n  artifacts:\n    rpms:\n",
			stream, g.rng.IntN(10), pick(g.rng, "aaaa1111", "bbbb2222"))
		for _, n := range g.all {
			if (n.name == "nodejs" || n.name == "perl-DBI") && (strings.Contains(n.evr, "module") || g.rng.IntN(6) == 0) && g.rng.IntN(2) == 0 {
				out.WriteString("    - " + n.full() + "\n")
			}
		}
		out.WriteString("    - bash-0:5.2-1.el9.src\n    - other-0:1-1.el9.x86_64\n...\n")
	}
	if g.rng.IntN(2) == 0 {
		fmt.Fprintf(&out, "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: nodejs\n  stream: \"%s\"\n  profiles:\n    \"18\": [default]\n...\n", pick(g.rng, "18", "20"))
	}
	return out.String()
}
