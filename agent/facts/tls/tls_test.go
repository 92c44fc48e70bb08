package tls

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func read(root hostfs.Root) Facts {
	return Read(context.Background(), fact.Env{Root: root, Now: func() time.Time { return now }})
}

// signer is a certificate with its key.
type signer struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func (s *signer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Raw}))
}

func (s *signer) keyPEM(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// sign makes a certificate for names, by an authority or by itself.
func sign(t testing.TB, by *signer, from, to time.Time, names ...string) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(from.Unix()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: to,
		BasicConstraintsValid: true, IsCA: by == nil || len(names[0]) == 4, IssuingCertificateURL: []string{"http://x"}}
	parent, parentKey := c, key
	if by != nil {
		parent, parentKey = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{parsed, key}
}

const bundle = "/etc/ssl/certs/ca-certificates.crt"

func nginx(servers ...string) string {
	var b strings.Builder
	b.WriteString("http {\n")
	for _, s := range servers {
		fmt.Fprintf(&b, "server { listen 443 ssl; server_name %s.example; ssl_certificate /tls/%s.pem; ssl_certificate_key /tls/%s.key; root /srv/%s; }\n", s, s, s, s)
	}
	return b.String() + "}\n"
}

// TestRead: sites of every kind of certificate, and what becomes of each.
func TestRead(t *testing.T) {
	root := sign(t, nil, now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0), "Root")
	mid := sign(t, root, now.AddDate(-1, 0, 0), now.AddDate(0, 0, 40), "Inte")
	good := sign(t, mid, now.AddDate(0, 0, -30), now.AddDate(0, 0, 60).Add(-time.Second), "good.example", "*.good.example")
	old := sign(t, mid, now.AddDate(0, -3, 0), now.Add(-time.Hour), "old.example")
	own := sign(t, nil, now.Add(time.Hour), now.AddDate(1, 0, 0), "other.example")
	files := map[string]string{
		bundle:                  root.pem(),
		"/etc/nginx/nginx.conf": nginx("good", "old", "own", "none", "text"),
		"/tls/good.pem":         good.pem() + mid.pem(), "/tls/good.key": good.keyPEM(t),
		"/tls/old.pem": old.pem(), "/tls/old.key": good.keyPEM(t),
		"/tls/own.pem": own.pem(), "/srv/own/own.key": own.keyPEM(t),
		"/tls/text.pem":                   "nothing\n",
		"/etc/letsencrypt/renewal/g.conf": "fullchain = /etc/letsencrypt/live/g/fullchain.pem\nauthenticator = nginx\n", "/etc/letsencrypt/live/g/fullchain.pem": good.pem(),
	}
	host := image.Of(t, files)
	for name, target := range map[string]string{"/tls/own.key": "../srv/own/own.key"} {
		if err := os.Symlink(target, host.Path(name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"/tls/good.key": 0o640, "/srv/own": 0o777, "/tls": 0o1777} {
		if err := os.Chmod(host.Path(name), mode|modeOf(mode)); err != nil {
			t.Fatal(err)
		}
	}
	f := read(host)
	if f.Meta.State != fact.StateKnown || len(f.Certificates) != 5 || len(f.Sites) != 5 || len(f.Keys) != 5 {
		t.Fatalf("got %+v", f)
	}
	g := f.Certificates[0]
	if g.State != fact.StateKnown || g.Subject != "good.example" || g.Issuer != "Inte" || g.DaysLeft != 59 || g.LifeDays != 90 || g.Expired || g.NotYet || g.SelfSigned || !g.Web || !g.ServerUse || g.Authority ||
		!g.Chain.Yes || !g.Trusted.Yes || g.Sent != 2 || g.KeyType != "ECDSA" || g.KeyBits != 256 || !g.KeyMatches.Yes || len(g.Missing) != 0 || g.Lineage != "g" || g.ChainExpires == "" {
		t.Errorf("good: %+v", g)
	}
	o := f.Certificates[1]
	if !o.Expired || o.DaysLeft != -1 || o.Chain.Yes || o.Chain.Reason != "the certificate of Inte is missing" || o.Trusted.Yes || !o.KeyMatches.Known || o.KeyMatches.Yes || o.Lineage != "" {
		t.Errorf("old: %+v", o)
	}
	s := f.Certificates[2]
	if !s.SelfSigned || !s.NotYet || s.Trusted.Yes || !s.Trusted.Known || !slices.Equal(s.Missing, []string{"own.example"}) || !s.KeyMatches.Yes || !s.Authority {
		t.Errorf("own: %+v", s)
	}
	if c := f.Certificates[3]; c.State != fact.StateAbsent || c.Reason != "the file does not exist" {
		t.Errorf("none: %+v", c)
	}
	if c := f.Certificates[4]; c.State != fact.StateError || c.Reason != "certificate: there is none in the file" {
		t.Errorf("text: %+v", c)
	}
	if k := f.Keys[0]; k.Mode != 0o640 || k.OpenDir != "" || k.WebRoot != "" || k.UID != os.Getuid() {
		t.Errorf("good key: %+v", k)
	}
	if k := f.Keys[2]; k.WebRoot != "/srv/own" || k.OpenDir != "/srv/own" {
		t.Errorf("own key: %+v", k)
	}
	if k := f.Keys[3]; k.State != fact.StateAbsent || k.Mode != -1 {
		t.Errorf("no key: %+v", k)
	}
	for _, name := range []string{"/tls/own.key", "/srv/own/own.key", "/tls/none.pem", "/etc/letsencrypt/live/g/fullchain.pem", bundle, "/etc/nginx/nginx.conf"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("%s is not among %q", name, f.Meta.Depends)
		}
	}
	secret(t, f, good)
}

func modeOf(m os.FileMode) os.FileMode {
	if m&0o1000 != 0 {
		return os.ModeSticky
	}
	return 0
}

// secret demands that nothing of a key is in the facts.
func secret(t *testing.T, f Facts, s *signer) {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("PRIVATE")) || bytes.Contains(b, d) || bytes.Contains(b, []byte(new(big.Int).SetBytes(d).String())) {
		t.Error("a part of the key is in the facts")
	}
}

// TestOffered: what OpenSSL leaves of the configured protocols, as measured with
// nginx 1.22 and OpenSSL 3.0.
func TestOffered(t *testing.T) {
	const old = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;"
	for _, tt := range []struct{ library, cnf, directives, want, why string }{
		{"3", "", old, "TLSv1.2", "OpenSSL 3 offers nothing"},
		{"3", "", old + "ssl_ciphers ALL:@SECLEVEL=1;", "TLSv1.2", "OpenSSL 3"},
		{"3", "", old + "ssl_ciphers ALL:@SECLEVEL=0;", "TLSv1 TLSv1.1 TLSv1.2", ""},
		{"3", "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nCipherString=DEFAULT:@SECLEVEL=0\nMinProtocol=TLSv1.2\n", old, "TLSv1 TLSv1.1 TLSv1.2", ""},
		{"1.1", "", old, "TLSv1 TLSv1.1 TLSv1.2", ""},
		{"1.1", "", "ssl_protocols SSLv3 TLSv1.2;", "TLSv1.2", "has no SSLv3"},
		{"", "", old, "TLSv1 TLSv1.1 TLSv1.2", ""},
	} {
		files := map[string]string{"/etc/os-release": "ID=debian\n", "/etc/nginx/nginx.conf": "http { server { listen 1 ssl; " + tt.directives + " } }"}
		if tt.library != "" {
			files["/usr/lib/x86_64-linux-gnu/libssl.so."+tt.library] = ""
		}
		if tt.cnf != "" {
			files["/etc/ssl/openssl.cnf"] = tt.cnf
		}
		f := read(image.Of(t, files))
		if s := f.Sites[0]; strings.Join(s.Offered, " ") != tt.want || !strings.Contains(s.OfferedWhy, tt.why) {
			t.Errorf("%+v: got %q, %s", tt, s.Offered, s.OfferedWhy)
		}
	}
	apache := image.Of(t, map[string]string{"/etc/apache2/apache2.conf": "SSLEngine on\n", "/usr/lib64/libssl.so.1.1": "",
		"/etc/pki/tls/openssl.cnf": "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nMinProtocol=TLSv1.2\n"})
	if s := read(apache).Sites[0]; strings.Join(s.Offered, " ") != "TLSv1.2 TLSv1.3" || s.OfferedWhy != "openssl.cnf sets MinProtocol" {
		t.Errorf("bounds of openssl.cnf: got %q, %s", s.Offered, s.OfferedWhy)
	}
}

func TestSystem(t *testing.T) {
	host := image.Of(t, map[string]string{bundle: "x", "/usr/local/share/ca-certificates/a/own.crt": "x", "/usr/local/share/ca-certificates/readme.txt": "x",
		"/etc/crypto-policies/config": "# comment\n\nDEFAULT:SHA1\n", "/etc/os-release": "ID=ubuntu\nID_LIKE=debian\n", "/etc/ssl/openssl.cnf": "[x]\n"})
	if err := os.Chmod(host.Path("/etc/ssl/certs"), 0o777); err != nil {
		t.Fatal(err)
	}
	f := read(host)
	if p := f.OpenSSL.Policy; p.Value != "DEFAULT:SHA1" || p.Line != 3 || f.OpenSSL.Level != 2 || !f.OpenSSL.LevelKnown || f.OpenSSL.File != "/etc/ssl/openssl.cnf" {
		t.Errorf("got %+v", f.OpenSSL)
	}
	if len(f.Trust.Added) != 1 || f.Trust.Added[0].File != "/usr/local/share/ca-certificates/a/own.crt" || f.Trust.File != bundle {
		t.Errorf("got %+v", f.Trust)
	}
	if os.Getuid() == 0 && (len(f.Trust.Open) != 1 || f.Trust.Open[0].File != "/etc/ssl/certs") {
		t.Errorf("open: %+v", f.Trust.Open)
	}
	if f := read(image.Of(t, map[string]string{"/etc/ssl/openssl.cnf": strings.Repeat("#", 2<<20)})); f.OpenSSL.LevelKnown || f.OpenSSL.Reason == "" {
		t.Errorf("too large: %+v", f.OpenSSL)
	}
}

// TestHostile: FIFOs and loops in place of files, and very many sites, give a
// bounded, clear result.
func TestHostile(t *testing.T) {
	host := image.Of(t, map[string]string{"/etc/nginx/nginx.conf": nginx("fifo", "loop", "big"), "/tls/big.pem": strings.Repeat("x", 2<<20)})
	for _, name := range []string{"/tls/fifo.pem", "/tls/fifo.key"} {
		if err := unix.Mkfifo(host.Path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"loop.pem", "loop.key"} {
		if err := os.Symlink(name, filepath.Join(host.Path("/tls"), name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range read(host).Certificates {
		if c.State != fact.StateError || c.Reason == "" {
			t.Errorf("%s: %s %s", c.File, c.State, c.Reason)
		}
	}
	var many []string
	for i := range 5000 {
		many = append(many, fmt.Sprintf("s%d", i))
	}
	f := read(image.Of(t, map[string]string{"/etc/nginx/nginx.conf": nginx(many...)}))
	if len(f.Sites) > 2000 || len(f.Certificates) > maxFiles || len(f.Keys) > maxFiles {
		t.Errorf("%d sites, %d certificates, %d keys", len(f.Sites), len(f.Certificates), len(f.Keys))
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	const added = "/usr/local/share/ca-certificates"
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"certificates": {maxFiles, func(n int) map[string]string {
			var sites []string
			for i := range n {
				sites = append(sites, fmt.Sprintf("s%d", i))
			}
			return map[string]string{"/etc/nginx/nginx.conf": nginx(sites...)}
		}, "certificates keys"},
		"parameters": {maxFiles, func(n int) map[string]string {
			var sites strings.Builder
			for i := range n {
				fmt.Fprintf(&sites, "server { listen 443 ssl; ssl_dhparam /%d; }\n", i)
			}
			return map[string]string{"/etc/nginx/nginx.conf": "http {\n" + sites.String() + "}\n"}
		}, "parameters"},
		"names": {100, func(n int) map[string]string {
			names := ""
			for i := range n {
				names += fmt.Sprintf(" s%d.example", i)
			}
			return map[string]string{"/etc/nginx/nginx.conf": "http { server { listen 80; server_name" + names + "; } }\n"}
		}, "certificates keys parameters sites"},
		"authorities": {maxFiles, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprintf("%s/%d.crt", added, i)] = ""
			}
			return files
		}, "trust.added trust.open"},
		"folders of authorities": {4, func(n int) map[string]string {
			return map[string]string{added + strings.Repeat("/x", n-1) + "/a.crt": ""}
		}, "trust.added trust.open"},
		"lineages": {maxFiles, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprintf("/etc/letsencrypt/renewal/%d.conf", i)] = ""
			}
			return files
		}, "certificates clients"},
		"certificates of Dovecot": {4, func(n int) map[string]string {
			block := strings.Repeat("local_name x {\n", n-1) + "ssl_cert = </c\n" + strings.Repeat("}\n", n-1)
			return map[string]string{"/etc/dovecot/dovecot.conf": "protocols = imap\n" + block}
		}, "certificates keys parameters sites"},
	} {
		for more, want := range []string{"", tt.want} {
			f := read(image.Of(t, tt.files(tt.most+more)))
			if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); got != want {
				t.Errorf("%s, %d more: %q, want %q", name, more, f.Meta.Partial, want)
			}
			for _, c := range f.Certificates {
				if c.State == "" {
					t.Errorf("%s, %d more: %s was not read", name, more, c.File)
					break
				}
			}
		}
	}
}

// TestNothing: a host without servers has nothing that is null for checks.
func TestNothing(t *testing.T) {
	f := read(image.Of(t, nil))
	b, err := json.Marshal(f)
	if err != nil || f.Meta.State != fact.StateKnown {
		t.Fatal(err)
	}
	if i := bytes.Index(b, []byte("null")); i >= 0 {
		t.Errorf("null in %s", b[max(0, i-40):])
	}
}

func BenchmarkRead(b *testing.B) {
	root := sign(b, nil, now, now.AddDate(1, 0, 0), "Root")
	mid := sign(b, root, now, now.AddDate(1, 0, 0), "Inte")
	files := map[string]string{bundle: strings.Repeat(root.pem(), 150)}
	var names []string
	for i := range 20 {
		name := fmt.Sprintf("s%d", i)
		leaf := sign(b, mid, now, now.AddDate(0, 0, 90), name+".example")
		files["/tls/"+name+".pem"], files["/tls/"+name+".key"] = leaf.pem()+mid.pem(), leaf.keyPEM(b)
		names = append(names, name)
	}
	files["/etc/nginx/nginx.conf"] = nginx(names...)
	host := image.Of(b, files)
	for b.Loop() {
		if f := read(host); len(f.Certificates) != 20 || !f.Certificates[19].Chain.Yes {
			b.Fatal("not all are read")
		}
	}
}
