package authority

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"

	"seawall/pkg/trust"
)

// vault is where the state and the keys are.
type vault interface {
	// load returns the newest state, known itself when that is it. Known may be nil.
	load(ctx context.Context, known *view) (*view, error)
	// change makes durable what next makes of the newest state: another one and the
	// authority that it lists newly, or nil. It may call next twice. Where next returns
	// the state as it was, nothing changes.
	change(ctx context.Context, known *view, next func(state) (state, *signer, error)) (*view, error)
}

// encode returns the state as it is kept.
func (s state) encode() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// decodeState reads what encode made.
func decodeState(data []byte) (s state, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, err
	}
	return s, s.check()
}

// encode returns the authority's key and certificate as they are kept.
func (s *signer) encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})...), nil
}

// decodeSigner reads the authority of that id.
func decodeSigner(id string, data []byte) (*signer, error) {
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
	return &signer{id, pair.Leaf, key}, nil
}
