package certfile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Key is what may be known of a private key.
type Key struct {
	Public    crypto.PublicKey // nil where it is encrypted
	Encrypted bool
}

// Belongs reports whether the certificate is the key's.
func (k Key) Belongs(c *x509.Certificate) bool {
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		return p.Equal(c.PublicKey)
	case *ecdsa.PublicKey:
		return p.Equal(c.PublicKey)
	case ed25519.PublicKey:
		return p.Equal(c.PublicKey)
	}
	return false
}

// ParseKey reads the first private key of a file and overwrites data.
func ParseKey(data []byte) (Key, error) {
	defer clear(data)
	rest := data
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return Key{}, fmt.Errorf("private key: %w", ErrNone)
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		defer clear(block.Bytes)
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return Key{Encrypted: true}, nil
		}
		public, err := publicPart(block.Type, block.Bytes)
		if err != nil {
			return Key{}, fmt.Errorf("private key: %w", err)
		}
		return Key{Public: public}, nil
	}
}

var errKind = errors.New("of a kind that is not known")

// pkcs8 is the beginning of RFC 5208's PrivateKeyInfo.
type pkcs8 struct {
	Version   int
	Algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	PrivateKey []byte
}

func publicPart(kind string, der []byte) (crypto.PublicKey, error) {
	switch kind {
	case "RSA PRIVATE KEY":
		return rsaPart(der)
	case "EC PRIVATE KEY":
		k, err := x509.ParseECPrivateKey(der)
		if err != nil {
			return nil, err
		}
		return &k.PublicKey, nil
	case "PRIVATE KEY":
		var info pkcs8
		if _, err := asn1.Unmarshal(der, &info); err != nil {
			return nil, err
		}
		if info.Algorithm.OID.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}) {
			return rsaPart(info.PrivateKey)
		}
		k, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, err
		}
		if signer, ok := k.(crypto.Signer); ok {
			return signer.Public(), nil
		}
	}
	return nil, errKind
}

// rsaPart takes the modulus and the exponent, with which an RSA key begins
// (RFC 8017, A.1.2).
func rsaPart(der []byte) (crypto.PublicKey, error) {
	var k struct {
		Version int
		N       *big.Int
		E       int
	}
	if _, err := asn1.Unmarshal(der, &k); err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: k.N, E: k.E}, nil
}

// ParameterBits returns the size of the Diffie-Hellman parameters in a file.
func ParameterBits(data []byte) (int, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return 0, fmt.Errorf("parameters: %w", ErrNone)
		}
		if block.Type != "DH PARAMETERS" && block.Type != "X9.42 DH PARAMETERS" {
			continue
		}
		var p struct{ P, G *big.Int }
		if _, err := asn1.Unmarshal(block.Bytes, &p); err != nil {
			return 0, fmt.Errorf("parameters: %w", err)
		}
		return p.P.BitLen(), nil
	}
}
