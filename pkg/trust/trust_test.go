package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const hostID = "00112233445566778899aabbccddeeff"

// noon is when the tests happen.
var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// party is somebody with a key and a certificate.
type party struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify returns a certificate of the key by that party, or by itself.
func certify(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey, by *party) *party {
	t.Helper()
	if by == nil {
		by = &party{template, key}
	}
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &party{c, key}
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(19, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLen: -1,
	}
}

func newAuthority(t testing.TB, name string) *party {
	t.Helper()
	return certify(t, authorityTemplate(name), newKey(t, elliptic.P256()), nil)
}

// vouch returns the certificate of the authority's key by an older one.
func vouch(t testing.TB, a, by *party) *x509.Certificate {
	t.Helper()
	return certify(t, authorityTemplate(a.Subject.CommonName), a.key, by).Certificate
}

func collectorTemplate() *x509.Certificate {
	return &x509.Certificate{
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", CollectorName},
	}
}

func TestPin(t *testing.T) {
	a := newAuthority(t, "A")
	pin := PinOf(a.Certificate)
	got, err := ParsePin(pin.String())
	if err != nil || got != pin {
		t.Errorf("round trip: %v, %v; want %v", got, err, pin)
	}
	if link := vouch(t, a, newAuthority(t, "B")); PinOf(link) != pin {
		t.Error("the pin is not of the key alone")
	}
	s := pin.String()
	for _, bad := range []string{"", "sha256:", s[7:], s + "0", s[:70] + "g", "sha1:" + s[7:], " " + s, strings.ToUpper(s)} {
		if _, err := ParsePin(bad); err == nil {
			t.Errorf("%q: taken as a pin", bad)
		}
	}
}

func TestBundle(t *testing.T) {
	var der [][]byte
	for i := range MaxBundle {
		der = append(der, newAuthority(t, string(rune('A'+i))).Raw)
	}
	b, err := ParseBundle(7, der)
	if err != nil {
		t.Fatal(err)
	}
	got := b.DER()
	if b.Revision != 7 || len(got) != len(der) {
		t.Fatalf("revision %d, %d authorities", b.Revision, len(got))
	}
	for i := range der {
		if !bytes.Equal(got[i], der[i]) {
			t.Errorf("authority %d differs", i)
		}
	}
}

func TestBundleRefused(t *testing.T) {
	good := newAuthority(t, "A").Raw
	with := func(change func(*x509.Certificate)) []byte {
		c := authorityTemplate("B")
		change(c)
		return certify(t, c, newKey(t, elliptic.P256()), nil).Raw
	}
	many := make([][]byte, MaxBundle+1)
	for i := range many {
		many[i] = newAuthority(t, string(rune('A'+i))).Raw
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := authorityTemplate("R")
	c.SerialNumber = big.NewInt(1)
	rsaDER, err := x509.CreateCertificate(rand.Reader, c, c, rsaKey.Public(), rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][][]byte{
		"none":         nil,
		"too many":     many,
		"empty":        {{}},
		"one of empty": {good, nil},
		"garbage":      {[]byte("garbage")},
		"cut":          {good[:len(good)-1]},
		"bytes behind": {append(bytes.Clone(good), 0)},
		"twice":        {good, good},
		"P-384":        {certify(t, authorityTemplate("P"), newKey(t, elliptic.P384()), nil).Raw},
		"RSA":          {rsaDER},
		"no authority": {with(func(c *x509.Certificate) { c.IsCA, c.MaxPathLen = false, 0 })},
		"no signing":   {with(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })},
		"large": {with(func(c *x509.Certificate) {
			c.Subject.Organization = []string{strings.Repeat("x", maxCertificate)}
		})},
	} {
		if _, err := ParseBundle(1, der); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// split reads what the fuzzer made as a list: two bytes of length, and so many.
func split(data []byte) [][]byte {
	var list [][]byte
	for len(data) >= 2 && len(list) <= MaxBundle {
		n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
		list = append(list, data[2:2+n])
		data = data[2+n:]
	}
	return list
}

func FuzzParseBundle(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		der := split(data)
		b, err := ParseBundle(1, der)
		if err != nil {
			return
		}
		if len(b.Authorities) < 1 || len(b.Authorities) > MaxBundle {
			t.Fatalf("%d authorities", len(b.Authorities))
		}
		again, err := ParseBundle(1, b.DER())
		if err != nil || len(again.Authorities) != len(der) {
			t.Fatalf("what was accepted is refused: %v", err)
		}
		for i, c := range again.Authorities {
			if !bytes.Equal(c.Raw, der[i]) {
				t.Fatalf("authority %d changed", i)
			}
		}
		if b.VerifyCollector(b.Authorities, noon) == nil {
			t.Fatal("an authority passed for a collector")
		}
		if _, err := VerifyHost(b, b.Authorities[:1], noon); err == nil {
			t.Fatal("an authority passed for a host")
		}
	})
}

func FuzzParsePin(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePin(s)
		if err == nil && p.String() != s {
			t.Fatalf("%q became %q", s, p)
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	for _, target := range []string{"FuzzParseBundle", "FuzzParsePin"} {
		entries, err := os.ReadDir(filepath.Join("testdata/fuzz", target))
		if err != nil || len(entries) < 3 {
			t.Errorf("seeds of %s: %d, %v", target, len(entries), err)
		}
	}
}
