package rpm

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
	"seawall/pkg/pkgver"
)

// day is when the fixtures were made.
var day = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// unpack makes a root of a fixture and returns its directory.
func unpack(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range members(t, name) {
		write(t, dir, name, text)
	}
	return dir
}

// members are the files of a fixture.
func members(t testing.TB, name string) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".tar.gz")
	must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		must(t, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(r)
		must(t, err)
		files[strings.TrimPrefix(h.Name, "./")] = string(b)
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), 0o644))
	must(t, os.Chtimes(name, day, day))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func env(t testing.TB, dir string) fact.Env {
	t.Helper()
	root, err := hostfs.Open(dir)
	must(t, err)
	return fact.Env{Root: root, Now: func() time.Time { return day }}
}

func readText(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	return string(b)
}

// read reads a root whose state has to be known.
func read(t testing.TB, dir string) patch.Facts {
	t.Helper()
	f := Read(context.Background(), env(t, dir)).Facts
	if f.Meta.State != fact.StateKnown {
		t.Fatalf("state %s: %s", f.Meta.State, f.Meta.Reason)
	}
	return f
}

// row is what dnf and we say of a package.
type row struct {
	Fixed, Severity string
	Advisories      []string
}

// dnfRows reads what "dnf updateinfo list --security" prints: by name.arch.
func dnfRows(t testing.TB, text string) map[string]row {
	t.Helper()
	rows := map[string]row{}
	for line := range strings.Lines(text) {
		c := strings.Fields(line)
		if len(c) != 3 {
			t.Fatalf("line %q of dnf", line)
		}
		nevr, arch := c[2][:strings.LastIndexByte(c[2], '.')], c[2][strings.LastIndexByte(c[2], '.'):]
		i := strings.LastIndexByte(nevr, '-')
		i = strings.LastIndexByte(nevr[:i], '-')
		r := rows[nevr[:i]+arch]
		if r.Fixed == "" || pkgver.RPM(nevr[i+1:], r.Fixed) > 0 {
			r.Fixed = nevr[i+1:]
		}
		severity := strings.TrimSuffix(c[1], "/Sec.")
		if worse(severity, r.Severity) {
			r.Severity = severity
		}
		if !slices.Contains(r.Advisories, c[0]) {
			r.Advisories = append(r.Advisories, c[0])
		}
		slices.Sort(r.Advisories)
		rows[nevr[:i]+arch] = r
	}
	return rows
}

// ourRows are ours in that form, without those that dnf would hide.
func ourRows(f patch.Facts, hidden func(patch.Package) bool) map[string]row {
	rows := map[string]row{}
	for _, p := range f.Packages {
		if hidden(p) {
			continue
		}
		r := row{Fixed: p.Fixed, Advisories: slices.Sorted(slices.Values(p.Advisories))}
		if worse(p.Severity, "") {
			r.Severity = p.Severity
		}
		rows[p.Name+"."+p.Arch] = r
	}
	return rows
}

// dnfUpdates reads what "dnf check-update" prints: version by name.arch.
func dnfUpdates(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "Obsoleting") {
			break
		}
		if c := strings.Fields(line); len(c) == 3 {
			all[c[0]] = c[1]
		}
	}
	return all
}

func TestAgreesWithDNF(t *testing.T) {
	for name, pending := range map[string]int{"rfx1": 10, "rfx4": 10} {
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, name)
			f := read(t, dir)
			var excluded []string
			got := ourRows(f, func(p patch.Package) bool {
				if p.Label == patch.LabelExcluded {
					excluded = append(excluded, p.Name)
				}
				return p.Label == patch.LabelExcluded
			})
			want := dnfRows(t, readText(t, filepath.Join(dir, "truth/updateinfo.txt")))
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("pending (-dnf +ours):\n%s", d)
			}
			if d := cmp.Diff([]string{"sudo"}, excluded); d != "" {
				t.Errorf("excluded (-want +got):\n%s", d)
			}
			if len(f.Packages) != pending {
				t.Errorf("%d pending, want %d", len(f.Packages), pending)
			}
			compareUpdates(t, f, readText(t, filepath.Join(dir, "truth/check-update.txt")))
		})
	}
}

// compareUpdates holds the candidates and the count of others against dnf's.
func compareUpdates(t *testing.T, f patch.Facts, text string) {
	t.Helper()
	updates, pending := dnfUpdates(text), map[string]string{}
	for _, p := range f.Packages {
		if p.Candidate != "" {
			pending[p.Name+"."+p.Arch] = p.Candidate
		}
	}
	want, others := map[string]string{}, 0
	for name, version := range updates {
		if _, ok := pending[name]; ok {
			want[name] = version
		} else {
			others++
		}
	}
	if d := cmp.Diff(want, pending); d != "" {
		t.Errorf("candidates (-dnf +ours):\n%s", d)
	}
	if f.OtherPending != others {
		t.Errorf("%d others pending, dnf says %d", f.OtherPending, others)
	}
}

func TestLabels(t *testing.T) {
	f := read(t, unpack(t, "rfx1"))
	got := map[string]string{}
	for _, p := range f.Packages {
		got[p.Name+"."+p.Arch] = p.Label
		if p.Label != patch.LabelAvailable && p.Reason == "" {
			t.Errorf("%s is %s without a reason", p.Name, p.Label)
		}
	}
	want := map[string]string{
		"curl.x86_64": patch.LabelAvailable, "glibc.x86_64": patch.LabelMasked, "kernel.x86_64": patch.LabelAvailable,
		"kernel-core.x86_64": patch.LabelAvailable, "nodejs.x86_64": patch.LabelAvailable, "openssl.x86_64": patch.LabelAvailable,
		"openssl-libs.x86_64": patch.LabelAvailable, "python3-urllib3.noarch": patch.LabelAvailable,
		"sudo.x86_64": patch.LabelExcluded, "zlib.x86_64": patch.LabelAvailable,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
}

// TestRow: all that is said of one package.
func TestRow(t *testing.T) {
	f := read(t, unpack(t, "rfx1"))
	i := slices.IndexFunc(f.Packages, func(p patch.Package) bool { return p.Name == "glibc" })
	if i < 0 {
		t.Fatal("glibc is not pending")
	}
	want := patch.Package{
		Name: "glibc", Arch: "x86_64", Installed: "2.34-60.el9", Candidate: "2.34-100.el9_4.3", CandidateOrigin: "baseos",
		Fixed: "2.34-100.el9_4.2", Source: "glibc", Label: patch.LabelMasked, Reason: "2.34-100.el9_4.3 from baseos is newer than the fix",
		Origin: "baseos", Severity: "Important", Advisories: []string{"ALSA-2024:2551", "ALSA-2024:3339"},
		CVEs: []string{"CVE-2023-4911", "CVE-2024-2961"}, Published: "2024-05-01T00:00:00Z",
	}
	if d := cmp.Diff(want, f.Packages[i]); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if f.Manager != "rpm" || f.Installed != 16 {
		t.Errorf("manager %q, %d installed; want rpm, 16", f.Manager, f.Installed)
	}
}

func TestNoAdvisoriesIsUnknown(t *testing.T) {
	a := Read(context.Background(), env(t, unpack(t, "rfx2")))
	f := a.Facts
	if f.Meta.State != fact.StateUnknown || !strings.Contains(f.Meta.Reason, "publish no advisories (updateinfo): baseos") {
		t.Errorf("state %s: %s", f.Meta.State, f.Meta.Reason)
	}
	if a.Failed {
		t.Error("it counts as a failure, though it is the truth about this host")
	}
	if len(f.Sources) != 1 || f.Sources[0].Security || f.Sources[0].Lists == 0 {
		t.Errorf("sources %+v", f.Sources)
	}
}

func TestSourcesAndDates(t *testing.T) {
	a := Read(context.Background(), env(t, unpack(t, "rfx1")))
	if len(a.Facts.Sources) != 1 {
		t.Fatalf("sources %+v", a.Facts.Sources)
	}
	s := a.Facts.Sources[0]
	if s.Suite != "baseos" || s.File != "/etc/yum.repos.d/fx.repo" || s.Line != 1 || !s.Security || s.Lists != 3 || s.Reason != "" {
		t.Errorf("source %+v", s)
	}
	if a.Dates.File == "" || a.Dates.Date.IsZero() || !a.Dates.Refreshed.Equal(day) {
		t.Errorf("dates %+v", a.Dates)
	}
	if got := a.Dates.At(a.Dates.Date.Add(48 * time.Hour)); got.AgeSeconds != 48*3600 {
		t.Errorf("freshness %+v", got)
	}
}
