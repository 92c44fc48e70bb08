package pin

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/apt"
)

const preferences = `Explanation: all of it
Package: *
Pin: release o=LP-PPA-*, n=noble
Pin-Priority: 50

# a comment

Package: nginx nginx-*
Pin: origin "nginx.example.org"
Pin-Priority: 900

Package: /^lib/:i386
Pin: version 1.2*
Pin-Priority: -1

Package: *
Pin: release a=experimental
Pin-Priority: never
`

func TestParse(t *testing.T) {
	const f = "/etc/apt/preferences"
	got, err := Parse(f, []byte(preferences))
	if err != nil {
		t.Fatal(err)
	}
	want := []Pin{
		{[]string{"*"}, "release", "o=LP-PPA-*, n=noble", 50, f, 3},
		{[]string{"nginx", "nginx-*"}, "origin", `"nginx.example.org"`, 900, f, 9},
		{[]string{"/^lib/:i386"}, "version", "1.2*", -1, f, 13},
		{[]string{"*"}, "release", "a=experimental", Never, f, 17},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRefusedPreferences(t *testing.T) {
	for text, line := range map[string]int{
		"Pin: release a=x\nPin-Priority: 1\n":                         1,
		"Package: a\nPin: release a=x\nPin-Priority: 0\n":             1,
		"Package: a\nPin: release a=x\n":                              1,
		"Package: a\nPin: release a=x\nPin-Priority: many\n":          1,
		"Package: a\nPin: release a=x\nPin-Priority: 99999\n":         1,
		"Package: a\nPin: release a=x\nPin-Priority: never\n":         1,
		"Package: a\nnonsense\n":                                      2,
		"Package: *\nPin: release a=x\nPin-Priority: 1\n\nPackage:\n": 5,
	} {
		_, err := Parse("p", []byte(text))
		var conf *apt.ConfigError
		if !errors.As(err, &conf) || conf.Line != line {
			t.Errorf("%q: %v, want an error of line %d", text, err, line)
		}
	}
}

func archive(origin, label, suite, codename, site string) *Archive {
	return &Archive{Release: &apt.Release{Origin: origin, Label: label, Suite: suite, Codename: codename, Version: "24.04"}, Site: site, Component: "main", Arch: "amd64"}
}

func TestCandidate(t *testing.T) {
	security := archive("Ubuntu", "Ubuntu", "noble-security", "noble", "security.example.com")
	updates := archive("Ubuntu", "Ubuntu", "noble-updates", "noble", "archive.example.com")
	ppa := archive("LP-PPA-x", "x", "noble", "noble", "ppa.example.org")
	testing1 := archive("Debian", "Debian", "experimental", "rc-buggy", "archive.example.com")
	testing1.Release.NotAutomatic = true
	versions := []Version{
		{Version: "5", Archives: []*Archive{testing1}}, {Version: "4", Archives: []*Archive{ppa}}, {Version: "3", Archives: []*Archive{updates}}, {Version: "2", Archives: []*Archive{security, updates}}, {Version: "1"},
	}
	for _, tt := range []struct{ name, preferences, release, want string }{
		{"no preferences", "", "", "4"},
		{"third party below", "Package: *\nPin: release o=LP-PPA-*\nPin-Priority: 50\n", "", "3"},
		{"default release", "", "noble-security", "2"},
		{"default release by codename", "", "noble", "4"},
		{"held by version", "Package: pkg\nPin: version 1\nPin-Priority: 1001\n", "", "1"},
		{"experimental wanted", "Package: pkg\nPin: release a=experimental\nPin-Priority: 501\n", "", "5"},
		{"everything refused, the installed version too", "Package: pkg\nPin: release *\nPin-Priority: -1\n", "", ""},
		{"all archives refused", "Package: pkg\nPin: release o=*\nPin-Priority: -1\n", "", "1"},
		{"refused for another architecture", "Package: pkg:i386\nPin: release *\nPin-Priority: -1\n", "", "4"},
		{"the first pin counts", "Package: p*\nPin: release a=noble-security\nPin-Priority: 600\n\nPackage: pkg\nPin: release a=noble-security\nPin-Priority: 10\n", "", "2"},
		{"by site", "Package: *\nPin: origin ppa.example.org\nPin-Priority: -5\n", "", "3"},
		{"by component and architecture", "Package: *\nPin: release c=main,b=amd64,l=Ubuntu\nPin-Priority: 600\n", "", "3"},
		{"by version of the release", "Package: *\nPin: release 24.*\nPin-Priority: 1\n", "", "1"},
		{"without regard to case", "Package: PKG*\nPin: release l=UBUNTU,a=NOBLE-SECURITY\nPin-Priority: 900\n", "", "2"},
		{"by source package", "Package: src:sou*\nPin: version 2\nPin-Priority: 900\n", "", "2"},
		{"by another source package", "Package: src:pkg\nPin: version 2\nPin-Priority: 900\n", "", "4"},
		{"for its architecture", "Package: pkg:amd64\nPin: version 2\nPin-Priority: 900\n", "", "2"},
		{"for any architecture", "Package: pkg:any\nPin: version 2\nPin-Priority: 900\n", "", "2"},
		{"for a kind of architecture", "Package: /^P.G$/:linux-any\nPin: version 2\nPin-Priority: 900\n", "", "2"},
		{"the installed one stays", "Package: *\nPin: release a=now\nPin-Priority: 600\n", "", "1"},
		{"a pin of an unknown kind is passed over", "Package: *\nPin: colour red\nPin-Priority: 900\n", "", "4"},
		{"a name in a class", "Package: [!a-o]k[g]\nPin: version 3\nPin-Priority: 900\n", "", "3"},
		{"never outdoes a pin with a name", "Package: pkg\nPin: version 4\nPin-Priority: 900\n\nPackage: *\nPin: origin ppa.example.org\nPin-Priority: never\n", "", "3"},
	} {
		pins, err := Parse("p", []byte(tt.preferences))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		p := NewPolicy(pins, tt.release)
		for i := range versions {
			versions[i].Source = "source"
		}
		i := p.Candidate(Target{Name: "pkg", Arch: "amd64", Native: true, Installed: "1"}, versions)
		if tt.want == "" && i < 0 {
			continue
		}
		if i < 0 || versions[i].Version != tt.want {
			t.Errorf("%s: candidate %d, want version %s", tt.name, i, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(preferences))
	f.Add([]byte("Package: /(/ [a *\nPin: release a=/[/,n=[\nPin-Priority: 1\n"))
	f.Add([]byte("Package: a\nPin: origin\nPin-Priority: -32768\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pins, err := Parse("p", b)
		if err != nil && pins != nil {
			t.Error("pins and an error")
		}
		p := NewPolicy(pins, "")
		a := archive("o", "l", "s", "n", "site")
		p.Candidate(Target{Name: "name", Arch: "amd64", Native: true, Installed: "1"}, []Version{{Version: "2", Archives: []*Archive{a}}, {Version: "1"}})
	})
}
