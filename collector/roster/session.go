package roster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// Session is one stream of a host, from Hello to its end.
type Session struct {
	roster *Roster
	entry  *entry
	number uint64
	key    fleet.KeyHash
	chain  []*x509.Certificate // that it began with
	ended  chan struct{}
	why    error // set before ended is closed
}

// Begin begins a session of a host that [Roster.Identify] returned for the
// connection and that presents the number of its last session. It ends the
// session before, with another collector, too. The error is a [Refused], or the
// records' own.
func (r *Roster) Begin(ctx context.Context, host fleet.HostID, presented uint64, state tls.ConnectionState) (*Session, error) {
	if len(state.PeerCertificates) == 0 {
		return nil, refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
	}
	e, err := r.find(ctx, host)
	if err != nil {
		return nil, err
	}
	if err := e.acquire(ctx); err != nil {
		return nil, err
	}
	defer e.release()
	key := KeyOf(state.PeerCertificates[0])
	// A quarantine that could not be made durable counts here.
	if err := Allows(e.member.Load(), key); err != nil {
		return nil, err
	}
	m, copied, err := r.number(ctx, e, key, presented)
	switch {
	case copied:
		return nil, refuse(seawallv1.Reason_REASON_HOST_QUARANTINED)
	case err != nil:
		return nil, r.unchanged(e, "begin session", err)
	}
	s := &Session{roster: r, entry: e, number: m.Session, key: key, chain: state.PeerCertificates, ended: make(chan struct{})}
	e.begin(s, &m)
	// What is distrusted from here on ends the session by Watch; what was since
	// Identify, here.
	if err := s.review(); err != nil {
		return nil, err
	}
	return s, nil
}

// verdict is what became of a number that was presented.
type verdict struct {
	member fleet.Member
	copied bool
}

// number gives a host that presents a number its next, in one transaction with the
// look at the one before, or quarantines it: its key is used in two places. The
// quarantine counts from now on, even when it cannot be made durable.
func (r *Roster) number(ctx context.Context, e *entry, key fleet.KeyHash, presented uint64) (m fleet.Member, copied bool, err error) {
	// When ctx ends the transaction may go on.
	var seen atomic.Pointer[verdict]
	m, err = r.records.Change(ctx, e.member.Load().Host, func(m *fleet.Member) error {
		seen.Store(nil)
		if err := Allows(m, key); err != nil {
			return err
		}
		number, ok := next(m.Session, m.Confirmed, presented)
		if ok {
			m.Session, m.Confirmed = number, false
		} else {
			m.Standing, m.Since = fleet.Quarantined, r.cfg.Now().UTC()
			m.Reason = fmt.Sprintf("the key is used in two places, or the disk was set back: session %d came after %d", presented, m.Session)
		}
		seen.Store(&verdict{*m, !ok})
		return nil
	})
	v := seen.Load()
	if v == nil || !v.copied {
		return m, false, err
	}
	e.set(v.member)
	r.cfg.Log.Warn("host quarantined", "host", v.member.Host, "presented", presented, "newest", v.member.Session)
	if err != nil {
		r.cfg.Log.Error("quarantine is not saved", "host", v.member.Host, "err", err)
	}
	return v.member, true, nil
}

// newer is why a session ends when another begins.
func newer() error { return status.Error(codes.Aborted, "the host has a newer stream") }

// begin makes s the one session of its host.
func (e *entry) begin(s *Session, m *fleet.Member) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.member.Store(m)
	if e.live != nil {
		e.live.end(newer())
	}
	e.live = s
}

// Watch ends sessions whose certificate is believed no more: at first, and whenever
// the channel that changes returned is closed. It returns nil when ctx ends.
func (r *Roster) Watch(ctx context.Context, changes func() <-chan struct{}) error {
	for {
		changed := changes()
		r.review()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *Roster) review() {
	r.mu.RLock()
	entries := slices.Collect(maps.Values(r.entries))
	r.mu.RUnlock()
	for _, e := range entries {
		e.mu.Lock()
		s := e.live
		e.mu.Unlock()
		if s != nil {
			_ = s.review() // the session says it
		}
	}
}

// review ends the session when its certificate is not believed, and returns why.
func (s *Session) review() error {
	_, err := s.roster.verify(s.chain)
	if err == nil {
		return nil
	}
	s.entry.mu.Lock()
	defer s.entry.mu.Unlock()
	if s.entry.live == s {
		s.entry.live = nil
		s.end(err)
	}
	return err
}

// end ends the session. The caller holds the entry's mu and forgets the session.
func (s *Session) end(why error) {
	s.why = why
	close(s.ended)
}

// Number is what the host must make durable and confirm.
func (s *Session) Number() uint64 { return s.number }

// Ended is closed when the session may not go on: another began, or the host may
// no longer deliver. [Session.Err] says why.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err returns why the session ended, a gRPC status, and nil while it goes on.
func (s *Session) Err() error {
	select {
	case <-s.ended:
		return s.why
	default:
		return nil
	}
}

// Check returns why the next batch may not be taken. It is cheap.
func (s *Session) Check() error {
	if err := s.Err(); err != nil {
		return err
	}
	if s.roster.cfg.Now().After(s.chain[0].NotAfter) {
		return refuse(seawallv1.Reason_REASON_CERTIFICATE_EXPIRED)
	}
	return Allows(s.entry.member.Load(), s.key)
}

// Member returns the session's host as it stands now.
func (s *Session) Member() fleet.Member { return *s.entry.member.Load() }

// ErrNotGiven is returned for the confirmation of a session that is not this one.
var ErrNotGiven = errors.New("a session is confirmed that was not given")

// Confirm notes that the host has made durable the session's number and the bundle
// of that revision; 0 stands for neither.
func (s *Session) Confirm(ctx context.Context, session, bundle uint64) error {
	if session != 0 && session != s.number {
		return ErrNotGiven
	}
	if err := s.entry.acquire(ctx); err != nil {
		return err
	}
	defer s.entry.release()
	if err := s.Err(); err != nil {
		return err
	}
	now := s.entry.member.Load()
	if (now.Confirmed || session == 0) && (now.Bundle == bundle || bundle == 0) {
		return nil
	}
	m, err := s.roster.records.Change(ctx, now.Host, func(m *fleet.Member) error {
		if m.Session != s.number {
			return newer() // with another collector
		}
		m.Confirmed = m.Confirmed || session != 0
		if bundle != 0 {
			m.Bundle = bundle
		}
		return nil
	})
	if err != nil {
		return s.roster.unchanged(s.entry, "save confirmation", err)
	}
	s.entry.set(m)
	return nil
}
