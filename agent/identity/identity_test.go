package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/machine"
	"seawall/collector/authority"
	"seawall/collector/fleet"
	"seawall/pkg/trust"
)

const host = "00112233445566778899aabbccddeeff"

// newAuthority is a collector's, at the time that now says.
func newAuthority(t *testing.T, now func() time.Time) *authority.Authority {
	t.Helper()
	a, err := authority.Open(t.TempDir(), authority.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func open(t *testing.T, dir string, now func() time.Time) *Identity {
	t.Helper()
	id, err := Open(dir, Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// issue returns what the authority would give to the identity's key.
func issue(t *testing.T, a *authority.Authority, id *Identity, host string) ([][]byte, trust.Bundle) {
	t.Helper()
	der, err := id.SigningRequest()
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil || request.CheckSignature() != nil {
		t.Fatal(err)
	}
	chain, _, err := a.Issue(fleet.HostID(host), request.PublicKey.(*ecdsa.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := a.Bundle()
	return chain, b
}

func enrolled(t *testing.T, dir string, a *authority.Authority, now func() time.Time) *Identity {
	t.Helper()
	id := open(t, dir, now)
	chain, b := issue(t, a, id, host)
	if err := id.AdoptFrom("0123456789abcdef", host, chain, b); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestLife follows an identity from its key over every change, each read again
// from the disk.
func TestLife(t *testing.T) {
	dir := t.TempDir()
	a := newAuthority(t, nil)
	id := open(t, dir, nil)
	if id.Enrolled() || id.Host() != "" || !id.Expires().IsZero() || len(id.KeyID()) != 16 {
		t.Errorf("new: %q, %v, %q", id.Host(), id.Expires(), id.KeyID())
	}
	again := func() *Identity {
		t.Helper()
		other := open(t, dir, nil)
		if diff := cmp.Diff(describe(id), describe(other)); diff != "" {
			t.Errorf("on the disk (+) is something else:\n%s", diff)
		}
		return other
	}
	again()
	m := machine.Machine{HostName: "h", DropletID: "1"}
	steps := []func() error{
		func() error { return id.Seal(m) },
		func() error {
			chain, b := issue(t, a, id, host)
			return id.AdoptFrom("0123456789abcdef", host, chain, b)
		},
		func() error { return id.SetSession(7) },
		func() error {
			if err := a.Rotate(t.Context()); err != nil {
				return err
			}
			b, _ := a.Bundle()
			return id.SetBundle(b)
		},
		func() error { chain, b := issue(t, a, id, host); return id.Adopt(host, chain, b) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		again()
	}
	b, _ := a.Bundle()
	if got := id.Bundle(); got.Revision != b.Revision || len(got.Authorities) != 2 {
		t.Errorf("bundle %d with %d authorities, want %d with 2", got.Revision, len(got.Authorities), b.Revision)
	}
	from, to := id.Lifetime()
	if life := to.Sub(from); id.Host() != host || id.Session() != 7 || id.Token() != "0123456789abcdef" || id.Machine() != m || life < 14*24*time.Hour {
		t.Errorf("at the end: %v", describe(id))
	}
}

// describe is all that an identity says of itself.
func describe(id *Identity) map[string]any {
	from, to := id.Lifetime()
	return map[string]any{"host": id.Host(), "key": id.KeyID(), "machine": id.Machine(), "from": from, "to": to,
		"session": id.Session(), "bundle": id.Bundle().DER(), "revision": id.Bundle().Revision, "token": id.Token()}
}

// TestSetBundleIsMonotone checks that no older authorities come back.
func TestSetBundleIsMonotone(t *testing.T) {
	a := newAuthority(t, nil)
	id := enrolled(t, t.TempDir(), a, nil)
	old := id.Bundle()
	if err := a.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, _ := a.Bundle()
	for _, one := range []trust.Bundle{b, old, {Revision: b.Revision, Authorities: old.Authorities}} {
		if err := id.SetBundle(one); err != nil {
			t.Fatal(err)
		}
		if got := id.Bundle(); got.Revision != b.Revision || len(got.Authorities) != len(b.Authorities) {
			t.Errorf("revision %d with %d authorities", got.Revision, len(got.Authorities))
		}
	}
}

// TestAdoptRefuses checks that nothing is kept that this host could not use.
func TestAdoptRefuses(t *testing.T) {
	a, stranger := newAuthority(t, nil), newAuthority(t, nil)
	id := open(t, t.TempDir(), nil)
	other := open(t, t.TempDir(), nil)
	chain, b := issue(t, a, id, host)
	theirs, _ := issue(t, a, other, host)
	foreign, _ := issue(t, stranger, id, host)
	elsewhere, _ := issue(t, a, id, strings.Repeat("ab", 16))
	tests := []struct {
		name   string
		host   string
		chain  [][]byte
		bundle trust.Bundle
	}{
		{"no certificate", host, nil, b},
		{"no authorities", host, chain, trust.Bundle{Revision: 9}},
		{"another key", host, theirs, b},
		{"another authority", host, foreign, b},
		{"another host in the certificate", host, elsewhere, b},
		{"no host", "", chain, b},
		{"a host in capitals", strings.ToUpper(host), chain, b},
		{"too many certificates", host, append(slicesRepeat(chain[0], trust.MaxChain), chain[0]), b},
		{"not a certificate", host, [][]byte{[]byte("x")}, b},
		{"large", host, [][]byte{make([]byte, maxCertificate+1)}, b},
	}
	for _, tt := range tests {
		if err := id.Adopt(tt.host, tt.chain, tt.bundle); err == nil || id.Enrolled() {
			t.Errorf("%s: taken, %v", tt.name, err)
		}
	}
	if err := id.Adopt(host, chain, b); err != nil {
		t.Fatal(err)
	}
	if err := id.Adopt(strings.Repeat("ab", 16), elsewhere, b); err == nil || id.Host() != host {
		t.Errorf("became another host: %v", err)
	}
	if err := id.SetSession(5); err != nil {
		t.Fatal(err)
	}
	if err := id.AdoptFrom("0123456789abcdef", strings.Repeat("ab", 16), elsewhere, b); err != nil || id.Session() != 0 {
		t.Errorf("invited as another host: %v, session %d", err, id.Session())
	}
}

func slicesRepeat(b []byte, n int) [][]byte {
	var list [][]byte
	for range n {
		list = append(list, b)
	}
	return list
}

// TestDamaged checks that nothing but a whole file is an identity, and that none is
// replaced by a new one.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	enrolled(t, dir, newAuthority(t, nil), nil)
	name := filepath.Join(dir, identityFile)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(change func(*file)) []byte {
		var f file
		if err := json.Unmarshal(whole, &f); err != nil {
			t.Fatal(err)
		}
		change(&f)
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	otherDir := t.TempDir()
	open(t, otherDir, nil)
	other, err := os.ReadFile(filepath.Join(otherDir, identityFile))
	if err != nil {
		t.Fatal(err)
	}
	var otherFile file
	if err := json.Unmarshal(other, &otherFile); err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"empty":           {},
		"cut":             whole[:len(whole)/2],
		"more":            append(bytes.Clone(whole), whole...),
		"unknown field":   bytes.Replace(whole, []byte(`"version"`), []byte(`"vershun"`), 1),
		"later version":   edit(func(f *file) { f.Version++ }),
		"no key":          edit(func(f *file) { f.Key = nil }),
		"another key":     edit(func(f *file) { f.Key = otherFile.Key }),
		"another host":    edit(func(f *file) { f.Host = strings.Repeat("ab", 16) }),
		"no chain":        edit(func(f *file) { f.Chain = nil }),
		"no bundle":       edit(func(f *file) { f.Bundle = nil }),
		"empty bundle":    edit(func(f *file) { f.Bundle.Authorities = nil }),
		"host alone":      edit(func(f *file) { f.Chain, f.Bundle = nil, nil }),
		"leaf as a CA":    edit(func(f *file) { f.Bundle.Authorities = f.Chain }),
		"larger than all": bytes.Repeat([]byte(" "), maxFile+1),
	}
	for name2, b := range tests {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Config{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name2, err)
		}
		if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, b) {
			t.Errorf("%s: the file was changed, %v", name2, err)
		}
	}
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Config{}); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Errorf("readable by all: %v", err)
	}
}

// TestWriteFails checks that what could not be made durable is not believed.
func TestWriteFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	id := enrolled(t, dir, newAuthority(t, nil), nil)
	before := describe(id)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := id.SetSession(3); err == nil {
		t.Error("kept in a directory that is not there")
	}
	if err := id.SetAside(machine.Machine{DropletID: "2"}); err == nil {
		t.Error("set aside in a directory that is not there")
	}
	if diff := cmp.Diff(before, describe(id)); diff != "" {
		t.Error(diff)
	}
}

func TestFormerKey(t *testing.T) {
	dir := t.TempDir()
	former := filepath.Join(dir, formerFile)
	if err := os.WriteFile(former, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if _, err := Open(dir, Config{Log: slog.New(slog.NewTextHandler(&said, nil))}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(former); err != nil || string(b) != "old" || !strings.Contains(said.String(), former) {
		t.Errorf("%q, %v, log %q", b, err, said.String())
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without one: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("made %v", entries)
	}
	id := open(t, dir, nil)
	if other, err := Read(dir); err != nil || other.KeyID() != id.KeyID() {
		t.Error(err)
	}
}

// TestSetAside follows a copy: it gets a key of its own, and keeps the original
// until it has an identity of its own.
func TestSetAside(t *testing.T) {
	dir := t.TempDir()
	a := newAuthority(t, nil)
	id := enrolled(t, dir, a, nil)
	key := id.KeyID()
	here := machine.Machine{DropletID: "2"}
	if err := id.SetAside(here); err != nil {
		t.Fatal(err)
	}
	if id.Enrolled() || id.KeyID() == key || id.Machine() != here || id.Session() != 0 || id.Token() != "" {
		t.Errorf("after: %v", describe(id))
	}
	original, err := id.Original()
	if err != nil || original.Host() != host || original.KeyID() != key {
		t.Fatalf("original: %v", err)
	}
	// A copy of the copy before it was enrolled: the original stays the original.
	if err := id.SetAside(machine.Machine{DropletID: "3"}); err != nil {
		t.Fatal(err)
	}
	if original, err := open(t, dir, nil).Original(); err != nil || original.KeyID() != key {
		t.Errorf("original of the copy's copy: %v", err)
	}
	for range 2 {
		if err := id.DropOriginal(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := id.Original(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := id.Discard(); err != nil || id.Machine() != (machine.Machine{DropletID: "3"}) {
		t.Errorf("discarded: %v, %v", err, describe(id))
	}
	if err := Wipe(dir); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("wiped, but %v", entries)
	}
}

// handshake connects the identity to a server and returns both sides' errors and
// the client certificates that the server saw.
func handshake(t *testing.T, server *tls.Config, id *Identity) (seen []*x509.Certificate, client error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer b.Close()
		conn := tls.Server(b, server)
		if conn.Handshake() == nil {
			seen = conn.ConnectionState().PeerCertificates
			conn.Write([]byte("x"))
		}
	}()
	conn := tls.Client(a, id.TLS())
	if client = conn.Handshake(); client == nil {
		_, client = conn.Read(make([]byte, 1))
	}
	a.Close()
	<-done
	return seen, client
}

// TestTLS connects to a real authority's listener: its own collector alone is
// believed, and the certificate is shown even when it has expired.
func TestTLS(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	a := newAuthority(t, clock)
	id := enrolled(t, t.TempDir(), a, clock)
	seen, err := handshake(t, a.Hosts(), id)
	if err != nil || len(seen) == 0 {
		t.Fatalf("%d certificates, %v", len(seen), err)
	}
	if got, err := a.VerifyHost(seen, now); err != nil || string(got) != host {
		t.Errorf("the collector sees %q, %v", got, err)
	}
	if _, err := handshake(t, newAuthority(t, clock).Hosts(), id); err == nil {
		t.Error("believed another authority's collector")
	}
	if _, err := handshake(t, a.Hosts(), open(t, t.TempDir(), clock)); err == nil {
		t.Error("believed a collector before enrolment")
	}
	now = id.Expires().Add(80 * 24 * time.Hour)
	if seen, err := handshake(t, a.Hosts(), id); err != nil || len(seen) == 0 {
		t.Errorf("expired: %d certificates, %v", len(seen), err)
	}
	// A clock that was never set says so.
	now = time.Unix(0, 0)
	lost := func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
	var invalid x509.CertificateInvalidError
	if _, err := handshake(t, newAuthority(t, lost).Hosts(), id); err == nil || errors.As(err, &invalid) {
		t.Errorf("another authority, at a wrong time: %v", err)
	}
}

// FuzzParse reads any bytes as identity: what is taken is whole and is written as
// it was read.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parse(b)
		if err != nil {
			return
		}
		if (c.host == "") != (c.leaf() == nil) || (c.host == "") != (len(c.bundle.Authorities) == 0) {
			t.Fatal("half enrolled")
		}
		once, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(once)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%v: not the same again:\n%s\n%s", err, once, twice)
		}
	})
}

// seeds are a fresh identity and an enrolled one, kept as testdata/fuzz has them.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	var list [][]byte
	for _, name := range []string{"fresh.json", "enrolled.json", "unknown.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

func TestSeeds(t *testing.T) {
	for i, seed := range seeds(t) {
		if c, err := parse(seed); (err == nil) != (i < 2) || err == nil && (c.host != "") != (i == 1) {
			t.Errorf("seed %d: %v", i, err)
		}
	}
}
