package system

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/dpkg"
	"seawall/pkg/hostfs"
)

// status makes a dpkg status of "name version" or "name version state".
func status(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		f := append(strings.Fields(p), "installed")
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok %s\nArchitecture: amd64\nVersion: %s\n\n", f[0], f[2], f[1])
	}
	return b.String()
}

func TestReboot(t *testing.T) {
	debian := map[string]string{
		procRelease: "6.1.0-37-amd64\n",
		procVersion: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)\n",
	}
	ubuntu := map[string]string{
		procRelease:   "6.8.0-88-generic\n",
		procVersion:   "#89-Ubuntu SMP PREEMPT_DYNAMIC Sat Oct 11 01:02:46 UTC 2025\n",
		procSignature: "Ubuntu 6.8.0-88.89-generic 6.8.12\n",
	}
	yes, no := fact.Tri{Known: true, Yes: true}, fact.Tri{Known: true}
	for _, tt := range []struct {
		name       string
		proc       map[string]string
		files      map[string]string
		status     string
		applicable bool
		want       fact.Tri
		newest     string
		reason     string
	}{
		{"current", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.140-1", "linux-image-amd64 6.1.140-1"),
			true, no, "6.1.0-37-amd64 (6.1.140-1)", ""},
		{"next ABI", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.140-1", "linux-image-6.1.0-38-amd64 6.1.147-1"),
			true, yes, "6.1.0-38-amd64 (6.1.147-1)", "6.1.147-1"},
		{"same ABI, next build", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.141-1"),
			true, yes, "6.1.0-37-amd64 (6.1.141-1)", ""},
		{"numbers, not text", map[string]string{procRelease: "6.12.9+deb13-amd64", procVersion: "#1 SMP Debian 6.12.9-1 (2026-01-01)"}, nil,
			status("linux-image-6.12.9+deb13-amd64 6.12.9-1", "linux-image-6.12.90+deb13.1-amd64 6.12.90-2"), true, yes, "6.12.90+deb13.1-amd64 (6.12.90-2)", ""},
		{"other flavour is newer", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.140-1", "linux-image-6.1.0-38-cloud-amd64 6.1.147-1", "linux-image-6.1.0-38-rt-amd64 6.1.147-1"),
			true, no, "6.1.0-37-amd64 (6.1.140-1)", ""},
		{"meta package is newer", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.140-1", "linux-image-amd64 6.1.147-1"),
			true, no, "6.1.0-37-amd64 (6.1.140-1)", ""},
		{"removed one is newer", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.140-1", "linux-image-6.1.0-38-amd64 6.1.147-1 config-files"),
			true, no, "6.1.0-37-amd64 (6.1.140-1)", ""},
		{"debug symbols are newer", debian, nil, status("linux-image-6.1.0-37-amd64 6.1.140-1", "linux-image-6.1.0-38-amd64-dbg 6.1.147-1"),
			true, no, "6.1.0-37-amd64 (6.1.140-1)", ""},
		{"running one was removed", debian, nil, status("linux-image-6.1.0-38-amd64 6.1.147-1"),
			true, yes, "6.1.0-38-amd64 (6.1.147-1)", ""},
		{"older one runs by choice", debian, nil, status("linux-image-6.1.0-30-amd64 6.1.124-1"),
			true, no, "6.1.0-30-amd64 (6.1.124-1)", ""},
		{"ubuntu current", ubuntu, nil, status("linux-image-6.8.0-88-generic 6.8.0-88.89", "linux-image-generic 6.8.0-90.91"),
			true, no, "6.8.0-88-generic (6.8.0-88.89)", ""},
		{"ubuntu behind", ubuntu, nil, status("linux-image-6.8.0-88-generic 6.8.0-88.89", "linux-image-unsigned-6.8.0-90-generic 6.8.0-90.91"),
			true, yes, "6.8.0-90-generic (6.8.0-90.91)", ""},
		{"ubuntu flag", ubuntu, map[string]string{flagFile: "*** System restart required ***\n", flagPackages: "libc6\nlibc6\nlinux-base\n"},
			status("linux-image-6.8.0-88-generic 6.8.0-88.89"), true, yes, "6.8.0-88-generic (6.8.0-88.89)", flagFile},
		{"own kernel", map[string]string{procRelease: "6.18.44-custom"}, nil, status("linux-image-6.1.0-38-amd64 6.1.147-1"),
			true, fact.Tri{}, "", "none of the installed packages"},
		{"kernel from outside", debian, nil, status("libc6 2.36-9"), false, fact.Tri{}, "", "comes from outside"},
		{"container", debian, map[string]string{"/run/systemd/container": "lxc"}, status("linux-image-6.1.0-38-amd64 6.1.147-1"), false, fact.Tri{}, "", "container"},
		{"docker", debian, map[string]string{"/.dockerenv": ""}, status("linux-image-6.1.0-38-amd64 6.1.147-1"), false, fact.Tri{}, "", "container"},
		{"no packages", debian, nil, "", true, fact.Tri{}, "", "neither dpkg"},
		{"ndb", debian, map[string]string{"/usr/lib/sysimage/rpm/Packages.db": "RpmP"}, "", true, fact.Tri{}, "", "ndb"},
		{"broken status", debian, nil, "garbage", true, fact.Tri{}, "", "line 1"},
		{"no proc", map[string]string{}, nil, status("linux-image-6.1.0-38-amd64 6.1.147-1"), true, fact.Tri{}, "", "running kernel"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := maps.Clone(tt.proc)
			maps.Copy(files, tt.files)
			files["/etc/hostname"] = "x"
			if tt.status != "" {
				files[dpkg.StatusFile] = tt.status
			}
			root, err := hostfs.Open(tree(t, files))
			if err != nil {
				t.Fatal(err)
			}
			got := readReboot(root, true)
			if got.Applicable != tt.applicable || got.Required.Known != tt.want.Known || got.Required.Yes != tt.want.Yes || got.Newest != tt.newest {
				t.Errorf("%+v\nwant applicable %v, required %+v, newest %q", got, tt.applicable, tt.want, tt.newest)
			}
			if !strings.Contains(got.Required.Reason, tt.reason) || got.Required.Reason == "" {
				t.Errorf("reason %q, want %q in it", got.Required.Reason, tt.reason)
			}
			if got.Required.Known && len(got.Evidence) == 0 {
				t.Error("known without evidence")
			}
			if tt.files[flagPackages] != "" {
				if d := cmp.Diff([]string{"libc6", "linux-base"}, got.Packages); d != "" {
					t.Errorf("packages (-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestFlavour(t *testing.T) {
	for release, want := range map[string]string{
		"6.1.0-37-amd64": "amd64", "6.1.0-37-cloud-amd64": "cloud-amd64", "6.8.0-88-generic": "generic",
		"6.12.90+deb13.1-amd64": "amd64", "6.12.90+deb13-cloud-arm64": "cloud-arm64", "4.19.0-20-686-pae": "686-pae",
		"6.1.0-0.deb11.13-cloud-amd64": "cloud-amd64", "6.12.9+bpo-rt-amd64": "rt-amd64", "5.15.0-1089-azure-fips": "azure-fips",
		"6.18.44": "", "": "", "6.12.25+rpt-rpi-v8": "rpt-rpi-v8"[4:],
	} {
		if got := flavour(release); got != want {
			t.Errorf("flavour of %s is %q, want %q", release, got, want)
		}
	}
}

func FuzzBuildVersion(f *testing.F) {
	f.Add("6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", "")
	f.Add("6.8.0-88-generic", "#89-Ubuntu SMP", "Ubuntu 6.8.0-88.89-generic 6.8.12")
	f.Add("-", " Debian ", "Ubuntu -")
	f.Fuzz(func(t *testing.T, release, version, signature string) {
		if got := buildVersion(release, version, signature); strings.Contains(got, " ") {
			t.Errorf("version %q has a space", got)
		}
	})
}
