package roster

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// Records keeps members. Other collectors may change them, too.
type Records interface {
	// Members returns all members.
	Members(ctx context.Context) ([]fleet.Member, error)
	// Some returns those of the hosts that are members.
	Some(ctx context.Context, hosts []fleet.HostID) ([]fleet.Member, error)
	// Change reads a member, has do change it, and returns it when that is durable, all
	// in one transaction. It may call do twice. When do returns an error, nothing
	// changes, and the error is returned. For a host that is no member the error is
	// [fleet.ErrUnknown].
	Change(ctx context.Context, host fleet.HostID, do func(*fleet.Member) error) (fleet.Member, error)
}

// Config is what a [Roster] needs. Verify must be set.
type Config struct {
	// Verify returns the host that a chain is for, if it is valid at that time.
	Verify func(chain []*x509.Certificate, now time.Time) (fleet.HostID, error)
	// Look looks whether another collector has made a new authority, and reports
	// whether to verify again what was not believed. Default: nobody has.
	Look func(context.Context) bool
	Now  func() time.Time
	Log  *slog.Logger
}

// Roster knows every member. Its methods may be called at the same time.
type Roster struct {
	cfg     Config
	records Records

	mu      sync.RWMutex
	entries map[fleet.HostID]*entry // guarded by mu
}

// entry is one member.
type entry struct {
	change chan struct{} // holds a value while somebody changes the record
	gone   bool          // the member was forgotten; guarded by change
	member atomic.Pointer[fleet.Member]

	mu   sync.Mutex // orders live with member
	live *Session   // guarded by mu
}

// New returns a roster of the members in the records.
func New(ctx context.Context, records Records, c Config) (*Roster, error) {
	if c.Verify == nil {
		return nil, errors.New("roster: no way to verify certificates")
	}
	if c.Look == nil {
		c.Look = func(context.Context) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	members, err := records.Members(ctx)
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	r := &Roster{cfg: c, records: records, entries: make(map[fleet.HostID]*entry, len(members))}
	for _, m := range members {
		r.Put(m)
	}
	return r, nil
}

// Put makes a member as the records hold it already, and ends a session that it no
// longer allows. Who reads, changes and saves a member does so by [Roster.Change],
// since streams change it, too.
func (r *Roster) Put(m fleet.Member) {
	if e := r.add(m); e != nil {
		e.set(m)
	}
}

// Add makes a member known that just enrolled. It does nothing when the member is
// known already: what is known is newer.
func (r *Roster) Add(m fleet.Member) { r.add(m) }

// add returns the entry when there was one already.
func (r *Roster) add(m fleet.Member) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[m.Host]; e != nil {
		return e
	}
	e := &entry{change: make(chan struct{}, 1)}
	e.member.Store(&m)
	r.entries[m.Host] = e
	return nil
}

// set replaces the member and ends a session that it no longer allows, or that is
// not its newest: another collector began that.
func (e *entry) set(m fleet.Member) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.member.Store(&m)
	if e.live == nil {
		return
	}
	err := Allows(&m, e.live.key)
	if err == nil && m.Session != e.live.number {
		err = newer()
	}
	if err != nil {
		e.live.end(err)
		e.live = nil
	}
}

// Allows returns why a member with that key may not deliver, a [Refused].
func Allows(m *fleet.Member, key fleet.KeyHash) error {
	switch {
	case m.Standing == fleet.Quarantined:
		return refuse(seawallv1.Reason_REASON_HOST_QUARANTINED)
	case m.Standing != fleet.Active:
		return refuse(seawallv1.Reason_REASON_HOST_REVOKED)
	case m.Key != key:
		return refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
	}
	return nil
}

// Member returns a member.
func (r *Roster) Member(host fleet.HostID) (fleet.Member, bool) {
	e := r.entry(host)
	if e == nil {
		return fleet.Member{}, false
	}
	return *e.member.Load(), true
}

// All returns every member, in no order.
func (r *Roster) All() []fleet.Member {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]fleet.Member, 0, len(r.entries))
	for _, e := range r.entries {
		all = append(all, *e.member.Load())
	}
	return all
}

func (r *Roster) entry(host fleet.HostID) *entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.entries[host]
}

// Change changes a member: it is durable on return, and what it no longer allows
// has ended. Changes of one member happen one after another; f must not wait, and may be
// called twice. When f returns an error, nothing changes.
func (r *Roster) Change(ctx context.Context, host fleet.HostID, f func(*fleet.Member) error) (fleet.Member, error) {
	e, err := r.find(ctx, host)
	if err != nil {
		return fleet.Member{}, err
	}
	if err := e.acquire(ctx); err != nil {
		return fleet.Member{}, err
	}
	defer e.release()
	// Not to be cut short: a revocation whose outcome is unknown helps nobody.
	m, err := r.records.Change(context.WithoutCancel(ctx), host, f)
	if err != nil {
		return fleet.Member{}, r.unchanged(e, "change member", err)
	}
	e.set(m)
	return m, nil
}

// unchanged is the error of a change that was not made. The caller has acquired e.
func (r *Roster) unchanged(e *entry, what string, err error) error {
	if errors.Is(err, fleet.ErrUnknown) {
		r.drop(e)
		return refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
	}
	if _, said := status.FromError(err); said {
		return err // to the host, as it is
	}
	return fmt.Errorf("%s: %w", what, err)
}

// acquire takes the right to change the member's record.
func (e *entry) acquire(ctx context.Context) error {
	select {
	case e.change <- struct{}{}:
		if e.gone {
			e.release()
			return refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *entry) release() { <-e.change }

// KeyOf returns the hash of a certificate's public key.
func KeyOf(c *x509.Certificate) fleet.KeyHash { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// Identify returns the host at the other end of a finished handshake, whose
// certificate is valid now and which may deliver. The error is a [Refused], or the
// records' own.
func (r *Roster) Identify(ctx context.Context, state tls.ConnectionState) (fleet.HostID, error) {
	if len(state.PeerCertificates) == 0 {
		return "", refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
	}
	host, err := r.verify(state.PeerCertificates)
	if err != nil && !expired(err) && r.cfg.Look(ctx) {
		host, err = r.verify(state.PeerCertificates)
	}
	if err != nil {
		return "", err
	}
	e, err := r.find(ctx, host)
	if err != nil {
		return "", err
	}
	if err := Allows(e.member.Load(), KeyOf(state.PeerCertificates[0])); err != nil {
		return "", err
	}
	return host, nil
}

// verify returns the host that a chain is for now. The error is a [Refused].
func (r *Roster) verify(chain []*x509.Certificate) (fleet.HostID, error) {
	host, err := r.cfg.Verify(chain, r.cfg.Now())
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "", refuse(seawallv1.Reason_REASON_CERTIFICATE_EXPIRED)
	case err != nil:
		return "", refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
	}
	return host, nil
}

func expired(err error) bool {
	var r *Refused
	return errors.As(err, &r) && r.Reason == seawallv1.Reason_REASON_CERTIFICATE_EXPIRED
}
