package pocket

import (
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/apt/origin"
	"seawall/pkg/distro"
	"seawall/pkg/hostfs/image"
)

var bookworm = distro.OS{ID: "debian", Codename: "bookworm"}

func release(origin, label, suite, codename string) string {
	return "Origin: " + origin + "\nLabel: " + label + "\nSuite: " + suite + "\nCodename: " + codename + "\nDate: Sat, 21 Nov 2026 01:00:00 UTC\n"
}

const (
	debian   = "deb http://deb.example/debian bookworm main\n"
	security = "deb http://security.example/debian-security bookworm-security main contrib\n"
	deb822   = "Types: deb\nURIs: http://security.example/debian-security\nSuites: bookworm-security\nComponents: main\n"
	inLists  = lists + "security.example_debian-security_dists_bookworm-security_InRelease"
)

func TestSecurity(t *testing.T) {
	ours := release("Debian", "Debian-Security", "oldstable-security", "bookworm-security")
	pocket := func(component string) origin.Archive {
		return origin.Archive{"origin": "Debian", "label": "Debian-Security", "archive": "oldstable-security", "codename": "bookworm-security",
			"site": "security.example", "component": component}
	}
	vendors := []origin.Archive{{"origin": "Debian", "label": "Debian-Security", "codename": "bookworm-security", "component": "main"}}
	for name, tt := range map[string]struct {
		files map[string]string
		os    distro.OS
		want  []origin.Archive
	}{
		"each component":  {map[string]string{Sources: debian + security, inLists: ours}, bookworm, []origin.Archive{pocket("main"), pocket("contrib")}},
		"deb822":          {map[string]string{Sources + ".d/debian.sources": deb822, inLists: ours}, bookworm, []origin.Archive{pocket("main")}},
		"other pockets":   {map[string]string{Sources: debian, lists + "deb.example_debian_dists_bookworm_InRelease": release("Debian", "Debian", "oldstable", "bookworm")}, bookworm, vendors},
		"no list yet":     {map[string]string{Sources: security}, bookworm, vendors},
		"ignored name":    {map[string]string{Sources + ".d/debian.sources.save": deb822, inLists: ours}, bookworm, vendors},
		"switched off":    {map[string]string{Sources + ".d/debian.sources": deb822 + "Enabled: no\n", inLists: ours}, bookworm, vendors},
		"damaged list":    {map[string]string{Sources: security, inLists: strings.Repeat("x\x00", 9)}, bookworm, vendors},
		"somebody else's": {map[string]string{Sources: security, inLists: release("Evil", "Debian-Security", "x", "y")}, bookworm, vendors},
		"no sources":      {nil, bookworm, vendors},
		"ubuntu": {nil, distro.OS{ID: "ubuntu", Codename: "jammy"},
			[]origin.Archive{{"origin": "Ubuntu", "label": "Ubuntu", "archive": "jammy-security", "codename": "jammy", "component": "main"}}},
		"testing":        {nil, distro.OS{ID: "debian"}, nil},
		"unknown vendor": {nil, distro.OS{ID: "other", Codename: "x"}, nil},
	} {
		got, err := Security(image.Of(t, tt.files), tt.os)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", name, err, d)
		}
	}
}

// TestUnreadable: sources that cannot be read are an error, and not a host without
// a security source.
func TestUnreadable(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a folder": {Sources + "/x": ""}, "no source": {Sources: "deb [\n"}, "no stanza": {Sources + ".d/x.sources": "Types deb\n"}, "a file": {Sources + ".d": ""},
	} {
		if got, err := Security(image.Of(t, files), bookworm); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	root := image.Of(t, map[string]string{Sources + ".d/a.list": debian})
	if err := syscall.Mkfifo(root.Path(Sources+".d/b.list"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Security(root, bookworm); err == nil {
		t.Errorf("a FIFO: %v", got)
	}
}

func TestDistribution(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		os   distro.OS
		want origin.Distribution
	}{
		"os-release":  {"", bookworm, origin.Distribution{ID: "Debian", Codename: "bookworm"}},
		"lsb-release": {"DISTRIB_ID=Ubuntu\nDISTRIB_CODENAME=\"jammy\"\n", distro.OS{ID: "ubuntu", Codename: "x"}, origin.Distribution{ID: "Ubuntu", Codename: "jammy"}},
		"a part":      {"DISTRIB_ID=Pop\n", bookworm, origin.Distribution{ID: "Pop", Codename: "bookworm"}},
		"nothing":     {"", distro.OS{}, origin.Distribution{}},
	} {
		files := map[string]string{}
		if tt.text != "" {
			files[Release] = tt.text
		}
		if d := cmp.Diff(tt.want, Distribution(image.Of(t, files), tt.os)); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
}
