package certfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// made returns the files of testdata/openssl.txtar.
func made(t testing.TB) map[string][]byte {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/openssl.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	return files
}

func one(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	list, err := Certificates(made(t)[name])
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %d, %v", name, len(list), err)
	}
	return list[0]
}

func TestCertificates(t *testing.T) {
	for name, want := range map[string]struct {
		kind string
		bits int
		weak string
	}{
		"rsa1024-sha1.crt":     {"RSA", 1024, "SHA-1"},
		"trusted.crt":          {"RSA", 1024, "SHA-1"},
		"ec-staple-client.crt": {"ECDSA", 256, ""},
		"ed25519.crt":          {"Ed25519", 256, ""},
		"dsa.crt":              {"DSA", 0, ""},
	} {
		c := one(t, name)
		kind, bits := Algorithm(c)
		if kind != want.kind || bits != want.bits || Weak(c) != want.weak {
			t.Errorf("%s: got %s %d, weak %q", name, kind, bits, Weak(c))
		}
		if special := name == "ec-staple-client.crt"; MustStaple(c) != special || ForServers(c) == special {
			t.Errorf("%s: must staple %v, for servers %v", name, MustStaple(c), ForServers(c))
		}
	}
	if got := Name(one(t, "rsa1024-sha1.crt").Subject.CommonName, one(t, "rsa1024-sha1.crt").Subject.Organization, "x"); got != "No Common Name" {
		t.Errorf("got %q", got)
	}
	if got := Name("", nil, "x"); got != "x" {
		t.Errorf("got %q", got)
	}
	files := made(t)
	if _, err := Certificates(files["dh1024.pem"]); !errors.Is(err, ErrNone) {
		t.Errorf("no certificate: %v", err)
	}
	if _, err := Certificates(files["brainpool.crt"]); err == nil || errors.Is(err, ErrNone) {
		t.Errorf("a curve that Go does not know: %v", err)
	}
	if _, err := Certificates(bytes.Repeat(files["ed25519.crt"], maxCertificates+1)); err == nil {
		t.Error("too many are read")
	}
	if all, err := Certificates(slices.Concat([]byte("text\n"), files["ec-pkcs8.key"], files["ed25519.crt"], files["dsa.crt"])); err != nil || len(all) != 2 {
		t.Errorf("got %d, %v", len(all), err)
	}
}

// TestKeys: of each form of key the public part is its certificate's, and of no
// other; nothing of the bytes remains.
func TestKeys(t *testing.T) {
	files := made(t)
	owner := func(name string) string {
		kind, _, _ := strings.Cut(strings.TrimSuffix(name, ".key"), "-")
		return map[string]string{"rsa1024": "rsa1024-sha1.crt", "ec": "ec-staple-client.crt", "ed25519": "ed25519.crt"}[kind]
	}
	for name, data := range files {
		if !strings.HasSuffix(name, ".key") {
			continue
		}
		data = slices.Clone(data)
		k, err := ParseKey(data)
		locked := strings.Contains(name, "dek") || strings.Contains(name, "encrypted")
		if strings.HasPrefix(name, "dsa") {
			if err == nil {
				t.Errorf("%s: got %+v", name, k)
			}
			continue
		}
		if err != nil || k.Encrypted != locked {
			t.Errorf("%s: %+v, %v", name, k, err)
			continue
		}
		if len(bytes.Trim(data, "\x00")) > 0 {
			t.Errorf("%s: the bytes remain", name)
		}
		for crt := range files {
			if strings.HasSuffix(crt, ".crt") && crt != "brainpool.crt" && crt != "trusted.crt" && k.Belongs(one(t, crt)) != (crt == owner(name) && !locked) {
				t.Errorf("%s belongs to %s: %v", name, crt, !locked)
			}
		}
	}
	for _, text := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN X PRIVATE KEY-----\nAAAA\n-----END X PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"} {
		if k, err := ParseKey([]byte(text)); err == nil {
			t.Errorf("%q: got %+v", text, k)
		}
	}
}

func TestParameterBits(t *testing.T) {
	files := made(t)
	if n, err := ParameterBits(files["dh1024.pem"]); n != 1024 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := ParameterBits(files["dsa.crt"]); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}

func TestCovers(t *testing.T) {
	c := &x509.Certificate{DNSNames: []string{"example.org", "*.example.org", "MAIL.example.net"}, IPAddresses: []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1")}}
	for name, want := range map[string]bool{
		"example.org": true, "www.example.org": true, "a.www.example.org": false, "*.example.org": true, ".example.org": true, "EXAMPLE.org.": true,
		"mail.example.net": true, "www.example.net": false, ".example.net": false, "*.www.example.org": false, "192.0.2.1": true, "192.0.2.2": false, "[2001:db8::1]": true, "org": false,
	} {
		if got := Covers(c, name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// authority is a certificate with its key.
type authority struct {
	*x509.Certificate
	key crypto.Signer
}

var serial int64

// sign makes a certificate of by, or a self-signed one.
func sign(t testing.TB, name string, by *authority, change func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		IsCA: true, BasicConstraintsValid: true}
	if change != nil {
		change(template)
	}
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func bundle(of ...*authority) *Store {
	var b bytes.Buffer
	for _, a := range of {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: a.Raw})
	}
	return NewStore(b.Bytes())
}

func TestJudge(t *testing.T) {
	public := func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://x/ca.crt"} }
	root := sign(t, "Root", nil, nil)
	other := sign(t, "Root", nil, nil) // of the same name, with another key
	one := sign(t, "One", root, nil)
	two := sign(t, "Two", one, nil)
	leaf := sign(t, "leaf", two, public)
	direct := sign(t, "direct", root, nil)
	own := sign(t, "own", nil, nil)
	alien := sign(t, "alien", sign(t, "Elsewhere", nil, nil), nil)
	store := bundle(other, root)
	for _, tt := range []struct {
		what                      string
		sent                      []*authority
		store                     *Store
		complete, unsure, trusted bool
		reason                    string
	}{
		{"whole", []*authority{leaf, two, one}, store, true, false, true, "signed by Root"},
		{"with its root", []*authority{leaf, two, one, root}, store, true, false, true, "signed by Root"},
		{"root of nobody's", []*authority{leaf, two, one, root}, bundle(own), true, false, false, "ends at Root, which this host does not trust"},
		{"one missing", []*authority{leaf, two}, store, false, false, false, "the certificate of One is missing"},
		{"all missing", []*authority{leaf}, store, false, false, false, "the certificate of Two is missing"},
		{"order", []*authority{leaf, one, two}, store, false, false, true, "the certificates are in the wrong order"},
		{"alien", []*authority{leaf, two, one, alien}, store, false, false, true, "1 of 4 certificates do not belong to the chain"},
		{"signed by a root", []*authority{direct}, store, true, false, true, "signed by Root"},
		{"an authority of one's own", []*authority{direct}, bundle(own), false, true, false, "signed by Root, which this host does not know"},
		{"a root of the same name", []*authority{direct}, bundle(other), false, true, false, "signed by Root, which this host does not know"},
		{"an intermediate in the store", []*authority{leaf}, bundle(two), true, false, true, "signed by Two"},
		{"self-signed", []*authority{own}, store, true, false, false, "self-signed"},
		{"self-signed and trusted", []*authority{own}, bundle(own), true, false, true, "self-signed"},
		{"no store", []*authority{leaf, two, one}, nil, false, true, false, "the authorities of this host are not known"},
		{"twice", []*authority{leaf, leaf, two, one}, store, false, false, true, "the certificates are in the wrong order"},
	} {
		var sent []*x509.Certificate
		for _, a := range tt.sent {
			sent = append(sent, a.Certificate)
		}
		got := Judge(sent, tt.store)
		if got.Complete != tt.complete || got.Unsure != tt.unsure || got.Trusted != tt.trusted || got.Reason != tt.reason || got.SelfSigned != (tt.sent[0] == own) {
			t.Errorf("%s: got %+v", tt.what, got)
		}
		if got.Path[0] != sent[0] {
			t.Errorf("%s: the path does not begin with the certificate", tt.what)
		}
	}
	if n := store.Len(); n != 2 {
		t.Errorf("%d authorities", n)
	}
}

// TestWeakPath: what Go refuses to check is followed by name.
func TestWeakPath(t *testing.T) {
	for _, name := range []string{"rsa1024-sha1.crt", "dsa.crt"} {
		c := one(t, name)
		if got := Judge([]*x509.Certificate{c}, nil); !got.SelfSigned {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func FuzzFiles(f *testing.F) {
	for _, data := range made(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if all, err := Certificates(data); err == nil {
			if len(all) == 0 || len(all) > maxCertificates {
				t.Errorf("%d certificates", len(all))
			}
			got := Judge(all, NewStore(data))
			if got.Complete && got.Unsure || len(got.Path) > len(all) {
				t.Errorf("got %+v", got)
			}
			Covers(all[0], "example.org")
			MustStaple(all[0])
		}
		if n, err := ParameterBits(data); err == nil && n < 0 {
			t.Errorf("%d bits", n)
		}
		if k, err := ParseKey(slices.Clone(data)); err == nil && k.Public == nil && !k.Encrypted {
			t.Error("a key without a public part")
		}
	})
}
