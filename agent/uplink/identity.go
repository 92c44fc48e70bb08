package uplink

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
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
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	identityFile = "identity.pem"
	maxStateFile = 64 << 10
	pinPrefix    = "sha256:"
)

// ErrPin is returned, inside a connection's error, when the collector's key is
// not the pinned one.
var ErrPin = errors.New("the collector's key is not the pinned one")

// Pin is the SHA-256 of the public key (SubjectPublicKeyInfo) of the collector's
// certificate.
type Pin [sha256.Size]byte

// ParsePin reads a pin as the collector prints it: "sha256:" and 64 hexadecimal
// digits.
func ParsePin(s string) (Pin, error) {
	var p Pin
	digits, ok := strings.CutPrefix(s, pinPrefix)
	if !ok || len(digits) != 2*len(p) {
		return p, fmt.Errorf("pin %q: want %q and 64 hexadecimal digits", s, pinPrefix)
	}
	if _, err := hex.Decode(p[:], []byte(digits)); err != nil {
		return p, fmt.Errorf("pin %q: %w", s, err)
	}
	return p, nil
}

// String returns the pin as ParsePin reads it.
func (p Pin) String() string { return pinPrefix + hex.EncodeToString(p[:]) }

// verify accepts a connection to the holder of the pinned key.
func (p Pin) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return fmt.Errorf("%w: no certificate", ErrPin)
	}
	sum := Pin(sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo))
	if subtle.ConstantTimeCompare(sum[:], p[:]) != 1 {
		return fmt.Errorf("%w: it has %s", ErrPin, sum)
	}
	return nil
}

// Identity is what this host proves to be.
type Identity struct{ certificate tls.Certificate }

// OpenIdentity reads the identity in the state directory, and makes one where
// there is none. One that others may read, or that is damaged, is an error: a new
// one would be another host.
func OpenIdentity(dir string) (*Identity, error) {
	name := filepath.Join(dir, identityFile)
	b, err := readPrivate(name)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = newIdentity(); err == nil {
			err = writeAtomic(name, b)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open identity: %w", err)
	}
	cert, err := tls.X509KeyPair(b, b)
	if err != nil {
		return nil, fmt.Errorf("open identity: %s: %w", name, err)
	}
	if key, ok := cert.PrivateKey.(*ecdsa.PrivateKey); !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("open identity: %s: the key is not on P-256", name)
	}
	return &Identity{cert}, nil
}

// Host returns the host's name: 32 hexadecimal digits of the SHA-256 of its
// public key, as the collector computes it.
func (i *Identity) Host() string {
	sum := sha256.Sum256(i.certificate.Leaf.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:16])
}

// TLS returns the configuration for connections to the collector with that key.
func (i *Identity) TLS(pin Pin) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The pin below is checked in place of names, dates and authorities, on
		// every handshake.
		InsecureSkipVerify: true,
		VerifyConnection:   pin.verify,
		// Whatever authorities the collector asks for.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &i.certificate, nil
		},
	}
}

// newIdentity makes a key and a certificate for it, signed by itself, that only
// carries the key and never expires (RFC 5280, 4.1.2.5).
func newIdentity() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "seawall-uplink"},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), // hosts start with any clock
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...), nil
}

// readPrivate reads a file of the state directory that nobody else may read.
func readPrivate(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is %v, want a plain file that only its owner may read", name, fi.Mode())
	}
	if fi.Size() > maxStateFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxStateFile)
	}
	return io.ReadAll(io.LimitReader(f, maxStateFile))
}

// writeAtomic replaces a file of the state directory; after a crash it is the old
// one or the new one.
func writeAtomic(name string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
