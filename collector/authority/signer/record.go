package signer

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"seawall/pkg/trust"
)

// Encode returns the authority's key and certificate as they are kept.
func (s *Signer) Encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Cert.Raw})...), nil
}

// Decode reads the authority of that id.
func Decode(id string, data []byte) (*Signer, error) {
	pair, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, err
	}
	one, err := trust.ParseBundle(0, pair.Certificate)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || idOf(pair.Leaf) != id || len(one.Authorities) != 1 {
		return nil, errors.New("it holds another key")
	}
	return &Signer{id, pair.Leaf, key}, nil
}
