package rpm

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
)

// The size of the host that is measured.
const (
	bigPackages   = 1000
	bigAdvisories = 5000
	bigHeader     = 50_000 // bytes of a package's header
	bigText       = 4_000  // bytes of text in an advisory
)

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

// bigRoot makes a host with many packages and advisories by the real programs.
func bigRoot(b *testing.B) *generated {
	b.Helper()
	g := &generated{pool: &pool{dir: b.TempDir(), home: b.TempDir()}, dir: b.TempDir()}
	write(b, g.home, ".rpmmacros", "%_dbpath /var/lib/rpm\n")
	// What is big goes to its file at once: the memory of this process would count
	// as that of the ones it starts.
	spec, updates := create(b, filepath.Join(g.pool.dir, "big.spec")), create(b, filepath.Join(g.dir, "updateinfo.xml"))
	spec.WriteString("Name: fixture\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: x86_64\n%description\nx\n")
	for i := range bigPackages {
		name := fmt.Sprintf("package%d", i)
		if i == 0 {
			name = "bash"
		}
		fmt.Fprintf(spec, "%%package -n %s\nSummary: x\n%%description -n %s\nx\n%%files -n %s\n", name, name, name)
	}
	// What makes a header big is not in the list of packages: changes, here.
	spec.WriteString("%changelog\n")
	for i := range bigHeader / 100 {
		fmt.Fprintf(spec, "* %s x <x@example.org> - %d\n- %s\n", day.AddDate(0, 0, -i).Format("Mon Jan 02 2006"), bigHeader-i, words(70, i))
	}
	must(b, spec.Flush())
	g.run(b, "rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+g.pool.dir, "--define", "debug_package %{nil}",
		"--define", "_binary_payload w0.gzdio", filepath.Join(g.pool.dir, "big.spec"))
	must(b, os.MkdirAll(filepath.Join(g.dir, "var/lib/rpm"), 0o755))
	files, err := filepath.Glob(filepath.Join(g.pool.dir, "RPMS/x86_64/*.rpm"))
	must(b, err)
	g.run(b, "rpm", append([]string{"--root", g.dir, "-i", "--justdb", "--nodeps", "--nosignature", "--ignorearch"}, files...)...)
	updates.WriteString("<updates>\n")
	for i := range bigAdvisories {
		name := fmt.Sprintf("package%d", i%bigPackages)
		fmt.Fprintf(updates, "<update from=\"x@example.com\" status=\"final\" type=\"security\" version=\"3\"><id>ALSA-2026:%d</id><title>x</title><issued date=\"2026-01-10\"/>"+
			"<severity>Important</severity><description>%s</description><references><reference id=\"CVE-2026-%d\" type=\"cve\"/></references><pkglist><collection><name>x</name>", i, words(bigText, i), i)
		for _, arch := range []string{"x86_64", "i686", "aarch64", "s390x"} {
			fmt.Fprintf(updates, "<package name=\"%s\" version=\"2\" release=\"%d\" epoch=\"0\" arch=\"%s\" src=\"%s-2-%d.src.rpm\"><filename>%s-2-%d.%s.rpm</filename></package>", name, i, arch, name, i, name, i, arch)
		}
		updates.WriteString("</collection></pkglist></update>\n")
	}
	repo := filepath.Join(g.dir, "srv")
	must(b, os.MkdirAll(repo, 0o755))
	g.run(b, "createrepo_c", "-q", "--no-database", g.pool.dir+"/RPMS/x86_64", "-o", repo)
	updates.WriteString("</updates>\n")
	must(b, updates.Flush())
	g.run(b, "modifyrepo_c", g.dir+"/updateinfo.xml", repo+"/repodata")
	write(b, g.dir, "etc/yum.repos.d/os.repo", "[base]\nname=base\nbaseurl=file://"+repo+"\nenabled=1\ngpgcheck=0\n")
	write(b, g.dir, "etc/dnf/dnf.conf", "[main]\ngpgcheck=0\nplugins=0\n")
	g.opts = []string{"-q", "--installroot=" + g.dir, "--config=" + g.dir + "/etc/dnf/dnf.conf", "--setopt=reposdir=" + g.dir + "/etc/yum.repos.d",
		"--setopt=cachedir=" + g.dir + "/var/cache/dnf", "--releasever=9", "--forcearch=x86_64"}
	g.dnf(b, "--refresh", "makecache")
	return g
}

// create opens a new file, closed at the end.
func create(b *testing.B, name string) *bufio.Writer {
	b.Helper()
	f, err := os.Create(name)
	must(b, err)
	b.Cleanup(func() { f.Close() })
	return bufio.NewWriter(f)
}

// BenchmarkRead is the whole answer, cold, for 1,000 packages and 5,000 advisories;
// BenchmarkRead/dnf is "dnf -C updateinfo list --security" of the same host. rss-MB
// is the resident size of a process that does it once.
func BenchmarkRead(b *testing.B) {
	g := bigRoot(b)
	e := env(b, g.dir)
	b.Run("seawall", func(b *testing.B) {
		b.ReportAllocs()
		cpu := spent(b)
		for b.Loop() {
			if f := Read(context.Background(), e).Facts; len(f.Packages) != bigPackages-1 {
				b.Fatalf("%d pending, state %s: %s", len(f.Packages), f.Meta.State, f.Meta.Reason)
			}
		}
		b.ReportMetric((spent(b)-cpu).Seconds()*1000/float64(b.N), "cpu-ms/op")
		once := exec.Command(os.Args[0], "-test.run=^TestOnce$", "-test.v")
		once.Env = append(os.Environ(), "SEAWALL_RPM_ROOT="+g.dir)
		out, err := once.Output()
		must(b, err)
		_, hwm, _ := strings.Cut(string(out), "VmHWM:")
		var kB float64
		if _, err := fmt.Sscan(hwm, &kB); err != nil {
			b.Fatalf("%v in %s", err, out)
		}
		b.ReportMetric(kB/1024, "rss-MB")
	})
	b.Run("dnf", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command("dnf", append(g.opts, "-C", "updateinfo", "list", "--security")...)
			cmd.Env = append(os.Environ(), "HOME="+g.home)
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			b.ReportMetric(cpu.Seconds()*1000, "cpu-ms/op")
			if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				b.ReportMetric(float64(u.Maxrss)/1024, "rss-MB")
			}
		}
	})
}

// BenchmarkUnchanged is the answer of a Reader when nothing changed.
func BenchmarkUnchanged(b *testing.B) {
	r, e := patch.NewReader(Read), env(b, unpack(b, "rfx1"))
	r.Read(context.Background(), e)
	b.ReportAllocs()
	for b.Loop() {
		if f := r.Read(context.Background(), e); len(f.Packages) != 10 {
			b.Fatalf("%d pending, want 10", len(f.Packages))
		}
	}
}

// spent is the CPU time of this process.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestOnce reads the root that BenchmarkRead names, for its memory to be measured.
func TestOnce(t *testing.T) {
	dir := os.Getenv("SEAWALL_RPM_ROOT")
	if dir == "" {
		dir = unpack(t, "rfx1")
	}
	root, err := hostfs.Open(dir)
	must(t, err)
	if a := Read(context.Background(), fact.Env{Root: root, Now: time.Now}); a.Facts.Meta.State != fact.StateKnown {
		t.Fatal(a.Facts.Meta.Reason)
	}
	b, err := os.ReadFile("/proc/self/status")
	must(t, err)
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "VmHWM:") {
			t.Log(line)
		}
	}
}
