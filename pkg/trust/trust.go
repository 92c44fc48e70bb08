package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// CollectorName is the DNS name that every certificate of a collector has.
const CollectorName = "seawall-collector"

// Limits of what the other side may send.
const (
	MaxChain  = 6
	MaxBundle = 8

	maxCertificate = 4 << 10
)

const pinPrefix = "sha256:"

// Pin is the SHA-256 of a public key (SubjectPublicKeyInfo).
type Pin [sha256.Size]byte

// PinOf returns the pin of the certificate's key.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// ParsePin reads a pin as String writes it: "sha256:" and 64 lower-case
// hexadecimal digits.
func ParsePin(s string) (Pin, error) {
	var p Pin
	digits, ok := strings.CutPrefix(s, pinPrefix)
	if !ok || len(digits) != hex.EncodedLen(len(p)) || strings.ToLower(digits) != digits {
		return p, fmt.Errorf("pin: want %q and 64 hexadecimal digits", pinPrefix)
	}
	if _, err := hex.Decode(p[:], []byte(digits)); err != nil {
		return Pin{}, fmt.Errorf("pin: %w", err)
	}
	return p, nil
}

// String returns the pin as ParsePin reads it.
func (p Pin) String() string { return pinPrefix + hex.EncodeToString(p[:]) }

// Bundle is the authorities that are believed. Of two, the one with the higher
// revision counts.
type Bundle struct {
	Revision    uint64
	Authorities []*x509.Certificate
}

// ParseBundle reads a bundle as the other side sent it.
func ParseBundle(revision uint64, der [][]byte) (Bundle, error) {
	if len(der) < 1 || len(der) > MaxBundle {
		return Bundle{}, fmt.Errorf("trust bundle of %d authorities: want 1 to %d", len(der), MaxBundle)
	}
	b := Bundle{Revision: revision}
	for i, one := range der {
		c, err := parseAuthority(one)
		if err != nil {
			return Bundle{}, fmt.Errorf("trust bundle: authority %d: %w", i+1, err)
		}
		for _, other := range b.Authorities {
			if other.Equal(c) {
				return Bundle{}, fmt.Errorf("trust bundle: authority %d: given twice", i+1)
			}
		}
		b.Authorities = append(b.Authorities, c)
	}
	return b, nil
}

func parseAuthority(der []byte) (*x509.Certificate, error) {
	if len(der) > maxCertificate {
		return nil, fmt.Errorf("%d bytes, more than %d", len(der), maxCertificate)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	switch {
	case !onP256(c):
		return nil, errors.New("its key is not on P-256")
	case c.Version != 3 || !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, errors.New("it may not sign certificates")
	case !bytes.Equal(c.Raw, der):
		return nil, errors.New("bytes behind it")
	}
	return c, nil
}

// DER returns the authorities as ParseBundle takes them.
func (b Bundle) DER() [][]byte {
	der := make([][]byte, len(b.Authorities))
	for i, c := range b.Authorities {
		der[i] = c.Raw
	}
	return der
}

func onP256(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	return ok && key.Curve == elliptic.P256()
}
