package certfile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Store is a host's authorities. The zero Store is not known.
type Store struct {
	ders  [][]byte
	known map[string]*x509.Certificate // the answers so far, nil for none
}

// NewStore reads a bundle of authorities. They are parsed only when one is asked
// for, since a bundle has some hundred and fifty.
func NewStore(bundle []byte) *Store {
	s := &Store{known: map[string]*x509.Certificate{}}
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			return s
		}
		if block.Type == "CERTIFICATE" {
			s.ders = append(s.ders, block.Bytes)
		}
	}
}

// Len is the number of authorities.
func (s *Store) Len() int { return len(s.ders) }

// authority returns the authority of a subject that signed c, or that is c.
func (s *Store) authority(c *x509.Certificate, subject []byte) *x509.Certificate {
	key := string(subject) + string(c.Raw)
	if got, ok := s.known[key]; ok {
		return got
	}
	s.known[key] = nil
	for _, der := range s.ders {
		if !bytes.Contains(der, subject) {
			continue
		}
		a, err := x509.ParseCertificate(der)
		if err == nil && bytes.Equal(a.RawSubject, subject) && (a.Equal(c) || signed(c, a)) {
			s.known[key] = a
			return a
		}
	}
	return nil
}

// Chain is what a client makes of the certificates that a server sends.
type Chain struct {
	SelfSigned bool // the server's own certificate
	// Complete says whether the authorities up to a root are there, and in order.
	// Unsure says that only a client's own authorities can tell.
	Complete, Unsure bool
	Reason           string // why not complete, or how it ends
	// Trusted says whether the path ends at an authority of the store.
	Trusted bool
	Path    []*x509.Certificate // the certificate and the authorities that were sent
}

// Judge follows the path of the certificates that a server sends. store may be nil
// where the host's authorities are not known.
func Judge(sent []*x509.Certificate, store *Store) Chain {
	c := Chain{Path: sent[:1]}
	last := sent[0]
	if signed(last, last) {
		c.SelfSigned, c.Complete, c.Reason = true, true, "self-signed"
		c.Trusted = store != nil && store.authority(last, last.RawSubject) != nil
		return c
	}
	ordered := true
	used := map[int]bool{0: true}
	for len(c.Path) < len(sent) && !signed(last, last) {
		next := -1
		for i := range sent {
			if !used[i] && signed(last, sent[i]) {
				next = i
				break
			}
		}
		if next < 0 {
			break
		}
		ordered = ordered && next == len(c.Path)
		used[next] = true
		last = sent[next]
		c.Path = append(c.Path[:len(c.Path):len(c.Path)], last)
	}
	c.end(last, sent, store)
	switch {
	case !c.Complete:
	case !ordered:
		c.Complete, c.Reason = false, "the certificates are in the wrong order"
	case len(c.Path) < len(sent):
		c.Complete, c.Reason = false, fmt.Sprintf("%d of %d certificates do not belong to the chain", len(sent)-len(c.Path), len(sent))
	}
	return c
}

// end judges the last certificate of the path.
func (c *Chain) end(last *x509.Certificate, sent []*x509.Certificate, store *Store) {
	issuer := Name(last.Issuer.CommonName, last.Issuer.Organization, "an authority without a name")
	self := signed(last, last)
	if store != nil && store.Len() > 0 {
		c.Trusted = store.authority(last, last.RawIssuer) != nil
		if !c.Trusted && !self { // the last one may itself be an authority of the store
			c.Trusted = store.authority(last, last.RawSubject) != nil
		}
	}
	switch {
	case c.Trusted:
		c.Complete, c.Reason = true, "signed by "+issuer
	case self:
		c.Complete, c.Reason = true, "ends at "+issuer+", which this host does not trust"
	case store == nil || store.Len() == 0:
		c.Unsure, c.Reason = true, "the authorities of this host are not known"
	case len(sent) == 1 && len(last.IssuingCertificateURL) == 0:
		// An authority of one's own signs without one between.
		c.Unsure, c.Reason = true, "signed by "+issuer+", which this host does not know"
	default:
		c.Reason = "the certificate of " + issuer + " is missing"
	}
}

// signed reports whether parent signed c. Where the hash or the
// key is too weak to be believed, the names decide.
func signed(c, parent *x509.Certificate) bool {
	if !bytes.Equal(c.RawIssuer, parent.RawSubject) {
		return false
	}
	if kind, bits := Algorithm(parent); kind == "RSA" && bits < 1024 || kind == "DSA" {
		return true // Go checks none by these
	}
	err := parent.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}
