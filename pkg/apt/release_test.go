package apt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const inRelease = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Label: Debian-Security
Suite: oldstable-security
Version: 12
Codename: bookworm-security
Date: Fri, 20 Nov 2026 00:12:41 UTC
Valid-Until: Fri, 27 Nov 2026 00:12:41 +0000
Acquire-By-Hash: yes
SHA256:
 0ed6d4c8891eb86358b94bb35d9e4da4 1484322 contrib/Contents-all
-----BEGIN PGP SIGNATURE-----

iQIzBAEBCAAdFiEE
-----END PGP SIGNATURE-----
`

func TestParseRelease(t *testing.T) {
	got, err := ParseRelease(strings.NewReader(inRelease))
	if err != nil {
		t.Fatal(err)
	}
	want := &Release{Origin: "Debian", Label: "Debian-Security", Suite: "oldstable-security", Codename: "bookworm-security", Version: "12",
		Date: time.Date(2026, 11, 20, 0, 12, 41, 0, time.UTC), ValidUntil: time.Date(2026, 11, 27, 0, 12, 41, 0, time.UTC)}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	got, err = ParseRelease(strings.NewReader("Suite: experimental\nNotAutomatic: yes\nButAutomaticUpgrades: yes\n"))
	if err != nil || !got.NotAutomatic || !got.ButAutomaticUpgrades {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestBrokenRelease(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "empty",
		"<html>":                      "line 1",
		"Origin: x\nDate: yesterday":  "line 2: Date is no date",
		"Suite: x\nValid-Until: soon": "line 2: Valid-Until is no date",
		"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n": "empty",
		"A: " + strings.Repeat("x", MaxRelease+10):           "longer than the limit",
	} {
		if _, err := ParseRelease(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
}

func TestSecurity(t *testing.T) {
	for _, tt := range []struct {
		origin, label, suite, codename string
		security, esm                  bool
	}{
		{"Debian", "Debian-Security", "stable-security", "trixie-security", true, false},
		{"Debian", "Debian-Security", "oldoldstable", "stretch", true, false},
		{"Debian", "Debian", "stable", "trixie", false, false},
		{"Debian", "Debian", "stable-updates", "trixie-updates", false, false},
		{"Debian Backports", "Debian Backports", "stable-backports", "trixie-backports", false, false},
		{"Ubuntu", "Ubuntu", "noble-security", "noble", true, false},
		{"Ubuntu", "Ubuntu", "noble-updates", "noble", false, false},
		{"UbuntuESM", "UbuntuESM", "focal-infra-security", "focal", true, true},
		{"UbuntuESMApps", "UbuntuESMApps", "focal-apps-security", "focal", true, true},
		{"UbuntuESMApps", "UbuntuESMApps", "focal-apps-updates", "focal", false, true},
		{"Evil Corp", "Debian-Security", "stable-security", "trixie-security", false, false},
		{"", "", "", "", false, false},
	} {
		r := Release{Origin: tt.origin, Label: tt.label, Suite: tt.suite, Codename: tt.codename}
		if r.Security() != tt.security || r.ESM() != tt.esm {
			t.Errorf("%s %s %s: security %v, ESM %v", tt.origin, tt.label, tt.suite, r.Security(), r.ESM())
		}
	}
}

func FuzzParseRelease(f *testing.F) {
	f.Add(inRelease)
	f.Add("Suite: x\n\n-----BEGIN PGP SIGNATURE-----\n")
	f.Add("-----BEGIN PGP SIGNED MESSAGE-----\n\nDate: Mon, 1 Jan 2026 00:00:00 XYZ\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRelease(strings.NewReader(text))
		if (r == nil) == (err == nil) {
			t.Errorf("release %v and error %v", r, err)
		}
		if r != nil {
			r.Security()
		}
	})
}

// TestReleaseLists: lists that are named, with their sizes; nothing else is.
func TestReleaseLists(t *testing.T) {
	const hash = " d41d8cd98f00b204e9800998ecf8427e "
	r, err := ParseRelease(strings.NewReader("Suite: x\nMD5Sum:\n" + hash + "12 main/binary-amd64/Packages\n" + hash + "7 main/binary-amd64/Packages.gz\n" +
		hash + "0 main/binary-all/Packages\n" + hash + "-1 a/Packages\n" + hash + "99999999999999999999 b/Packages\n" + hash + "1 x main/Packages\n" +
		"SHA256:\n" + hash + "12 main/binary-amd64/Packages\n" + hash + "5 ./Packages\n" + hash + "5 main/NoPackages\n Packages\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"main/binary-amd64/Packages": 12, "main/binary-all/Packages": 0, "Packages": 5}
	if d := cmp.Diff(want, r.Lists); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
