// Package signer is one authority with its key: what it signs, and how the two are kept.
//
// It makes a new authority ([New]), certificates of hosts (14 days) and of the collector
// (90 days), and certifies the key of a later authority, so that a host that knows the
// one finds its way to the other. Which authorities there are, and which are believed,
// is for package authority to know. Keys are on P-256, authorities live 20 years.
package signer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"

	"seawall/pkg/trust"
)

const (
	day = 24 * time.Hour

	authorityYears = 20
	// ServerLife is how long a certificate of the collector lives.
	ServerLife = 90 * day
	hostLife   = 14 * day

	// How far clocks may differ. A new authority and the collector's certificate
	// have no use for a narrow beginning, and hosts with slow clocks do suffer.
	hostSlack   = time.Hour
	serverSlack = day

	// Depth is how many authorities a chain connects: the collector's certificate,
	// four certificates of one authority's key by the one before, and the oldest.
	Depth = trust.MaxChain - 1
)

// Signer is one authority with its key.
type Signer struct {
	ID   string // 16 hexadecimal digits
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes an authority.
func New(now time.Time) (*Signer, error) {
	// What a machine makes at a date of 1970, before it got the time, would be
	// expired for ever after.
	if now.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return nil, fmt.Errorf("this machine's clock says %s; set it first", now.UTC().Format(time.RFC3339))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	s := &Signer{key: key}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	s.ID = idOf(&x509.Certificate{RawSubjectPublicKeyInfo: spki})
	t := &x509.Certificate{
		// A name of its own, so that nobody who builds a chain confuses two.
		Subject:               pkix.Name{CommonName: "Seawall authority " + s.ID},
		NotBefore:             now.Add(-serverSlack),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            Depth - 1,
	}
	s.Cert, err = certify(t, t, &key.PublicKey, key)
	return s, err
}

// idOf returns the id of the authority whose certificate it is.
func idOf(c *x509.Certificate) string {
	pin := trust.PinOf(c)
	return hex.EncodeToString(pin[:8])
}

// ValidID reports whether it may be an id.
func ValidID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 8 && hex.EncodeToString(b) == id
}

// Created is when the authority was made.
func (s *Signer) Created() time.Time { return s.Cert.NotBefore.Add(serverSlack) }

// Vouch certifies the key of a later authority: "new with old".
func (s *Signer) Vouch(later *Signer) (*x509.Certificate, error) {
	t := &x509.Certificate{
		Subject:               later.Cert.Subject,
		SubjectKeyId:          later.Cert.SubjectKeyId,
		NotBefore:             later.Cert.NotBefore,
		NotAfter:              later.Cert.NotAfter,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            Depth - 1,
	}
	return certify(t, s.Cert, &later.key.PublicKey, s.key)
}

// IssueHost returns a certificate of a host and its key, for 14 days.
func (s *Signer) IssueHost(id string, key *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return nil, errors.New("its key is not on P-256")
	}
	return s.issue(&x509.Certificate{
		NotBefore:   now.Add(-hostSlack),
		NotAfter:    now.Add(hostLife),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{trust.HostURI(id)},
	}, key, now)
}

// IssueServer returns a certificate of the collector's own, with a new key.
func (s *Signer) IssueServer(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	c, err := s.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: trust.CollectorName},
		NotBefore:   now.Add(-serverSlack),
		NotAfter:    now.Add(ServerLife),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{trust.CollectorName, "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, &key.PublicKey, now)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}, nil
}

// issue signs what is no authority. It ends before its authority does.
func (s *Signer) issue(t *x509.Certificate, key *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
	if end := s.Cert.NotAfter; !now.Before(end) {
		return nil, fmt.Errorf("authority %s ended at %s and this machine's clock says %s; rotate the authority",
			s.ID, end.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	} else if t.NotAfter.After(end) {
		t.NotAfter = end
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.BasicConstraintsValid = true
	return certify(t, s.Cert, key, s.key)
}

func certify(t, parent *x509.Certificate, key *ecdsa.PublicKey, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
	var serial [16]byte
	// Read never fails: crypto/rand ends the program first.
	_, _ = rand.Read(serial[:])
	t.SerialNumber = new(big.Int).SetBytes(serial[:])
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key, by)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}
