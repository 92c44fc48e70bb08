package origin

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var bookworm = Distribution{ID: "Debian", Codename: "bookworm"}

func TestPatterns(t *testing.T) {
	of := Archive{"origin": "Debian", "label": "Debian-Security", "codename": "bookworm-security", "component": "main"}
	for text, want := range map[string]string{
		"o=Debian,l=Debian-Security":            "yes",
		"origin=Debian , label = Debian-Sec*":   "yes",
		"o=debian":                              "no",
		"o=*,n=${distro_codename}-security":     "yes",
		"o=D[e]bia?":                            "yes",
		"o=D[!e]bian":                           "no",
		"o=[^D]ebian":                           "yes", // Python knows no ^ here
		"o=Debian,a=oldstable-security":         "unknown",
		"o=Ubuntu,a=oldstable-security":         "no",
		"o=Debian,site=*":                       "yes",
		"o=Debian,site=security.debian.org":     "unknown",
		"":                                      "no",
		"o=${distro_id}\\,x":                    "no",
		"o=Debian,":                             "refused",
		"o=a=b":                                 "refused",
		"what=1":                                "refused",
		"o=$distro_id":                          "yes",
		"o=$$":                                  "refused", // expanded twice
		"o=$":                                   "refused",
		"o=${distro_id":                         "refused",
		"o=" + strings.Repeat("*a", 400):        "no",
		"o=[":                                   "no",
		"o=Debian,l=Debian-Security,c=non-free": "no",
	} {
		p, ok := Parse(text, bookworm)
		got := "refused"
		if ok {
			switch yes, sure := p.Matches(of); {
			case yes:
				got = "yes"
			case sure:
				got = "no"
			default:
				got = "unknown"
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string][][2]string{
		"${distro_id}:${distro_codename}-security": {{"origin", "Debian"}, {"archive", "bookworm-security"}},
		"Debian stable":     {{"origin", "Debian"}, {"archive", "stable"}},
		`http\://x:stable`:  {{"origin", "http://x"}, {"archive", "stable"}},
		"a:b:c":             nil,
		"alone":             nil,
		"${nothing}:stable": nil,
	} {
		if got, ok := Allowed(text, bookworm); cmp.Diff(want, got.fields) != "" || ok != (want != nil) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestAgainstUnattendedUpgrades holds generated entries against what the functions of
// unattended-upgrades 2.9.1 answered for them.
func TestAgainstUnattendedUpgrades(t *testing.T) {
	f, err := os.Open("testdata/answers.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		S      string
		Legacy bool
		Of     Archive
		Want   string
	}
	if err := json.NewDecoder(z).Decode(&all); err != nil || len(all) < 1000 {
		t.Fatalf("%d answers, %v", len(all), err)
	}
	for _, c := range all {
		read := Parse
		if c.Legacy {
			read = Allowed
		}
		got := "refused"
		if p, ok := read(c.S, bookworm); ok {
			got = "no"
			if yes, _ := p.Matches(c.Of); yes {
				got = "yes"
			}
		}
		if got != c.Want {
			t.Errorf("%q (of Allowed-Origins: %v) for %v: %s, want %s", c.S, c.Legacy, map[string]string(c.Of), got, c.Want)
		}
	}
}

// TestLong: entries of any length end soon, and are compared in time that grows with
// their length alone.
func TestLong(t *testing.T) {
	stars := strings.Repeat("*a", maxEntry/4)
	for text, want := range map[string]bool{
		"origin=" + stars: true, "origin=" + strings.Repeat("?", maxEntry): false, "origin=" + strings.Repeat("[", 1000): true,
		strings.Repeat("o=*,", 1000) + "o=D*": true, strings.Repeat("o=*,", maxEntry): false,
	} {
		p, ok := Parse(text, bookworm)
		if ok != want {
			t.Errorf("%.20q of %d bytes: %v", text, len(text), ok)
		}
		if yes, _ := p.Matches(Archive{"origin": strings.Repeat("a", 4000) + "b"}); yes {
			t.Errorf("%.20q of %d bytes matches", text, len(text))
		}
	}
	if _, ok := Allowed("a:"+strings.Repeat("b", maxEntry), bookworm); ok {
		t.Error("a long entry of Allowed-Origins was read")
	}
}

func TestString(t *testing.T) {
	for want, a := range map[string]Archive{
		"Debian Debian-Security main":    {"origin": "Debian", "label": "Debian-Security", "component": "main"},
		"Ubuntu jammy-security universe": {"origin": "Ubuntu", "label": "Ubuntu", "archive": "jammy-security", "component": "universe"},
	} {
		if got := a.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add("origin=Debian,codename=${distro_codename}-security,label=Debian-Security")
	f.Add("${distro_id}:${distro_codename}")
	f.Add("o=[!]-\\,a=$$")
	f.Fuzz(func(t *testing.T, s string) {
		of := Archive{"origin": "Debian", "label": s}
		if p, ok := Parse(s, bookworm); ok {
			if yes, sure := p.Matches(of); yes && !sure {
				t.Errorf("%q covers, perhaps", s)
			}
		}
		Allowed(s, bookworm)
		fnmatch(s, s)
	})
}
