package rpm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"seawall/pkg/dnf"
	"seawall/pkg/repodata"
	"seawall/pkg/rpmdb"
)

// repeated is a document of a beginning, and of a part that is made again n times.
func repeated(begin string, n int, part func(i int) string) io.Reader {
	var out bytes.Buffer
	out.WriteString(begin)
	for i := range n {
		out.WriteString(part(i))
	}
	return &out
}

// TestKept: what is kept of what repositories say of one package has a bound,
// whatever stands beside it. Each of these reads 40 to 80 MB.
func TestKept(t *testing.T) {
	bash := []rpmdb.Package{{Name: "bash", Version: "1", Release: "1", Arch: "x86_64", Epoch: -1}}
	long := strings.Repeat("x", 30_000)
	cves := func(n int) string {
		return strings.Repeat(`<reference type="cve" id="CVE-`+long+`"/>`, n)
	}
	update := func(id string, i int, references string) string {
		return fmt.Sprintf(`<update type="security"><id>%s</id><references>%s</references><pkglist><collection>`+
			`<package name="bash" version="%d" release="1" arch="x86_64"/></collection></pkglist></update>`, id, references, i+2)
	}
	for name, tt := range map[string]struct {
		read func(s *scan, r *repo) error
		want error
	}{
		"long references": {func(s *scan, r *repo) error {
			return s.readAdvisories(r, io.MultiReader(repeated("<updates>", 100, func(i int) string {
				return update(fmt.Sprint("A-", i), i, cves(20))
			}), strings.NewReader("</updates>")))
		}, nil},
		"many references": {func(s *scan, r *repo) error {
			return s.readAdvisories(r, repeated("<updates>", 1000, func(i int) string {
				var out strings.Builder
				for j := range 300 {
					fmt.Fprintf(&out, `<reference type="cve" id="CVE-%0120d-%d"/>`, i, j)
				}
				return update(fmt.Sprint("A-", i), i, out.String())
			}))
		}, repodata.ErrDamaged},
		"long versions": {func(s *scan, r *repo) error {
			return s.readPrimary(r, io.MultiReader(repeated("<metadata>", 1000, func(i int) string {
				return fmt.Sprintf(`<package><name>bash</name><arch>x86_64</arch><version ver="%d%s" rel="%s"/></package>`, i, long, long[:10_000])
			}), strings.NewReader("</metadata>")))
		}, repodata.ErrDamaged},
		"many modules": {func(s *scan, _ *repo) error {
			return s.modules.read(repeated("", 200_000, func(i int) string {
				return fmt.Sprintf("---\ndocument: modulemd\ndata:\n  name: m%d\n  stream: %d\n", i, i)
			}), s.want)
		}, repodata.ErrDamaged},
		"many defaults": {func(s *scan, _ *repo) error {
			return s.modules.read(repeated("", 200_000, func(i int) string {
				return fmt.Sprintf("---\ndocument: modulemd-defaults\ndata:\n  module: m%d\n  stream: a\n", i)
			}), s.want)
		}, repodata.ErrDamaged},
	} {
		s := newScan(new(dnf.Config), bash, "")
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := tt.read(s, &repo{Repo: new(dnf.Repo)})
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(s)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); !errors.Is(err, tt.want) || held > 2*maxKept {
			t.Errorf("%s: %v, %d bytes are held", name, err, held)
		}
	}
}

// TestManyOfOne: a database may have a package many times; of the running kernel's
// only one is looked at beside the newest.
func TestManyOfOne(t *testing.T) {
	var all []rpmdb.Package
	for i := range 3000 {
		release := fmt.Sprint(i % 3)
		all = append(all, rpmdb.Package{Name: "kernel-core", Version: "6", Release: release, Arch: "x86_64", SourceRPM: "kernel-6-" + release + ".src.rpm"})
	}
	s := newScan(new(dnf.Config), all, "6-1.x86_64")
	entries := s.byBuild[nameArch{"kernel-core", "x86_64"}]
	if s.installed != 3000 || len(s.entries) != 2 || len(entries) != 2 || entries[0].Release != "2" || entries[1].Release != "1" || entries[1].newest != entries[0] {
		t.Errorf("%d installed, looks at %+v", s.installed, s.entries)
	}
	// Another architecture's advisory is not for these.
	r := &repo{Repo: new(dnf.Repo)}
	if err := s.readAdvisories(r, strings.NewReader(advisory("A-1", "kernel-core 6-9 aarch64")+"")); err != nil || entries[0].fixed != "" {
		t.Errorf("%+v, %v", entries[0], err)
	}
	if err := s.readAdvisories(r, strings.NewReader(advisory("A-1", "kernel-core 6-9 x86_64", "kernel-core 6-8 x86_64"))); err != nil || entries[0].fixed != "0:6-9" || entries[1].fixed != "0:6-9" {
		t.Errorf("%+v, %v", entries[0], err)
	}
}

// TestMeetStops: rules and packages are compared each with each, and this ends when it
// is told to.
func TestMeetStops(t *testing.T) {
	all := make([]rpmdb.Package, 1000)
	s := newScan(new(dnf.Config), all, "")
	stop, asked := errors.New("stop"), 0
	err := s.meet(all, func() error {
		if asked++; asked == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || asked != 2 {
		t.Errorf("%v after %d", err, asked)
	}
}

// TestContextsAreFew: labels of installed packages do not multiply with the builds.
func TestContextsAreFew(t *testing.T) {
	var m modules
	installed := map[stream]bool{}
	for i := range 100 {
		s := stream{"m", "1", fmt.Sprint(i)}
		installed[s] = true
		m.builds = append(m.builds, build{stream: s, version: "1"})
	}
	m.builds = append(m.builds, build{stream: stream{"m", "1", "other"}, version: "1"})
	if others := m.otherContexts(installed); !others[stream{"m", "1", "other"}] || len(others) != 1 {
		t.Errorf("got %v", others)
	}
}
