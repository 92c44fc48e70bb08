package authority

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/trust"
)

// Config is optional parts of an Authority.
type Config struct {
	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: none
	// Make is asked before an authority is made where there is none; an error keeps it
	// from being made. Default: it may be.
	Make func() error
}

// Authority signs certificates. Its methods may be called at the same time.
type Authority struct {
	vault vault
	now   func() time.Time
	log   *slog.Logger

	change sync.Mutex // held by who changes the state, over its writing

	mu      sync.Mutex // guards what follows, briefly
	view    *view
	changed chan struct{} // closed when view is no longer the newest
	leaf    *leaf         // nil until it is needed
}

// Open reads the authority from the folder "ca" in the collector's state folder,
// and makes it there when there is none.
func Open(folder string, cfg Config) (*Authority, error) {
	cfg.complete()
	d := diskIn(folder)
	if there, err := d.there(); err == nil && !there {
		if err := cfg.Make(); err != nil {
			return nil, fmt.Errorf("no authority in %s: %w", d.folder, err)
		}
	}
	made, err := d.ensure(cfg.Now)
	if err != nil {
		return nil, fmt.Errorf("make the authority: %w", err)
	}
	v, err := d.load(context.Background(), nil)
	if err != nil {
		return nil, fmt.Errorf("authority: %w; restore %s from a backup, as new keys would lock out every host", err, d.folder)
	}
	if made {
		cfg.Log.Info("made the authority", "id", v.active.ID, "folder", d.folder)
	}
	return newAuthority(d, v, cfg), nil
}

func (c *Config) complete() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Make == nil {
		c.Make = func() error { return nil }
	}
}

func newAuthority(from vault, v *view, cfg Config) *Authority {
	if end := v.active.Cert.NotAfter; cfg.Now().After(end.AddDate(-1, 0, 0)) {
		cfg.Log.Warn("the authority ends within a year; rotate it", "id", v.active.ID, "expires", end)
	}
	return &Authority{vault: from, now: cfg.Now, log: cfg.Log, view: v, changed: make(chan struct{})}
}

func (a *Authority) current() *view {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.view
}

// Issue returns a certificate for the host and its key, as the chain that the host
// presents, and when it ends: after 14 days.
func (a *Authority) Issue(host fleet.HostID, key *ecdsa.PublicKey) (chain [][]byte, expires time.Time, err error) {
	if !host.Valid() {
		return nil, time.Time{}, fmt.Errorf("issue a certificate: %q is no host id", string(host))
	}
	c, err := a.current().active.IssueHost(string(host), key, a.now())
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("issue a certificate for host %s: %w", host, err)
	}
	return [][]byte{c.Raw}, c.NotAfter, nil
}

// VerifyHost returns the host that a client's chain names, when an authority that
// is not distrusted signed it and it is valid at that time; see [trust.VerifyHost].
func (a *Authority) VerifyHost(chain []*x509.Certificate, now time.Time) (fleet.HostID, error) {
	id, err := trust.VerifyHost(a.current().believed, chain, now)
	return fleet.HostID(id), err
}

// Pin returns the pin of the authority that signs.
func (a *Authority) Pin() trust.Pin { return trust.PinOf(a.current().active.Cert) }

// Bundle returns what hosts are to believe, and a channel that is closed when that
// is no longer the newest, or an authority is no longer believed.
func (a *Authority) Bundle() (trust.Bundle, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.view.bundle, a.changed
}

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
func (a *Authority) List() []Info {
	v := a.current()
	list := make([]Info, len(v.state.Authorities))
	for i, e := range v.state.Authorities {
		list[i] = Info{
			ID: e.ID, Created: e.Created, Expires: e.Expires, Active: e.ID == v.active.ID,
			Retired: e.Standing != trusted, Distrusted: e.Standing == distrusted,
		}
	}
	return list
}
