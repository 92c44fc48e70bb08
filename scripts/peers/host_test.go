package peers

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The size of the host that is made.
const (
	packages   = 1000
	advisories = 5000
	header     = 50_000 // bytes of a package's header
	prose      = 4_000  // bytes of text in an advisory
)

// host is a root with rpm's database and a repository, as the real programs make
// them.
type host struct{ dir, work, home string }

func (h *host) env() []string { return []string{"HOME=" + h.home} }

// dnf is a call of dnf about this root.
func (h *host) dnf(args ...string) []string {
	return append([]string{
		"dnf", "-q", "--installroot=" + h.dir, "--config=" + h.path("etc/dnf/dnf.conf"), "--setopt=reposdir=" + h.path("etc/yum.repos.d"),
		"--setopt=cachedir=" + h.path("var/cache/dnf"), "--releasever=9", "--forcearch=x86_64",
	}, args...)
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

// bigHost makes the host.
func bigHost(b *testing.B) *host {
	b.Helper()
	for _, name := range []string{"rpm", "rpmbuild", "dnf", "createrepo_c", "modifyrepo_c"} {
		if _, err := exec.LookPath(name); err != nil {
			b.Skipf("%s is not installed", name)
		}
	}
	h := &host{dir: b.TempDir(), work: b.TempDir(), home: b.TempDir()}
	h.write(b, filepath.Join(h.home, ".rpmmacros"), "%_dbpath /var/lib/rpm\n")
	h.install(b)
	repo := h.path("srv")
	must(b, os.MkdirAll(repo, 0o755))
	h.call(b, "createrepo_c", "-q", "--no-database", h.work+"/RPMS/x86_64", "-o", repo)
	h.publish(b)
	h.call(b, "modifyrepo_c", filepath.Join(h.work, "updateinfo.xml"), repo+"/repodata")
	h.write(b, h.path("etc/yum.repos.d/os.repo"), "[base]\nname=base\nbaseurl=file://"+repo+"\nenabled=1\ngpgcheck=0\n")
	h.write(b, h.path("etc/dnf/dnf.conf"), "[main]\ngpgcheck=0\nplugins=0\n")
	h.call(b, h.dnf("--refresh", "makecache")...)
	return h
}

// install builds the packages and enters them into the database.
func (h *host) install(b *testing.B) {
	b.Helper()
	spec := filepath.Join(h.work, "big.spec")
	h.stream(b, spec, func(w *bufio.Writer) {
		w.WriteString("Name: fixture\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: x86_64\n%description\nx\n")
		for i := range packages {
			name := fmt.Sprintf("package%d", i)
			if i == 0 {
				name = "bash"
			}
			fmt.Fprintf(w, "%%package -n %s\nSummary: x\n%%description -n %s\nx\n%%files -n %s\n", name, name, name)
		}
		// What makes a header big is not in the list of packages: changes, here.
		w.WriteString("%changelog\n")
		day := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		for i := range header / 100 {
			fmt.Fprintf(w, "* %s x <x@example.org> - %d\n- %s\n", day.AddDate(0, 0, -i).Format("Mon Jan 02 2006"), header-i, words(70, i))
		}
	})
	h.call(b, "rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+h.work, "--define", "debug_package %{nil}",
		"--define", "_binary_payload w0.gzdio", spec)
	must(b, os.MkdirAll(h.path("var/lib/rpm"), 0o755))
	files, err := filepath.Glob(filepath.Join(h.work, "RPMS/x86_64/*.rpm"))
	must(b, err)
	h.call(b, append([]string{"rpm", "--root", h.dir, "-i", "--justdb", "--nodeps", "--nosignature", "--ignorearch"}, files...)...)
}

// publish writes the advisories.
func (h *host) publish(b *testing.B) {
	b.Helper()
	h.stream(b, filepath.Join(h.work, "updateinfo.xml"), func(w *bufio.Writer) {
		w.WriteString("<updates>\n")
		for i := range advisories {
			name := fmt.Sprintf("package%d", i%packages)
			fmt.Fprintf(w, "<update from=\"x@example.com\" status=\"final\" type=\"security\" version=\"3\"><id>ALSA-2026:%d</id><title>x</title>"+
				"<issued date=\"2026-01-10\"/><severity>Important</severity><description>%s</description>"+
				"<references><reference id=\"CVE-2026-%d\" type=\"cve\"/></references><pkglist><collection><name>x</name>", i, words(prose, i), i)
			for _, arch := range []string{"x86_64", "i686", "aarch64", "s390x"} {
				fmt.Fprintf(w, "<package name=\"%s\" version=\"2\" release=\"%d\" epoch=\"0\" arch=\"%s\" src=\"%s-2-%d.src.rpm\">"+
					"<filename>%s-2-%d.%s.rpm</filename></package>", name, i, arch, name, i, name, i, arch)
			}
			w.WriteString("</collection></pkglist></update>\n")
		}
		w.WriteString("</updates>\n")
	})
}

// call runs a program that has to end well.
func (h *host) call(b *testing.B, argv ...string) {
	b.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), h.env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%.500s: %v\n%s", argv, err, out)
	}
}

func (h *host) write(b *testing.B, name, text string) {
	b.Helper()
	must(b, os.MkdirAll(filepath.Dir(name), 0o755))
	must(b, os.WriteFile(name, []byte(text), 0o644))
}

// stream writes a file piece by piece.
func (h *host) stream(b *testing.B, name string, fill func(*bufio.Writer)) {
	b.Helper()
	f, err := os.Create(name)
	must(b, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	fill(w)
	must(b, w.Flush())
}

// words fill n bytes with text that compresses about as well as people's.
func words(n, seed int) string {
	all := strings.Fields("a the of in to and an issue was found flaw security vulnerability kernel buffer overflow remote attacker local user could " +
		"allow crafted packet memory leak use after free denial service privilege escalation fix update for bug crash when handling incorrect " +
		"validation input read write out bounds information disclosure arbitrary code execution via specially")
	var b strings.Builder
	for x := uint32(seed*2654435761 + 12345); b.Len() < n; b.WriteByte(' ') {
		x = x*1664525 + 1013904223
		i := int(x>>16) % (len(all) - 3)
		b.WriteString(strings.Join(all[i:i+3], " "))
	}
	return b.String()[:n]
}
