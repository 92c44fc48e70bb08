package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ErrPin is returned when the collector shows no connection to the pinned key.
var ErrPin = errors.New("the collector's authority is not the pinned one")

const hostPrefix = "seawall:host:"

// HostURI returns the name that a host's certificate has.
func HostURI(id string) *url.URL {
	return &url.URL{Scheme: "seawall", Opaque: "host:" + id}
}

// VerifyCollector accepts the chain of the collector's handshake at that time: its
// first certificate is a collector's and signed by an authority of the bundle, or
// by one that such an authority vouches for.
func (b Bundle) VerifyCollector(chain []*x509.Certificate, now time.Time) error {
	if err := b.verifyCollector(chain, now); err != nil {
		return fmt.Errorf("collector's certificate: %w", err)
	}
	return nil
}

func (b Bundle) verifyCollector(chain []*x509.Certificate, now time.Time) error {
	if err := checkChain(chain, MaxChain); err != nil {
		return err
	}
	return verify(chain[0], x509.VerifyOptions{
		DNSName:       CollectorName,
		Roots:         pool(b.Authorities),
		Intermediates: pool(chain[1:]),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now)
}

// VerifyCollector is [Bundle.VerifyCollector] for a host that knows no more than
// the key of an authority: a certificate of the chain, not the first, holds it.
func (p Pin) VerifyCollector(chain []*x509.Certificate, now time.Time) error {
	// The certificates with the pinned key are taken as authorities as they stand.
	// Anyone can make one: that loosens the authority's own dates and limits, and
	// no more, since what is signed below it needs the pinned key.
	var pinned Bundle
	if len(chain) > 0 && len(chain) <= MaxChain {
		for _, c := range chain[1:] {
			if c.IsCA && PinOf(c) == p {
				pinned.Authorities = append(pinned.Authorities, c)
			}
		}
		if len(pinned.Authorities) == 0 {
			return fmt.Errorf("collector's certificate: %w: no certificate of the chain has it", ErrPin)
		}
	}
	return pinned.VerifyCollector(chain, now)
}

// VerifyHost returns the host that the chain of a client's handshake names, when
// an authority of the bundle signed its only certificate and it is valid at that
// time. For a host that comes back after its certificate expired, the collector
// asks with the time at which it ended.
func VerifyHost(b Bundle, chain []*x509.Certificate, now time.Time) (string, error) {
	id, err := verifyHost(b, chain, now)
	if err != nil {
		return "", fmt.Errorf("host's certificate: %w", err)
	}
	return id, nil
}

func verifyHost(b Bundle, chain []*x509.Certificate, now time.Time) (string, error) {
	if err := checkChain(chain, 1); err != nil {
		return "", err
	}
	leaf := chain[0]
	id, err := hostName(leaf)
	if err != nil {
		return "", err
	}
	return id, verify(leaf, x509.VerifyOptions{
		Roots:         pool(b.Authorities),
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, now)
}

// hostName returns the id in the certificate's one and only name.
func hostName(c *x509.Certificate) (string, error) {
	if len(c.URIs) != 1 || len(c.DNSNames)+len(c.EmailAddresses)+len(c.IPAddresses) > 0 {
		return "", fmt.Errorf("want one name, %q and the host's id", hostPrefix)
	}
	id, ok := strings.CutPrefix(c.URIs[0].String(), hostPrefix)
	if !ok || len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", fmt.Errorf("its name is not %q and 32 hexadecimal digits", hostPrefix)
	}
	return id, nil
}

func checkChain(chain []*x509.Certificate, most int) error {
	switch {
	case len(chain) == 0:
		return errors.New("there is none")
	case len(chain) > most:
		return fmt.Errorf("a chain of %d certificates, more than %d", len(chain), most)
	case !onP256(chain[0]):
		return errors.New("its key is not on P-256")
	case chain[0].IsCA:
		return errors.New("it is an authority's")
	}
	return nil
}

// verify checks signatures, names and uses at the time next to now at which the
// leaf is valid, and then says when now is outside.
func verify(leaf *x509.Certificate, o x509.VerifyOptions, now time.Time) error {
	if leaf.NotAfter.Before(leaf.NotBefore) {
		return errors.New("it ends before it begins")
	}
	o.CurrentTime = now
	if now.After(leaf.NotAfter) {
		o.CurrentTime = leaf.NotAfter
	}
	if o.CurrentTime.Before(leaf.NotBefore) {
		o.CurrentTime = leaf.NotBefore
	}
	if _, err := leaf.Verify(o); err != nil {
		return err
	}
	if o.CurrentTime.Equal(now) {
		return nil
	}
	const form = time.RFC3339
	return x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired, Detail: fmt.Sprintf(
		"this machine's clock says %s, the certificate is valid from %s to %s",
		now.UTC().Format(form), leaf.NotBefore.UTC().Format(form), leaf.NotAfter.UTC().Format(form))}
}

func pool(list []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range list {
		p.AddCert(c)
	}
	return p
}
