package identity

import (
	"crypto/tls"
)

// TLS returns the configuration for connections to the collector: this host's
// certificate as it is at each handshake, even when it has expired, and any
// collector that the authorities of that time vouch for. Before enrolment there is
// no collector that it accepts.
func (i *Identity) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The authorities are checked below, at every handshake, in place of the
		// system's and of the name dialled.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			return i.Bundle().VerifyCollector(state.PeerCertificates, i.now())
		},
		// Whatever authorities the collector asks for.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			c := i.get()
			cert := &tls.Certificate{Leaf: c.leaf(), PrivateKey: c.key}
			for _, one := range c.chain {
				cert.Certificate = append(cert.Certificate, one.Raw)
			}
			return cert, nil
		},
	}
}
