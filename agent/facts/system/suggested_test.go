package system

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/rpmdb"
)

const updateinfo = `<?xml version="1.0"?>
<updates>
<update type="security"><id>ALSA-1</id><title>dbus</title><pkglist><collection>
<package name="dbus" epoch="1" version="1.12.20" release="8.el9" arch="x86_64"><reboot_suggested>True</reboot_suggested></package>
<package name="dbus" epoch="1" version="1.12.20" release="9.el9" arch="i686"><reboot_suggested>True</reboot_suggested></package>
</collection></pkglist></update>
<update type="security"><id>ALSA-2</id><title>curl</title><pkglist><collection>
<package name="curl" epoch="0" version="7.76.1" release="31.el9" arch="x86_64"></package>
</collection></pkglist></update>
</updates>
`

func TestSuggested(t *testing.T) {
	const booted = 1_795_000_000
	const folder = "var/cache/dnf/base-0123456789abcdef/repodata/"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(updateinfo)))
	files := map[string]string{
		"proc/stat":                 fmt.Sprintf("cpu  1 2 3\nbtime %d\nprocesses 5\n", booted),
		"etc/dnf/dnf.conf":          "[main]\n",
		"etc/yum.repos.d/base.repo": "[base]\nname=base\nenabled=1\nbaseurl=http://mirror.example/9/\n",
		folder + "repomd.xml": `<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision><data type="updateinfo">` +
			`<checksum type="sha256">` + sum + `</checksum><location href="repodata/u-updateinfo.xml"/><size>` + fmt.Sprint(len(updateinfo)) + `</size></data></repomd>`,
		folder + "u-updateinfo.xml": updateinfo,
	}
	before, after := time.Unix(booted-3600, 0), time.Unix(booted+3600, 0)
	build := func(name string, epoch int, release, arch string, at time.Time) rpmdb.Package {
		version, rel, _ := strings.Cut(release, "-")
		return rpmdb.Package{Name: name, Epoch: epoch, Version: version, Release: rel, Arch: arch, InstallTime: at}
	}
	for name, tt := range map[string]struct {
		packages []rpmdb.Package
		drop     string
		want     []string
	}{
		"installed since boot":     {[]rpmdb.Package{build("dbus", 1, "1.12.20-8.el9", "x86_64", after)}, "", []string{"dbus"}},
		"installed before":         {[]rpmdb.Package{build("dbus", 1, "1.12.20-8.el9", "x86_64", before)}, "", []string{}},
		"another build":            {[]rpmdb.Package{build("dbus", 1, "1.12.20-9.el9", "x86_64", after)}, "", []string{}},
		"nothing suggested for it": {[]rpmdb.Package{build("curl", -1, "7.76.1-31.el9", "x86_64", after)}, "", []string{}},
		"no boot time":             {[]rpmdb.Package{build("dbus", 1, "1.12.20-8.el9", "x86_64", after)}, "proc/stat", []string{}},
		"no metadata":              {[]rpmdb.Package{build("dbus", 1, "1.12.20-8.el9", "x86_64", after)}, folder + "repomd.xml", []string{}},
		"no advisories":            {[]rpmdb.Package{build("dbus", 1, "1.12.20-8.el9", "x86_64", after)}, folder + "u-updateinfo.xml", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			some := map[string]string{}
			for k, v := range files {
				if k != tt.drop {
					some[k] = v
				}
			}
			dir := tree(t, some)
			root, err := hostfs.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			// The folder's name has a sum of the address, which the test does not count out.
			r := Reboot{Packages: []string{}, Required: fact.Tri{Known: true}}
			r.suggestedIn(root, tt.packages, [][]string{{"/" + strings.TrimSuffix(folder, "repodata/")}})
			if d := cmp.Diff(tt.want, r.Packages); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if r.Required.Yes != (len(tt.want) > 0) || r.Required.Yes && !strings.Contains(r.Required.Reason, "ALSA-1") {
				t.Errorf("%+v", r.Required)
			}
		})
	}
}
