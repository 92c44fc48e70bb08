package authority

import (
	"crypto/tls"
	"slices"
	"time"

	"seawall/collector/authority/signer"
)

// leaf is the collector's certificate with its chain.
type leaf struct {
	certificate *tls.Certificate
	renew       time.Time
}

// Hosts returns the configuration of the listener for hosts: TLS 1.3, and a client
// certificate is asked for and not verified, since one that enrols has none.
// Possession of its key is proved, in every handshake: there are no session
// tickets, with which one could be the host for days without its key.
func (a *Authority) Hosts() *tls.Config {
	c := a.Browsers()
	c.ClientAuth = tls.RequestClientCert
	c.SessionTicketsDisabled = true
	return c
}

// Browsers returns the configuration of the listener for browsers.
func (a *Authority) Browsers() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.certificate()
		},
	}
}

// certificate returns the collector's certificate, a new one when it is time.
func (a *Authority) certificate() (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if l := a.leaf; l != nil && now.Before(l.renew) && !now.Before(l.certificate.Leaf.NotBefore) {
		return l.certificate, nil
	}
	c, err := a.view.active.IssueServer(now)
	if err != nil {
		a.log.Error("the collector has no certificate", "err", err)
		return nil, err
	}
	c.Certificate = slices.Concat(c.Certificate, a.view.tail)
	a.leaf = &leaf{c, now.Add(signer.ServerLife / 3)}
	a.log.Info("made the collector's certificate", "authority", a.view.active.ID, "expires", c.Leaf.NotAfter)
	return c, nil
}
