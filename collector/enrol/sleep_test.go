package enrol

import (
	"slices"
	"testing"
	"time"

	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

const day = 24 * time.Hour

// rotate makes a new authority and takes all before it out of the bundle.
func (s *site) rotate(distrust bool) {
	s.t.Helper()
	if err := s.authority().Rotate(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	for _, a := range s.authority().List() {
		if a.Active || a.Retired {
			continue
		}
		if err := s.authority().Retire(s.t.Context(), a.ID, distrust); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestAsleep has hosts come back 89 and 91 days after their certificates expired,
// and the authority be another twice meanwhile.
func TestAsleep(t *testing.T) {
	s := open(t, Config{})
	early, late := s.mustEnrol("early"), s.mustEnrol("late")
	s.pass(14 * day)
	s.pass(30 * day)
	s.rotate(false)
	s.pass(30 * day)
	s.rotate(false)
	s.restart()
	s.pass(29 * day)
	for range 2 { // a lost reply is not another recovery
		asleep := *early
		if err := asleep.renew(); err != nil {
			t.Fatalf("89 days: %v", err)
		}
		if asleep.host != early.host {
			t.Fatalf("it comes back as host %s, before %s", asleep.host, early.host)
		}
	}
	if m := s.member(early.host); m.Recoveries != 1 || !m.Recovered.Equal(s.now()) || !m.Expires.Equal(s.now().Add(14*day)) {
		t.Errorf("member %+v", m)
	}
	if what, _ := s.told(early.host); !slices.Equal(what, []string{"recovered", "enrolled"}) {
		t.Errorf("told %q", what)
	}
	s.pass(2 * day)
	want(t, "91 days", late.renew(), seawallv1.Reason_REASON_TOO_LATE)
	if m := s.member(late.host); m.Recoveries != 0 {
		t.Errorf("member %+v", m)
	}
	// A new token, and it is the host that it was.
	before := late.host
	invitation := s.invite(Invitation{})
	if err := late.enrol(&invitation, nil); err != nil || late.host != before {
		t.Errorf("with a token: %v, host %s, before %s", err, late.host, before)
	}
	if n := s.used(invitation); n != 1 {
		t.Errorf("used %d times", n)
	}
	if what, details := s.told(late.host); len(what) != 2 || what[0] != "enrolled" {
		t.Errorf("told %q", details)
	}
	if err := late.renew(); err != nil {
		t.Errorf("and it renews: %v", err)
	}
}

// TestRecoveriesCount sleeps again and again.
func TestRecoveriesCount(t *testing.T) {
	s := open(t, Config{})
	m := s.mustEnrol("web-1")
	for range 3 {
		s.pass(60 * day)
		if err := m.renew(); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.member(m.host); got.Recoveries != 3 {
		t.Errorf("member %+v", got)
	}
	if _, details := s.told(m.host); len(details) != 4 {
		t.Errorf("told %q", details)
	}
}

// TestDistrusted refuses the certificates of an authority whose key was stolen.
func TestDistrusted(t *testing.T) {
	s := open(t, Config{})
	stays, renews := s.mustEnrol("stays"), s.mustEnrol("renews")
	if err := s.authority().Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := renews.renew(); err != nil {
		t.Fatal(err)
	}
	old := s.authority().List()[0]
	if old.Active {
		t.Fatalf("authorities %+v", s.authority().List())
	}
	if err := s.authority().Retire(t.Context(), old.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := stays.renew(); err == nil || reason(err) != 0 {
		t.Errorf("it believes the collector: %v", err)
	}
	stays.bundle = trust.Bundle{} // as if it did
	want(t, "signed by the distrusted", stays.renew(), seawallv1.Reason_REASON_HOST_UNKNOWN)
	if err := renews.renew(); err != nil {
		t.Errorf("signed by the other: %v", err)
	}
}

// TestClockBackwards renews on a collector whose clock was set back.
func TestClockBackwards(t *testing.T) {
	s := open(t, Config{})
	m := s.mustEnrol("web-1")
	s.pass(-30 * time.Minute)
	if err := m.renew(); err != nil {
		t.Errorf("half an hour back: %v", err)
	}
	s.pass(10 * day)
	if err := m.renew(); err != nil {
		t.Fatal(err)
	}
	// Further than certificates reach back: what was issued before is not valid yet.
	s.pass(-3 * day)
	if err := m.renew(); err != nil {
		t.Errorf("three days back: %v", err)
	}
	s.pass(3 * day)
	if err := m.renew(); err != nil {
		t.Errorf("set right: %v", err)
	}
	if s.member(m.host).Recoveries != 0 {
		t.Error("a recovery is counted")
	}
}

// TestRenewTooOften bounds what one host asks for.
func TestRenewTooOften(t *testing.T) {
	s := open(t, Config{})
	m := s.mustEnrol("web-1")
	var err error
	for range renewals + 1 {
		if err = m.renew(); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("it renews without end")
	}
	s.pass(time.Minute)
	if err := m.renew(); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}
