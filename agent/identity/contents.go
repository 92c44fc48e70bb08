package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"seawall/agent/machine"
	"seawall/pkg/trust"
)

const (
	version        = 1
	maxFile        = 128 << 10
	maxCertificate = 4 << 10
)

// contents is what the file holds.
type contents struct {
	key     *ecdsa.PrivateKey
	machine machine.Machine
	host    string
	chain   []*x509.Certificate
	bundle  trust.Bundle
	session uint64
	token   string
}

// file is the file's form.
type file struct {
	Version int             `json:"version"`
	Key     []byte          `json:"key"`
	Machine machine.Machine `json:"machine"`
	Host    string          `json:"host,omitempty"`
	Chain   [][]byte        `json:"chain,omitempty"`
	Bundle  *bundle         `json:"bundle,omitempty"`
	Session uint64          `json:"session,omitempty"`
	Token   string          `json:"token,omitempty"`
}

type bundle struct {
	Revision    uint64   `json:"revision"`
	Authorities [][]byte `json:"authorities"`
}

func (c *contents) encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return nil, err
	}
	f := file{Version: version, Key: key, Machine: c.machine, Host: c.host, Session: c.session, Token: c.token}
	for _, one := range c.chain {
		f.Chain = append(f.Chain, one.Raw)
	}
	if len(c.bundle.Authorities) > 0 {
		f.Bundle = &bundle{c.bundle.Revision, c.bundle.DER()}
	}
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}

// parse reads the file. What it returns is whole: enrolled with all that belongs to
// it, or not enrolled.
func parse(b []byte) (*contents, error) {
	var f file
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("damaged: more behind it")
	}
	if f.Version != version {
		return nil, fmt.Errorf("version %d, this program knows %d", f.Version, version)
	}
	key, err := x509.ParsePKCS8PrivateKey(f.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("the key is not on P-256")
	}
	c := &contents{key: private, machine: f.Machine, session: f.Session, token: f.Token}
	if f.Host == "" && f.Chain == nil && f.Bundle == nil {
		return c, nil
	}
	if f.Bundle == nil {
		return nil, errors.New("damaged: no bundle")
	}
	if c.bundle, err = trust.ParseBundle(f.Bundle.Revision, f.Bundle.Authorities); err != nil {
		return nil, err
	}
	if c.chain, err = parseChain(f.Chain); err != nil {
		return nil, err
	}
	c.host = f.Host
	return c, checkLeaf(c.chain[0], c.host, &c.key.PublicKey)
}

func (c *contents) leaf() *x509.Certificate {
	if len(c.chain) == 0 {
		return nil
	}
	return c.chain[0]
}

func parseChain(der [][]byte) ([]*x509.Certificate, error) {
	if len(der) < 1 || len(der) > trust.MaxChain {
		return nil, fmt.Errorf("%d certificates: want 1 to %d", len(der), trust.MaxChain)
	}
	chain := make([]*x509.Certificate, len(der))
	for i, one := range der {
		if len(one) > maxCertificate {
			return nil, fmt.Errorf("certificate %d: larger than %d bytes", i+1, maxCertificate)
		}
		c, err := x509.ParseCertificate(one)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		chain[i] = c
	}
	return chain, nil
}

// checkLeaf checks that the certificate is for that host and our key.
func checkLeaf(leaf *x509.Certificate, host string, key *ecdsa.PublicKey) error {
	if id, err := hex.DecodeString(host); err != nil || len(id) != 16 || hex.EncodeToString(id) != host {
		return fmt.Errorf("%q is no host's id", host)
	}
	if !key.Equal(leaf.PublicKey) {
		return errors.New("the certificate is for another key")
	}
	if len(leaf.URIs) != 1 || leaf.URIs[0].String() != trust.HostURI(host).String() {
		return fmt.Errorf("the certificate is not for host %s", host)
	}
	return nil
}

// vouched checks that the authorities vouch for the chain. It asks as of a time
// that the certificate names, since this machine's clock may be wrong.
func vouched(b trust.Bundle, chain []*x509.Certificate, host string, key *ecdsa.PublicKey) error {
	if err := checkLeaf(chain[0], host, key); err != nil {
		return err
	}
	if _, err := trust.VerifyHost(b, chain, chain[0].NotAfter.Add(-time.Second)); err != nil {
		return err
	}
	return nil
}
