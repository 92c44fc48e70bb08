package roster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

const host = fleet.HostID("0123456789abcdef0123456789abcdef")

// now is when these tests happen.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// records is members in memory, and how many times one was saved.
type records struct {
	mu      sync.Mutex
	members map[fleet.HostID]fleet.Member // guarded by mu
	saves   int                           // guarded by mu
	err     error                         // guarded by mu; of the next saves
	unread  error                         // guarded by mu; of the next reads
}

func (r *records) Members(context.Context) ([]fleet.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []fleet.Member
	for _, m := range r.members {
		all = append(all, m)
	}
	return all, r.unread
}

func (r *records) Some(_ context.Context, hosts []fleet.HostID) (some []fleet.Member, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, host := range hosts {
		if m, ok := r.members[host]; ok {
			some = append(some, m)
		}
	}
	return some, r.unread
}

func (r *records) Change(_ context.Context, host fleet.HostID, do func(*fleet.Member) error) (fleet.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.members[host]
	if !ok {
		return m, fleet.ErrUnknown
	}
	before := m
	if err := do(&m); err != nil {
		return m, err
	}
	if r.err != nil {
		return m, r.err
	}
	if m != before {
		r.members[host] = m
		r.saves++
	}
	return m, nil
}

// certificate makes a certificate for a key of its own, valid for a day.
func certificate(t testing.TB, id fleet.HostID) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{string(id)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func connection(c *x509.Certificate) tls.ConnectionState {
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}}
}

// verify is an authority for the tests: the id stands in the certificate.
func verify(chain []*x509.Certificate, at time.Time) (fleet.HostID, error) {
	if len(chain[0].DNSNames) != 1 {
		return "", errors.New("no name")
	}
	if at.After(chain[0].NotAfter) {
		return "", fmt.Errorf("verify: %w", x509.CertificateInvalidError{Cert: chain[0], Reason: x509.Expired})
	}
	return fleet.HostID(chain[0].DNSNames[0]), nil
}

// open returns a roster with one active member and its connection.
func open(t testing.TB) (*Roster, *records, tls.ConnectionState) {
	t.Helper()
	c := certificate(t, host)
	rec := &records{members: map[fleet.HostID]fleet.Member{
		host: {Host: host, Key: KeyOf(c), Standing: fleet.Active},
	}}
	return load(t, rec, func() time.Time { return now }), rec, connection(c)
}

func load(t testing.TB, rec *records, clock func() time.Time) *Roster {
	t.Helper()
	r, err := New(t.Context(), rec, Config{Verify: verify, Now: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reason returns why a host was refused.
func reason(err error) seawallv1.Reason {
	var r *Refused
	if !errors.As(err, &r) {
		return seawallv1.Reason_REASON_UNSPECIFIED
	}
	return r.Reason
}

func mustBegin(t testing.TB, r *Roster, presented uint64, state tls.ConnectionState) *Session {
	t.Helper()
	s, err := r.Begin(t.Context(), host, presented, state)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestIdentify(t *testing.T) {
	r, _, state := open(t)
	if id, err := r.Identify(t.Context(), state); id != host || err != nil {
		t.Fatalf("%q, %v", id, err)
	}
	other := certificate(t, "ffffffffffffffffffffffffffffffff")
	copied := certificate(t, host) // another key for the same host
	for name, test := range map[string]struct {
		state tls.ConnectionState
		want  seawallv1.Reason
	}{
		"no certificate": {tls.ConnectionState{}, seawallv1.Reason_REASON_HOST_UNKNOWN},
		"unknown host":   {connection(other), seawallv1.Reason_REASON_HOST_UNKNOWN},
		"another key":    {connection(copied), seawallv1.Reason_REASON_HOST_UNKNOWN},
		"no host in it":  {connection(&x509.Certificate{}), seawallv1.Reason_REASON_HOST_UNKNOWN},
	} {
		if id, err := r.Identify(t.Context(), test.state); id != "" || reason(err) != test.want {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
	late := load(t, r.records.(*records), func() time.Time { return now.Add(25 * time.Hour) })
	if _, err := late.Identify(t.Context(), state); reason(err) != seawallv1.Reason_REASON_CERTIFICATE_EXPIRED {
		t.Errorf("expired: %v", err)
	}
}

// TestRefusalReachesTheHost holds every reason to a status with its detail.
func TestRefusalReachesTheHost(t *testing.T) {
	for n := range seawallv1.Reason_name {
		want := seawallv1.Reason(n)
		s, _ := status.FromError(fmt.Errorf("wrapped: %w", refuse(want)))
		if s.Code() == codes.OK || s.Code() == codes.Unknown || len(s.Details()) != 1 {
			t.Fatalf("%v: %v", want, s)
		}
		if got, ok := s.Details()[0].(*seawallv1.Refusal); !ok || got.GetReason() != want {
			t.Errorf("%v arrives as %v", want, s.Details())
		}
	}
}

// TestStandingEndsSession revokes and quarantines under a live session, and again
// over a restart.
func TestStandingEndsSession(t *testing.T) {
	for standing, want := range map[fleet.Standing]seawallv1.Reason{
		fleet.Revoked:     seawallv1.Reason_REASON_HOST_REVOKED,
		fleet.Quarantined: seawallv1.Reason_REASON_HOST_QUARANTINED,
		"":                seawallv1.Reason_REASON_HOST_REVOKED,
	} {
		r, rec, state := open(t)
		s := mustBegin(t, r, 0, state)
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Change(t.Context(), host, func(m *fleet.Member) error { m.Standing = standing; return nil }); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.Ended():
		default:
			t.Fatalf("%q: the session goes on", standing)
		}
		if reason(s.Check()) != want || reason(s.Err()) != want || reason(s.Confirm(t.Context(), s.Number(), 0)) != want {
			t.Errorf("%q: %v, %v", standing, s.Check(), s.Err())
		}
		for _, r := range []*Roster{r, load(t, rec, func() time.Time { return now })} {
			if _, err := r.Identify(t.Context(), state); reason(err) != want {
				t.Errorf("%q: identify: %v", standing, err)
			}
			if _, err := r.Begin(t.Context(), host, s.Number(), state); reason(err) != want {
				t.Errorf("%q: begin: %v", standing, err)
			}
		}
	}
}

// TestDistrustEndsSession stops believing a certificate under live sessions, one of
// them between the handshake and its beginning.
func TestDistrustEndsSession(t *testing.T) {
	r, rec, state := open(t)
	const second = fleet.HostID("fedcba9876543210fedcba9876543210")
	other := certificate(t, second)
	rec.members[second] = fleet.Member{Host: second, Key: KeyOf(other), Standing: fleet.Active}
	var distrusted atomic.Bool
	r, err := New(t.Context(), rec, Config{Now: r.cfg.Now, Log: slog.New(slog.DiscardHandler),
		Verify: func(chain []*x509.Certificate, at time.Time) (fleet.HostID, error) {
			if distrusted.Load() && chain[0].Equal(state.PeerCertificates[0]) {
				return "", errors.New("signed by an authority that is not believed")
			}
			return verify(chain, at)
		}})
	if err != nil {
		t.Fatal(err)
	}
	gone := mustBegin(t, r, 0, state)
	stays, err := r.Begin(t.Context(), second, 0, connection(other))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	changed, asked, watched := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		watched <- r.Watch(ctx, func() <-chan struct{} { asked <- struct{}{}; return changed })
	}()
	<-asked
	distrusted.Store(true)
	close(changed)
	select {
	case <-gone.Ended():
	case <-asked: // the second look is over when it asks for the third time
		<-asked
	}
	if reason(gone.Err()) != seawallv1.Reason_REASON_HOST_UNKNOWN || reason(gone.Check()) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("the session goes on: %v", gone.Err())
	}
	if stays.Err() != nil || stays.Check() != nil {
		t.Errorf("the other's session: %v", stays.Err())
	}
	late, err := r.Begin(t.Context(), host, gone.Number(), state)
	if reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN || late != nil {
		t.Errorf("one begins after that: %v", err)
	}
	for done := false; !done; {
		select {
		case <-asked:
			stop()
		case err := <-watched:
			if err != nil {
				t.Error(err)
			}
			done = true
		}
	}
}

// TestNewKeyEndsSession gives the host another key while it delivers with the old.
func TestNewKeyEndsSession(t *testing.T) {
	r, _, state := open(t)
	s := mustBegin(t, r, 0, state)
	m := s.Member()
	m.Key[0]++
	r.Put(m)
	if reason(s.Err()) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("the session goes on: %v", s.Err())
	}
}

// TestCertificateExpiresDuringSession moves the clock past it.
func TestCertificateExpiresDuringSession(t *testing.T) {
	_, rec, state := open(t)
	at := now
	r := load(t, rec, func() time.Time { return at })
	s := mustBegin(t, r, 0, state)
	at = now.Add(24 * time.Hour)
	if err := s.Check(); err != nil {
		t.Errorf("in its last second: %v", err)
	}
	at = at.Add(time.Second)
	if err := s.Check(); reason(err) != seawallv1.Reason_REASON_CERTIFICATE_EXPIRED {
		t.Errorf("a second later: %v", err)
	}
}

// TestOneSession begins a second one, which ends the first and leaves its number
// unusable.
func TestOneSession(t *testing.T) {
	r, rec, state := open(t)
	first := mustBegin(t, r, 0, state)
	second := mustBegin(t, r, 0, state)
	if status.Code(first.Err()) != codes.Aborted || second.Err() != nil || first.Number() == second.Number() {
		t.Fatalf("%v, %v; numbers %d, %d", first.Err(), second.Err(), first.Number(), second.Number())
	}
	if err := first.Confirm(t.Context(), first.Number(), 0); status.Code(err) != codes.Aborted {
		t.Errorf("the first is confirmed: %v", err)
	}
	if err := second.Confirm(t.Context(), first.Number(), 0); !errors.Is(err, ErrNotGiven) {
		t.Errorf("the second is confirmed with the number of the first: %v", err)
	}
	if err := second.Confirm(t.Context(), second.Number(), 7); err != nil {
		t.Fatal(err)
	}
	if m := rec.members[host]; !m.Confirmed || m.Session != second.Number() || m.Bundle != 7 {
		t.Errorf("saved %+v", m)
	}
	// Said again, it costs nothing.
	saves := rec.saves
	if err := second.Confirm(t.Context(), second.Number(), 7); err != nil || rec.saves != saves {
		t.Errorf("%v, %d more saves", err, rec.saves-saves)
	}
}

// TestUnsaved fails the records: nothing is given that is not durable, but a copy
// stays out.
func TestUnsaved(t *testing.T) {
	r, rec, state := open(t)
	s := mustBegin(t, r, 0, state)
	if err := s.Confirm(t.Context(), s.Number(), 0); err != nil {
		t.Fatal(err)
	}
	rec.err = errors.New("disk is full")
	if _, err := r.Begin(t.Context(), host, s.Number(), state); !errors.Is(err, rec.err) {
		t.Errorf("begun: %v", err)
	}
	if _, err := r.Change(t.Context(), host, func(m *fleet.Member) error { m.Standing = fleet.Revoked; return nil }); !errors.Is(err, rec.err) {
		t.Errorf("changed: %v", err)
	}
	if err := s.Check(); err != nil {
		t.Errorf("the session before ended: %v", err)
	}
	if _, err := r.Begin(t.Context(), host, 0, state); reason(err) != seawallv1.Reason_REASON_HOST_QUARANTINED {
		t.Errorf("a copy: %v", err)
	}
	if m, _ := r.Member(host); m.Standing != fleet.Quarantined || s.Check() == nil {
		t.Errorf("member %+v, %v", m, s.Check())
	}
}

// TestAddKeepsWhatIsNewer adds a member that has begun a session meanwhile.
func TestAddKeepsWhatIsNewer(t *testing.T) {
	r, _, state := open(t)
	old, _ := r.Member(host)
	s := mustBegin(t, r, 0, state)
	r.Add(old)
	if m, _ := r.Member(host); m.Session != s.Number() || s.Check() != nil {
		t.Errorf("the member is %+v, the session %v", m, s.Check())
	}
}

// TestRevocationWins races a revocation with streams that begin: none of them may
// write an older standing over it.
func TestRevocationWins(t *testing.T) {
	for range 200 {
		r, rec, state := open(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if s, err := r.Begin(t.Context(), host, 0, state); err == nil {
					_ = s.Confirm(t.Context(), s.Number(), 0)
				}
			})
		}
		if _, err := r.Change(t.Context(), host, func(m *fleet.Member) error { m.Standing = fleet.Revoked; return nil }); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if m, _ := r.Member(host); m.Standing != fleet.Revoked || rec.members[host].Standing != fleet.Revoked {
			t.Fatalf("in memory %s, saved %s", m.Standing, rec.members[host].Standing)
		}
		if _, err := r.Begin(t.Context(), host, 0, state); reason(err) != seawallv1.Reason_REASON_HOST_REVOKED {
			t.Fatalf("begun: %v", err)
		}
	}
}

func TestUnknownHost(t *testing.T) {
	r, _, state := open(t)
	const other = fleet.HostID("ffffffffffffffffffffffffffffffff")
	if _, ok := r.Member(other); ok {
		t.Error("known")
	}
	if _, err := r.Begin(t.Context(), other, 0, state); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("begun: %v", err)
	}
	if _, err := r.Change(t.Context(), other, func(*fleet.Member) error { return nil }); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("changed: %v", err)
	}
	if _, err := r.Find(t.Context(), other); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("found: %v", err)
	}
	if n := len(r.All()); n != 1 {
		t.Errorf("%d members", n)
	}
}

// TestCheckAllocatesNothing holds the check of each batch to no allocation.
func TestCheckAllocatesNothing(t *testing.T) {
	r, _, state := open(t)
	s := mustBegin(t, r, 0, state)
	if n := testing.AllocsPerRun(1000, func() { _ = s.Check() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBegin(b *testing.B) {
	r, _, state := open(b)
	presented := uint64(0)
	for b.Loop() {
		presented = mustBegin(b, r, presented, state).Number()
	}
}
