package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/collector/authority/signer"
	"seawall/collector/fleet"
	"seawall/pkg/trust"
)

const day = 24 * time.Hour

const host fleet.HostID = "00112233445566778899aabbccddeeff"

// clock is a clock that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T, folder string, c *clock) *Authority {
	t.Helper()
	a, err := Open(folder, Config{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rotate(t *testing.T, a *Authority) {
	t.Helper()
	if err := a.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue returns the certificate of a host, and its key.
func issue(t *testing.T, a *Authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key := newKey(t, elliptic.P256())
	der, expires, err := a.Issue(host, &key.PublicKey)
	if err != nil || len(der) != 1 {
		t.Fatalf("%d certificates, %v", len(der), err)
	}
	c, err := x509.ParseCertificate(der[0])
	if err != nil || !c.NotAfter.Equal(expires) {
		t.Fatalf("expires %v, %v", expires, err)
	}
	return c, key
}

func bundle(a *Authority) trust.Bundle {
	b, _ := a.Bundle()
	return b
}

func TestOpenTwice(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	first := open(t, dir, c)
	rotate(t, first)
	if err := first.Retire(t.Context(), first.List()[0].ID, true); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, c)
	if first.Pin() != second.Pin() || bundle(first).Revision != bundle(second).Revision ||
		!slices.EqualFunc(bundle(first).DER(), bundle(second).DER(), slices.Equal) || !slices.Equal(first.List(), second.List()) {
		t.Errorf("%v and %v", first.List(), second.List())
	}
	want := []string{"ca", first.List()[0].ID + ".pem", first.List()[1].ID + ".pem", "state.json"}
	slices.Sort(want[1:])
	var names []string
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if path == dir || err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v", path, info.Mode())
		}
		names = append(names, d.Name())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, want) {
		t.Errorf("files %v; want %v", names, want)
	}
}

func TestOpenAtOnce(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	pins := make([]trust.Pin, 8)
	var wg sync.WaitGroup
	for i := range pins {
		wg.Go(func() {
			a, err := Open(dir, Config{Now: c.Now})
			if err != nil {
				t.Error(err)
				return
			}
			pins[i] = a.Pin()
		})
	}
	wg.Wait()
	for _, pin := range pins {
		if pin != pins[0] {
			t.Errorf("two authorities: %s, %s", pin, pins[0])
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestOpenWithoutTime(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir, Config{Now: func() time.Time { return time.Unix(1000, 0) }})
	if err == nil || !strings.Contains(err.Error(), "clock says 1970-01-01") {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ca := func(dir string) string { return filepath.Join(dir, folderName) }
	key := func(dir string) string {
		files, _ := filepath.Glob(filepath.Join(ca(dir), "*.pem"))
		return files[0]
	}
	state := func(dir string) string { return filepath.Join(ca(dir), stateName) }
	edit := func(old, new string) func(string) error {
		return func(dir string) error {
			data, err := os.ReadFile(state(dir))
			if err == nil && !strings.Contains(string(data), old) {
				err = errors.New("nothing to edit")
			}
			return errors.Join(err, os.WriteFile(state(dir), []byte(strings.Replace(string(data), old, new, 1)), 0o600))
		}
	}
	for name, spoil := range map[string]func(dir string) error{
		"no state":           func(d string) error { return os.Remove(state(d)) },
		"empty state":        func(d string) error { return os.Truncate(state(d), 0) },
		"garbage as state":   func(d string) error { return os.WriteFile(state(d), []byte("x"), 0o600) },
		"large state":        func(d string) error { return os.Truncate(state(d), maxFile+1) },
		"unknown key":        edit(`"revision"`, `"version": 2, "revision"`),
		"unknown standing":   edit(`"trusted"`, `"loved"`),
		"nobody signs":       edit(`"trusted"`, `"retired"`),
		"no id":              edit(`"id": "`, `"id": "../`),
		"another id":         edit(`[`, `[{"id": "0123456789abcdef", "standing": "retired"},`),
		"no key":             func(d string) error { return os.Remove(key(d)) },
		"empty key":          func(d string) error { return os.Truncate(key(d), 0) },
		"cut key":            func(d string) error { return os.Truncate(key(d), 300) },
		"key open to others": func(d string) error { return os.Chmod(key(d), 0o640) },
		"folder open":        func(d string) error { return os.Chmod(ca(d), 0o750) },
		"empty folder":       func(d string) error { return errors.Join(os.RemoveAll(ca(d)), os.Mkdir(ca(d), 0o700)) },
		"a link": func(d string) error {
			name := key(d)
			return errors.Join(os.Remove(name), os.Symlink("/dev/zero", name))
		},
		"a file": func(d string) error { return errors.Join(os.RemoveAll(ca(d)), os.WriteFile(ca(d), nil, 0o600)) },
		"another's key": func(d string) error {
			listed := key(d)
			s, err := signer.New(newClock().Now())
			if err != nil {
				return err
			}
			other := filepath.Join(ca(d), s.ID+".pem")
			return errors.Join(disk{ca(d), func(string) error { return nil }}.putSigner(s), os.Rename(other, listed))
		},
	} {
		dir := t.TempDir()
		open(t, dir, newClock())
		if err := spoil(dir); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := Open(dir, Config{Now: newClock().Now})
		if err == nil || !strings.Contains(err.Error(), "restore "+ca(dir)+" from a backup") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIssue(t *testing.T) {
	c := newClock()
	a := open(t, t.TempDir(), c)
	cert, key := issue(t, a)
	if !cert.NotAfter.Equal(c.now.Add(14*day)) || !cert.NotBefore.Equal(c.now.Add(-time.Hour)) {
		t.Errorf("valid from %v to %v", cert.NotBefore, cert.NotAfter)
	}
	if again, _ := issue(t, a); again.SerialNumber.Cmp(cert.SerialNumber) == 0 || cert.SerialNumber.BitLen() < 64 {
		t.Errorf("serial numbers %x and %x", cert.SerialNumber, again.SerialNumber)
	}
	if cert.IsCA || !key.PublicKey.Equal(cert.PublicKey) || cert.Subject.String() != "" {
		t.Errorf("%+v", cert.Subject)
	}
	for name, verify := range map[string]func() (fleet.HostID, error){
		"the authority": func() (fleet.HostID, error) { return a.VerifyHost([]*x509.Certificate{cert}, c.now) },
		"the bundle": func() (fleet.HostID, error) {
			id, err := trust.VerifyHost(bundle(a), []*x509.Certificate{cert}, c.now)
			return fleet.HostID(id), err
		},
	} {
		if id, err := verify(); err != nil || id != host {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
	if id, err := a.VerifyHost([]*x509.Certificate{cert}, c.now.Add(15*day)); err == nil || id != "" {
		t.Errorf("expired: %q, %v", id, err)
	}
	stranger, _ := issue(t, open(t, t.TempDir(), c))
	if id, err := a.VerifyHost([]*x509.Certificate{stranger}, c.now); err == nil || id != "" {
		t.Errorf("another collector's: %q, %v", id, err)
	}
}

func TestIssueRefuses(t *testing.T) {
	c := newClock()
	a := open(t, t.TempDir(), c)
	good := &newKey(t, elliptic.P256()).PublicKey
	for name, tt := range map[string]struct {
		host fleet.HostID
		key  *ecdsa.PublicKey
	}{
		"no key":           {host, nil},
		"P-384":            {host, &newKey(t, elliptic.P384()).PublicKey},
		"no host":          {"", good},
		"no host id":       {"web-1", good},
		"a name behind it": {host + "/x", good},
	} {
		if der, _, err := a.Issue(tt.host, tt.key); err == nil || der != nil {
			t.Errorf("%s: issued", name)
		}
	}
}

// TestEnd goes to the end of an authority's 20 years.
func TestEnd(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	a := open(t, dir, c)
	end := a.List()[0].Expires
	c.add(end.Sub(c.now) - 3*day)
	cert, _ := issue(t, a)
	if !cert.NotAfter.Equal(end) {
		t.Errorf("a host's certificate to %v, the authority's to %v", cert.NotAfter, end)
	}
	c.add(3 * day)
	key := newKey(t, elliptic.P256())
	if _, _, err := a.Issue(host, &key.PublicKey); err == nil || !strings.Contains(err.Error(), "rotate") {
		t.Errorf("%v", err)
	}
	if _, err := a.certificate(); err == nil {
		t.Error("the collector has a certificate of an authority that ended")
	}
	a = open(t, dir, c) // it still opens, or nobody could rotate it
	rotate(t, a)
	issue(t, a)
	if _, err := a.certificate(); err != nil {
		t.Error(err)
	}
}
