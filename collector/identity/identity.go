// Package identity holds the collector's own key and tells which host holds the
// key at the other end of a connection.
//
// The collector makes a P-256 key and a certificate for it, signed by itself, at
// its first start. Hosts pin the SHA-256 of the certificate's public key
// (SubjectPublicKeyInfo) and trust nothing else, so names and dates in the
// certificate decide nothing, and the certificate can be made anew for the same
// key without a host noticing.
//
// A host is the SHA-256 of the public key that it proved to hold in the TLS
// handshake, and nothing that it says. Any P-256 key is a host: who may become one
// is for enrolment to decide, which takes the place of [Host] and of the client
// part of [Identity.Server].
package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/fleet"
)

// File is the name of the key and certificate in the state folder.
const File = "server.pem"

const (
	lifetime = 20 * 365 * 24 * time.Hour
	maxFile  = 64 << 10
)

// Identity is the collector's key and certificate.
type Identity struct {
	certificate tls.Certificate
}

// Open reads the identity in the folder, and makes it when there is none. The
// file is never replaced: a key that cannot be read is an error, since a new one
// would lock out every host.
func Open(folder string) (*Identity, error) {
	name := filepath.Join(folder, File)
	data, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = create(name)
	}
	if err != nil {
		return nil, fmt.Errorf("collector's key: %w", err)
	}
	certificate, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, fmt.Errorf("collector's key in %s: %w", name, err)
	}
	return &Identity{certificate}, nil
}

func read(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", name, maxFile)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s may be read by others (mode %04o); make it 0600", name, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// create makes a key and certificate, durable and whole, or not at all. When two
// processes do so at once, both go on with the one that came first.
func create(name string) ([]byte, error) {
	data, err := generate(time.Now())
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(name), File+".*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return read(name)
}

func generate(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make serial: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "seawall-collector"},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost", "seawall-collector"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...), nil
}

// Pin is what hosts pin: "sha256:" and the SHA-256 of the certificate's public
// key in hexadecimal.
func (i *Identity) Pin() string {
	sum := sha256.Sum256(i.certificate.Leaf.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Server returns the configuration for connections from hosts: TLS 1.3, and a
// client certificate that [Host] takes.
func (i *Identity) Server() *tls.Config {
	c := i.Dashboard()
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(state tls.ConnectionState) error {
		_, err := Host(state)
		return err
	}
	return c
}

// Dashboard returns the configuration for browsers.
func (i *Identity) Dashboard() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.certificate},
		MinVersion:   tls.VersionTLS13,
	}
}

// Host returns the host at the other end of a finished handshake: the first half
// of the SHA-256 of its certificate's public key, which must be on P-256.
func Host(state tls.ConnectionState) (fleet.HostID, error) {
	if len(state.PeerCertificates) == 0 {
		return "", errors.New("no client certificate")
	}
	leaf := state.PeerCertificates[0]
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return "", errors.New("the client certificate's key is not on P-256")
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return fleet.HostID(hex.EncodeToString(sum[:16])), nil
}
