package authority

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
	serverLife     = 90 * day
	hostLife       = 14 * day

	// How far clocks may differ. A new authority and the collector's certificate
	// have no use for a narrow beginning, and hosts with slow clocks do suffer.
	hostSlack   = time.Hour
	serverSlack = day

	// depth is how many authorities a chain connects: the collector's certificate,
	// four certificates of one authority's key by the one before, and the oldest.
	depth = trust.MaxChain - 1
)

// signer is one authority with its key.
type signer struct {
	id   string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newSigner(now time.Time) (*signer, error) {
	// What a machine makes at a date of 1970, before it got the time, would be
	// expired for ever after.
	if now.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return nil, fmt.Errorf("this machine's clock says %s; set it first", now.UTC().Format(time.RFC3339))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	s := &signer{key: key}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	s.id = idOf(&x509.Certificate{RawSubjectPublicKeyInfo: spki})
	t := &x509.Certificate{
		// A name of its own, so that nobody who builds a chain confuses two.
		Subject:               pkix.Name{CommonName: "Seawall authority " + s.id},
		NotBefore:             now.Add(-serverSlack),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            depth - 1,
	}
	s.cert, err = certify(t, t, &key.PublicKey, key)
	return s, err
}

// idOf returns the id of the authority whose certificate it is.
func idOf(c *x509.Certificate) string {
	pin := trust.PinOf(c)
	return hex.EncodeToString(pin[:8])
}

func validID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 8 && hex.EncodeToString(b) == id
}

func (s *signer) entry() entry {
	return entry{ID: s.id, Created: s.cert.NotBefore.Add(serverSlack), Expires: s.cert.NotAfter, Standing: trusted}
}

// vouch certifies the key of a later authority: "new with old".
func (s *signer) vouch(later *signer) (*x509.Certificate, error) {
	t := &x509.Certificate{
		Subject:               later.cert.Subject,
		SubjectKeyId:          later.cert.SubjectKeyId,
		NotBefore:             later.cert.NotBefore,
		NotAfter:              later.cert.NotAfter,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            depth - 1,
	}
	return certify(t, s.cert, &later.key.PublicKey, s.key)
}

func (s *signer) issueHost(id string, key *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
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

// issueServer returns a certificate of the collector's own, with a new key.
func (s *signer) issueServer(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	c, err := s.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: trust.CollectorName},
		NotBefore:   now.Add(-serverSlack),
		NotAfter:    now.Add(serverLife),
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
func (s *signer) issue(t *x509.Certificate, key *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
	if end := s.cert.NotAfter; !now.Before(end) {
		return nil, fmt.Errorf("authority %s ended at %s and this machine's clock says %s; rotate the authority",
			s.id, end.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	} else if t.NotAfter.After(end) {
		t.NotAfter = end
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.BasicConstraintsValid = true
	return certify(t, s.cert, key, s.key)
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
