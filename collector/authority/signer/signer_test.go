package signer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"seawall/pkg/trust"
)

var now = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func made(t testing.TB) *Signer {
	t.Helper()
	s, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestKept keeps an authority and reads it again: it signs what the first is believed
// for.
func TestKept(t *testing.T) {
	s := made(t)
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(s.ID, data)
	if err != nil || again.ID != s.ID || !again.Cert.Equal(s.Cert) || !again.Created().Equal(now) || !ValidID(s.ID) {
		t.Fatalf("%+v, %v", again, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const host = "00112233445566778899aabbccddeeff"
	c, err := again.IssueHost(host, &key.PublicKey, now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trust.ParseBundle(1, [][]byte{s.Cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := trust.VerifyHost(b, []*x509.Certificate{c}, now); err != nil || id != host {
		t.Errorf("%q, %v", id, err)
	}
}

// TestDecodeRefuses reads what is not the authority of that id.
func TestDecodeRefuses(t *testing.T) {
	s, other := made(t), made(t)
	good, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Encode()
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(good, []byte("-----BEGIN CERTIFICATE"))
	mixed := append(bytes.Clone(good[:at]), foreign[bytes.Index(foreign, []byte("-----BEGIN CERTIFICATE")):]...)
	for name, data := range map[string][]byte{
		"nothing": nil, "another's": foreign, "no certificate": good[:at], "no key": good[at:], "a key of another": mixed,
		"two certificates": append(bytes.Clone(good), foreign...),
	} {
		if got, err := Decode(s.ID, data); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestVouch has an authority certify the key of the next, and nobody else's.
func TestVouch(t *testing.T) {
	first, second := made(t), made(t)
	c, err := first.Vouch(second)
	if err != nil {
		t.Fatal(err)
	}
	if c.CheckSignatureFrom(first.Cert) != nil || c.CheckSignatureFrom(second.Cert) == nil || !second.key.PublicKey.Equal(c.PublicKey) {
		t.Errorf("certificate of %s for %s", c.Issuer, c.Subject)
	}
}

func TestNewWithoutTime(t *testing.T) {
	if _, err := New(time.Unix(1000, 0)); err == nil || !strings.Contains(err.Error(), "clock says 1970") {
		t.Errorf("%v", err)
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{"0123456789abcdef": true, "0123456789ABCDEF": false, "": false, "01": false, "../../../etc/pass": false} {
		if ValidID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

// FuzzDecode reads only what encodes to an authority of that id.
func FuzzDecode(f *testing.F) {
	s := made(f)
	data, err := s.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(s.ID, data)
		if err == nil && !got.Cert.Equal(s.Cert) {
			t.Errorf("another certificate: %v", got.Cert.Subject)
		}
	})
}
