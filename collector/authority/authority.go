package authority

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/trust"
)

// Config is optional parts of an Authority.
type Config struct {
	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: none
}

// Authority signs certificates. Its methods may be called at the same time.
type Authority struct{}

// Open reads the authority from the folder "ca" in the collector's state folder,
// and makes it there when there is none.
func Open(folder string, cfg Config) (*Authority, error) { return nil, errors.ErrUnsupported }

// Issue returns a certificate for the host and its key, as the chain that the host
// presents, and when it ends: after 14 days.
func (a *Authority) Issue(host fleet.HostID, key *ecdsa.PublicKey) (chain [][]byte, expires time.Time, err error) {
	return nil, time.Time{}, errors.ErrUnsupported
}

// VerifyHost returns the host that a client's chain names, when an authority that
// is not distrusted signed it and it is valid at that time; see [trust.VerifyHost].
func (a *Authority) VerifyHost(chain []*x509.Certificate, now time.Time) (fleet.HostID, error) {
	return "", errors.ErrUnsupported
}

// Hosts returns the configuration of the listener for hosts: TLS 1.3, and a client
// certificate is asked for and not verified, since one that enrols has none.
// Possession of its key is proved.
func (a *Authority) Hosts() *tls.Config { return nil }

// Browsers returns the configuration of the listener for browsers.
func (a *Authority) Browsers() *tls.Config { return nil }

// Pin returns the pin of the authority that signs.
func (a *Authority) Pin() trust.Pin { return trust.Pin{} }

// Bundle returns what hosts are to believe, and a channel that is closed when that
// is no longer the newest.
func (a *Authority) Bundle() (trust.Bundle, <-chan struct{}) { return trust.Bundle{}, nil }

// Rotate makes a new authority, which signs from now on.
func (a *Authority) Rotate(ctx context.Context) error { return errors.ErrUnsupported }

// Retire takes an authority out of the bundle. When it is distrusted, what it
// signed is refused from now on.
func (a *Authority) Retire(id string, distrust bool) error { return errors.ErrUnsupported }

// Info describes an authority.
type Info struct {
	ID         string // 16 hexadecimal digits
	Created    time.Time
	Expires    time.Time
	Active     bool // it signs
	Retired    bool // out of the bundle
	Distrusted bool // what it signed is refused
}

// List returns all authorities, oldest first.
func (a *Authority) List() []Info { return nil }
