package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/collector/fleet"
)

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.Pin() != second.Pin() || !strings.HasPrefix(first.Pin(), "sha256:") || len(first.Pin()) != 71 {
		t.Errorf("pins %s and %s", first.Pin(), second.Pin())
	}
	info, err := os.Stat(filepath.Join(dir, File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files left", len(files))
	}
}

func TestOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	pins := make([]string, 8)
	var wg sync.WaitGroup
	for i := range pins {
		wg.Go(func() {
			id, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			pins[i] = id.Pin()
		})
	}
	wg.Wait()
	for _, pin := range pins {
		if pin != pins[0] {
			t.Errorf("two identities: %s, %s", pin, pins[0])
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, put := range map[string]func(string) error{
		"garbage": func(f string) error { return os.WriteFile(f, []byte("x"), 0o600) },
		"empty":   func(f string) error { return os.WriteFile(f, nil, 0o600) },
		"open": func(f string) error {
			data, err := generate(time.Now())
			if err != nil {
				return err
			}
			return os.WriteFile(f, data, 0o644)
		},
		"folder": func(f string) error { return os.Mkdir(f, 0o700) },
		"link":   func(f string) error { return os.Symlink("/dev/zero", f) },
	} {
		file := filepath.Join(t.TempDir(), File)
		if err := put(file); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(filepath.Dir(file)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// selfSigned returns a certificate of any key.
func selfSigned(t *testing.T, public, private any) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func p256(t *testing.T, curve elliptic.Curve) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return selfSigned(t, key.Public(), key)
}

// handshake returns the host that the server saw, and its error.
func handshake(t *testing.T, server, client *tls.Config) (fleet.HostID, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		c, err := tls.Dial("tcp", l.Addr().String(), client)
		if err == nil {
			// TLS 1.3 tells of a refused certificate at the first read.
			_, _ = c.Read(make([]byte, 1))
			c.Close()
		}
	})
	defer wg.Wait()
	raw, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Server(raw, server)
	defer conn.Close()
	if err := conn.HandshakeContext(t.Context()); err != nil {
		return "", err
	}
	return Host(conn.ConnectionState())
}

func TestHandshake(t *testing.T) {
	id, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	good := p256(t, elliptic.P256())
	leaf, err := x509.ParseCertificate(good.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	host, err := handshake(t, id.Server(), &tls.Config{Certificates: []tls.Certificate{good}, InsecureSkipVerify: true})
	if err != nil || host != fleet.HostID(hex.EncodeToString(sum[:])[:32]) || !host.Valid() {
		t.Errorf("host %q, %v", host, err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*tls.Config{
		"no certificate": {},
		"TLS 1.2":        {Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12},
		"P-384":          {Certificates: []tls.Certificate{p256(t, elliptic.P384())}},
		"Ed25519":        {Certificates: []tls.Certificate{selfSigned(t, public, private)}},
	} {
		client.InsecureSkipVerify = true
		if host, err := handshake(t, id.Server(), client); err == nil {
			t.Errorf("%s: accepted as %s", name, host)
		}
	}
}
