package roster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// two returns two rosters of one database.
func two(t *testing.T) (a, b *Roster, rec *records, state tls.ConnectionState) {
	t.Helper()
	a, rec, state = open(t)
	return a, load(t, rec, func() time.Time { return now }), rec, state
}

func refresh(t *testing.T, r *Roster) {
	t.Helper()
	if err := r.Refresh(t.Context(), []fleet.HostID{host, host}); err != nil {
		t.Fatal(err)
	}
}

// TestMoved begins a stream with one collector and goes on with the other.
func TestMoved(t *testing.T) {
	a, b, rec, state := two(t)
	first := mustBegin(t, a, 0, state)
	if err := first.Confirm(t.Context(), first.Number(), 0); err != nil {
		t.Fatal(err)
	}
	second := mustBegin(t, b, first.Number(), state)
	// The first has not heard of it: what it says changes nothing of the second's.
	if err := first.Confirm(t.Context(), 0, 9); status.Code(err) != codes.Aborted {
		t.Errorf("the first confirms: %v", err)
	}
	if m := rec.members[host]; m.Confirmed || m.Bundle != 0 || m.Session != second.Number() {
		t.Errorf("saved %+v", m)
	}
	refresh(t, a)
	refresh(t, b)
	if status.Code(first.Err()) != codes.Aborted || second.Err() != nil {
		t.Errorf("the first %v, the second %v", first.Err(), second.Err())
	}
	third := mustBegin(t, a, second.Number(), state)
	if third.Number() <= second.Number() {
		t.Errorf("numbers %#x, %#x", second.Number(), third.Number())
	}
}

// TestEndedElsewhere changes a member with one collector while it delivers to the other.
func TestEndedElsewhere(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(r *Roster, rec *records) error
		want seawallv1.Reason
	}{
		"revoked": {func(r *Roster, _ *records) error {
			_, err := r.Change(t.Context(), host, func(m *fleet.Member) error { m.Standing = fleet.Revoked; return nil })
			return err
		}, seawallv1.Reason_REASON_HOST_REVOKED},
		"quarantined": {func(r *Roster, _ *records) error {
			_, err := r.Change(t.Context(), host, func(m *fleet.Member) error { m.Standing = fleet.Quarantined; return nil })
			return err
		}, seawallv1.Reason_REASON_HOST_QUARANTINED},
		"forgotten": {func(r *Roster, rec *records) error {
			return r.Forget(t.Context(), host, func() error { delete(rec.members, host); return nil })
		}, seawallv1.Reason_REASON_HOST_REVOKED},
	} {
		a, b, rec, state := two(t)
		s := mustBegin(t, b, 0, state)
		if err := test.do(a, rec); err != nil {
			t.Fatal(err)
		}
		// Nobody begins anew, even where nothing has been heard.
		if _, err := b.Begin(t.Context(), host, s.Number(), state); reason(err) == seawallv1.Reason_REASON_UNSPECIFIED {
			t.Errorf("%s: begun: %v", name, err)
		}
		if err := b.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := reason(s.Err()); got != test.want {
			t.Errorf("%s: the session: %v, want %v", name, s.Err(), test.want)
		}
		if _, err := b.Identify(t.Context(), state); reason(err) == seawallv1.Reason_REASON_UNSPECIFIED {
			t.Errorf("%s: identified: %v", name, err)
		}
		if _, known := b.Member(host); known != (name != "forgotten") {
			t.Errorf("%s: known: %v", name, known)
		}
		if _, err := b.Change(t.Context(), host, Release); name == "forgotten" && reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
			t.Errorf("changed: %v", err)
		}
	}
}

// TestForgottenUnheard changes a member that the other collector has just forgotten.
func TestForgottenUnheard(t *testing.T) {
	for name, do := range map[string]func(r *Roster, s *Session) error{
		"change":  func(r *Roster, _ *Session) error { _, err := r.Change(t.Context(), host, Release); return err },
		"confirm": func(_ *Roster, s *Session) error { return s.Confirm(t.Context(), s.Number(), 0) },
		"begin": func(r *Roster, s *Session) error {
			_, err := r.Begin(t.Context(), host, s.Number(), connection(s.chain[0]))
			return err
		},
	} {
		_, b, rec, state := two(t)
		s := mustBegin(t, b, 0, state)
		delete(rec.members, host)
		if err := do(b, s); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
			t.Errorf("%s: %v", name, err)
		}
		if _, known := b.Member(host); known || s.Err() == nil || len(rec.members) != 0 {
			t.Errorf("%s: known %v, the session %v", name, known, s.Err())
		}
	}
}

// TestAdmittedElsewhere has a host come that the other collector has just admitted.
func TestAdmittedElsewhere(t *testing.T) {
	_, b, rec, _ := two(t)
	const late = fleet.HostID("fedcba9876543210fedcba9876543210")
	c := certificate(t, late)
	if _, err := b.Identify(t.Context(), connection(c)); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("not admitted: %v", err)
	}
	rec.members[late] = fleet.Member{Host: late, Key: KeyOf(c), Standing: fleet.Active}
	if id, err := b.Identify(t.Context(), connection(c)); err != nil || id != late {
		t.Errorf("%q, %v", id, err)
	}
	if m, err := b.Find(t.Context(), late); err != nil || m.Host != late {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestNewAuthorityElsewhere has a host come whose certificate is of an authority that
// the other collector has just made.
func TestNewAuthorityElsewhere(t *testing.T) {
	_, rec, state := open(t)
	known, looks := false, 0
	r, err := New(t.Context(), rec, Config{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Verify: func(chain []*x509.Certificate, at time.Time) (fleet.HostID, error) {
			if !known && !at.After(chain[0].NotAfter) {
				return "", errors.New("signed by nobody")
			}
			return verify(chain, at)
		},
		Look: func(context.Context) bool { looks++; known = looks > 1; return known }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identify(t.Context(), state); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN || looks != 1 {
		t.Errorf("%v after %d looks", err, looks)
	}
	if id, err := r.Identify(t.Context(), state); id != host || err != nil || looks != 2 {
		t.Errorf("%q, %v after %d looks", id, err, looks)
	}
}

// TestReloadMany reads more members than are held at once, while streams begin.
func TestReloadMany(t *testing.T) {
	a, b, rec, state := two(t)
	const n = 3*chunk + 1
	for i := range n {
		id := fleet.HostID("00000000000000000000000000000000"[:28] + string([]byte{hex(i >> 12), hex(i >> 8), hex(i >> 4), hex(i)}))
		rec.members[id] = fleet.Member{Host: id, Standing: fleet.Active}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		presented := uint64(0)
		for range 50 {
			s, err := a.Begin(t.Context(), host, presented, state)
			if err != nil {
				t.Error(err)
				return
			}
			presented = s.Number()
		}
	})
	for range 20 {
		for _, r := range []*Roster{a, b} {
			if err := r.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	wg.Wait()
	for _, r := range []*Roster{a, b} {
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m, _ := r.Member(host); len(r.All()) != n+1 || m != rec.members[host] {
			t.Errorf("%d members, %+v", len(r.All()), m)
		}
	}
}

func hex(n int) byte { return "0123456789abcdef"[n&15] }

// TestRevocationWinsElsewhere races a revocation with one collector with streams that
// begin with the other.
func TestRevocationWinsElsewhere(t *testing.T) {
	for range 100 {
		a, b, rec, state := two(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if s, err := b.Begin(t.Context(), host, 0, state); err == nil {
					_ = s.Confirm(t.Context(), s.Number(), 0)
				}
				refresh(t, b)
			})
		}
		if _, err := a.Change(t.Context(), host, func(m *fleet.Member) error { m.Standing = fleet.Revoked; return nil }); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		refresh(t, b)
		if m, _ := b.Member(host); m.Standing != fleet.Revoked || rec.members[host].Standing != fleet.Revoked {
			t.Fatalf("in memory %s, saved %s", m.Standing, rec.members[host].Standing)
		}
		if e := b.entry(host); e.live != nil {
			t.Fatal("a stream of a revoked host goes on")
		}
	}
}

// TestRefreshFails leaves all as it was when the records cannot be read.
func TestRefreshFails(t *testing.T) {
	r, rec, state := open(t)
	s := mustBegin(t, r, 0, state)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	rec.unread = errors.New("no server")
	if err := r.Refresh(t.Context(), []fleet.HostID{host}); !errors.Is(err, rec.unread) {
		t.Errorf("%v", err)
	}
	if err := r.Reload(ctx); !errors.Is(err, rec.unread) {
		t.Errorf("%v", err)
	}
	if _, err := r.Find(t.Context(), "ffffffffffffffffffffffffffffffff"); !errors.Is(err, rec.unread) {
		t.Errorf("a host that may be known elsewhere: %v", err)
	}
	rec.unread = nil
	if s.Check() != nil || len(r.entry(host).change) != 0 {
		t.Errorf("the session: %v", s.Check())
	}
}
