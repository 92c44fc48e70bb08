package system

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/pkg/hostfs"
	"seawall/pkg/pkgver"
	"seawall/pkg/rpmdb"
)

// rpms makes packages of "name version-release arch".
func rpms(t *testing.T, list ...string) []rpmdb.Package {
	t.Helper()
	var all []rpmdb.Package
	for _, p := range list {
		f := strings.Fields(p)
		version, release, ok := strings.Cut(f[1], "-")
		if !ok || len(f) != 3 {
			t.Fatalf("%q is no package", p)
		}
		all = append(all, rpmdb.Package{Name: f[0], Version: version, Release: release, Arch: f[2], Epoch: -1})
	}
	return all
}

func TestRPMKernels(t *testing.T) {
	for _, tt := range []struct {
		name     string
		release  string
		packages []string
		want     string // "behind NEWEST", "current NEWEST", or what is not known
	}{
		{"current", "5.14.0-503.11.1.el9_5.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel 5.14.0-503.11.1.el9_5 x86_64"}, "current 5.14.0-503.11.1.el9_5.x86_64"},
		{"behind", "5.14.0-503.11.1.el9_5.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-core 5.14.0-503.40.1.el9_5 x86_64"}, "behind 5.14.0-503.40.1.el9_5.x86_64"},
		{"numbers, not text", "5.14.0-70.9.1.el9.x86_64", []string{"kernel-core 5.14.0-70.9.1.el9 x86_64", "kernel-core 5.14.0-70.13.1.el9 x86_64"}, "behind 5.14.0-70.13.1.el9.x86_64"},
		{"next minor release", "5.14.0-427.el9.x86_64", []string{"kernel-core 5.14.0-427.el9 x86_64", "kernel-core 5.14.0-427.13.1.el9_4 x86_64"}, "behind 5.14.0-427.13.1.el9_4.x86_64"},
		{"meta package is newer", "5.14.0-503.11.1.el9_5.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel 5.14.0-503.40.1.el9_5 x86_64"}, "current 5.14.0-503.11.1.el9_5.x86_64"},
		{"modules, headers and tools are newer", "5.14.0-503.11.1.el9_5.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-modules-core 5.14.0-570.el9 x86_64", "kernel-headers 5.14.0-570.el9 x86_64",
			"kernel-tools 5.14.0-570.el9 x86_64", "kernel-srpm-macros 1.0-13.el9 noarch", "kernel-debug-devel 5.14.0-570.el9 x86_64", "kernelshark 9.0-1 x86_64"}, "current 5.14.0-503.11.1.el9_5.x86_64"},
		{"other flavours are newer", "5.14.0-503.11.1.el9_5.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-rt-core 5.14.0-570.el9 x86_64", "kernel-debug-core 5.14.0-570.el9 x86_64"}, "current 5.14.0-503.11.1.el9_5.x86_64"},
		{"rt of EL 9", "5.14.0-503.11.1.el9_5.x86_64+rt", []string{"kernel-core 5.14.0-570.el9 x86_64", "kernel-rt-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-rt-core 5.14.0-503.40.1.el9_5 x86_64"}, "behind 5.14.0-503.40.1.el9_5.x86_64"},
		{"rt of EL 8", "4.18.0-553.rt7.342.el8_10.x86_64", []string{"kernel-core 4.18.0-553.40.1.el8_10 x86_64", "kernel-rt-core 4.18.0-553.rt7.342.el8_10 x86_64"}, "current 4.18.0-553.rt7.342.el8_10.x86_64"},
		{"64k", "5.14.0-503.11.1.el9_5.aarch64+64k", []string{"kernel-core 5.14.0-503.11.1.el9_5 aarch64", "kernel-64k-core 5.14.0-503.11.1.el9_5 aarch64", "kernel-core 5.14.0-570.el9 aarch64"}, "current 5.14.0-503.11.1.el9_5.aarch64"},
		{"debug beside it", "5.14.0-503.11.1.el9_5.x86_64", []string{"kernel-debug-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-debug-core 5.14.0-570.el9 x86_64"}, "current 5.14.0-503.11.1.el9_5.x86_64"},
		{"uek", "5.15.0-300.163.18.el9uek.x86_64", []string{"kernel-core 5.14.0-570.el9 x86_64", "kernel-uek-core 5.15.0-300.163.18.el9uek x86_64", "kernel-uek 5.15.0-304.171.4.el9uek x86_64", "kernel-uek-core 5.15.0-304.171.4.el9uek x86_64"}, "behind 5.15.0-304.171.4.el9uek.x86_64"},
		{"uek without core", "5.4.17-2136.el8uek.x86_64", []string{"kernel-core 4.18.0-553.el8 x86_64", "kernel-uek 5.4.17-2136.el8uek x86_64", "kernel-uek 5.4.17-2140.el8uek x86_64"}, "behind 5.4.17-2140.el8uek.x86_64"},
		{"elrepo", "6.1.100-1.el9.elrepo.x86_64", []string{"kernel-core 5.14.0-570.el9 x86_64", "kernel-lt-core 6.1.100-1.el9.elrepo x86_64", "kernel-ml-core 6.12.1-1.el9.elrepo x86_64"}, "current 6.1.100-1.el9.elrepo.x86_64"},
		{"EL 7", "3.10.0-1160.el7.x86_64", []string{"kernel 3.10.0-1160.el7 x86_64", "kernel 3.10.0-1160.119.1.el7 x86_64"}, "behind 3.10.0-1160.119.1.el7.x86_64"},
		{"running one was removed", "5.14.0-427.el9.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64"}, "behind 5.14.0-503.11.1.el9_5.x86_64"},
		{"running one was removed, newer", "5.14.0-570.el9.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64"}, "current 5.14.0-503.11.1.el9_5.x86_64"},
		{"removed rt", "5.14.0-427.el9.x86_64+rt", []string{"kernel-rt-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-core 5.14.0-570.el9 x86_64"}, "behind 5.14.0-503.11.1.el9_5.x86_64"},
		{"removed uek", "5.15.0-1.el9uek.x86_64", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64"}, "none of the installed packages' flavours"},
		{"other architecture is newer", "6.17.1-300.fc43.x86_64", []string{"kernel-core 6.17.1-300.fc43 x86_64", "kernel-core 6.17.9-300.fc43 i686"}, "current 6.17.1-300.fc43.x86_64"},
		{"own kernel", "6.18.44", []string{"kernel-core 5.14.0-503.11.1.el9_5 x86_64"}, "none of the installed packages' flavours"},
	} {
		builds := rpmBuilds(rpms(t, tt.packages...))
		got := "none of the installed packages' flavours"
		if version, flav, ok := rpmRunning(builds, tt.release); ok {
			latest, found := rpmNewest(builds, flav, tt.release)
			switch {
			case !found:
				got = "no newest"
			case pkgver.RPM(latest.evr(), version) > 0:
				got = "behind " + latest.release()
			default:
				got = "current " + latest.release()
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestRebootOfRPMHost reads a real database, of an AlmaLinux 9 with two kernels.
func TestRebootOfRPMHost(t *testing.T) {
	packed, err := os.Open("../../../pkg/rpmdb/testdata/alma9.sqlite.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	db, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ running, want string }{
		{"OLD", "kernel OLD runs, NEW is installed"}, {"NEW", "the newest installed kernel of its flavour runs"},
	} {
		dir := tree(t, map[string]string{"var/lib/rpm/rpmdb.sqlite": string(db)})
		root, err := hostfs.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		packages, _, _, err := rpmdb.ReadTimes(root)
		if err != nil {
			t.Fatal(err)
		}
		oldest, newest := ends(t, rpmBuilds(packages))
		names := strings.NewReplacer("OLD", oldest, "NEW", newest)
		proc := filepath.Join(dir, procRelease)
		if err := os.MkdirAll(filepath.Dir(proc), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(proc, []byte(names.Replace(tt.running)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		got := readReboot(root, true)
		if !got.Applicable || !got.Required.Known || got.Required.Yes != (tt.running == "OLD") || got.Required.Reason != names.Replace(tt.want) || got.Newest != newest {
			t.Errorf("%s runs: %+v", tt.running, got)
		}
		if len(got.Evidence) != 2 {
			t.Errorf("evidence %+v", got.Evidence)
		}
	}
}

// ends are the oldest and the newest kernel of a database.
func ends(t *testing.T, builds []rpmBuild) (oldest, newest string) {
	t.Helper()
	if len(builds) < 2 {
		t.Fatalf("the database has %d kernels, want two", len(builds))
	}
	low, high := builds[0], builds[0]
	for _, b := range builds {
		if pkgver.RPM(b.evr(), low.evr()) < 0 {
			low = b
		}
		if pkgver.RPM(b.evr(), high.evr()) > 0 {
			high = b
		}
	}
	return low.release(), high.release()
}

func FuzzRPMRunning(f *testing.F) {
	f.Add("5.14.0-503.11.1.el9_5.x86_64+rt")
	f.Add("+")
	f.Add("-.")
	f.Fuzz(func(t *testing.T, release string) {
		builds := rpmBuilds(rpms(t, "kernel-core 5.14.0-503.11.1.el9_5 x86_64", "kernel-rt-core 5.14.0-503.11.1.el9_5 x86_64"))
		if evr, flav, ok := rpmRunning(builds, release); ok && !strings.HasPrefix(release, evr) {
			t.Errorf("%q is %q of flavour %q", release, evr, flav)
		}
	})
}
