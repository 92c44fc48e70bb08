package uplink

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if first.Host() != again.Host() || first.Host() == other.Host() || len(first.Host()) != 32 {
		t.Errorf("hosts %s, again %s, other %s", first.Host(), again.Host(), other.Host())
	}
	fi, err := os.Stat(filepath.Join(dir, identityFile))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}

func TestIdentityRefused(t *testing.T) {
	for name, spoil := range map[string]func(name string) error{
		"others may read": func(n string) error { return os.Chmod(n, 0o640) },
		"damaged":         func(n string) error { return os.WriteFile(n, []byte("-----BEGIN"), 0o600) },
		"empty":           func(n string) error { return os.Truncate(n, 0) },
		"link": func(n string) error {
			if err := os.Rename(n, n+".real"); err != nil {
				return err
			}
			return os.Symlink(n+".real", n)
		},
		"huge": func(n string) error { return os.Truncate(n, maxStateFile+1) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := OpenIdentity(dir); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, identityFile)
			if err := spoil(file); err != nil {
				t.Fatal(err)
			}
			if id, err := OpenIdentity(dir); err == nil {
				t.Errorf("took it as %s", id.Host())
			}
		})
	}
}

func TestPin(t *testing.T) {
	cert := serverCertificate(t)
	pin := Pin(sha256.Sum256(cert.Leaf.RawSubjectPublicKeyInfo))
	got, err := ParsePin(pin.String())
	if err != nil || got != pin {
		t.Errorf("round trip: %v, %v; want %v", got, err, pin)
	}
	if err := pin.verify(tls.ConnectionState{}); !errors.Is(err, ErrPin) {
		t.Errorf("no certificate: %v", err)
	}
	for _, bad := range []string{"", "sha256:", pin.String()[7:], pin.String() + "0", pin.String()[:70] + "g", "sha1:" + pin.String()[7:], " " + pin.String()} {
		if _, err := ParsePin(bad); err == nil {
			t.Errorf("%q: taken as a pin", bad)
		}
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("0a", 32))
	f.Add("sha256:zz")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePin(s)
		if err == nil && !strings.EqualFold(p.String(), s) {
			t.Errorf("%q was read as %v", s, p)
		}
	})
}
