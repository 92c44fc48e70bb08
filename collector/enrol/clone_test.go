package enrol

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/pkg/token"
	seawallv1 "seawall/proto/seawall/v1"
)

// requestID is what a person names a machine's request by.
func (m *machine) requestID() string {
	var a application
	if err := a.read(&seawallv1.EnrolRequest{SigningRequest: m.signingRequest()}); err != nil {
		m.site.t.Fatal(err)
	}
	return hex.EncodeToString(a.hash[:8])
}

// TestClone has copies of a host ask for an identity with its certificate.
func TestClone(t *testing.T) {
	s := open(t, Config{})
	original := s.mustEnrol("web-1")
	approved, rejected := s.machine("copy-1"), s.machine("copy-2")
	for _, m := range []*machine{approved, rejected, approved} {
		if err := m.enrol(nil, original); !errors.Is(err, errPending) {
			t.Fatalf("a copy: %v", err)
		}
		s.pass(time.Second)
	}
	requests, err := s.store.Requests(t.Context())
	if err != nil || len(requests) != 2 || requests[0].CloneOf != original.host || requests[0].Machine.HostName != "copy-1" {
		t.Fatalf("requests %+v, %v", requests, err)
	}
	if what, _ := s.told(original.host); !slices.Equal(what, []string{"clone", "clone", "enrolled"}) {
		t.Errorf("told %q", what)
	}
	for m, d := range map[*machine]fleet.Decision{approved: fleet.Approved, rejected: fleet.Rejected} {
		if _, err := s.Decide(t.Context(), m.requestID(), d); err != nil {
			t.Fatal(err)
		}
	}
	s.restart()
	for range 2 { // a lost reply
		if err := approved.enrol(nil, original); err != nil {
			t.Fatal(err)
		}
		want(t, "rejected", rejected.enrol(nil, original), seawallv1.Reason_REASON_REJECTED)
	}
	if m := s.member(approved.host); m.CloneOf != original.host || approved.host == original.host || m.Token != "" {
		t.Errorf("member %+v", m)
	}
	s.pass(100 * 24 * time.Hour)
	if m := s.mustEnrol("db"); m != nil {
		want(t, "rejected, a hundred days later, by another's certificate", rejected.enrol(nil, m), seawallv1.Reason_REASON_REJECTED)
	}
}

// TestCloneWithToken admits copies at once that a token invites, and no other host
// when the token is for copies alone.
func TestCloneWithToken(t *testing.T) {
	s := open(t, Config{})
	original := s.mustEnrol("web-1")
	image := s.invite(Invitation{Uses: 10, Scope: fleet.Scope{Clones: true}})
	for i := range 3 {
		m := s.machine(fmt.Sprint("copy-", i))
		if err := m.enrol(&image, original); err != nil {
			t.Fatal(err)
		}
		if got := s.member(m.host); got.CloneOf != original.host {
			t.Errorf("member %+v", got)
		}
	}
	want(t, "no copy", s.machine("web-2").enrol(&image, nil), seawallv1.Reason_REASON_TOKEN_SCOPE)
	if n := s.used(image); n != 3 {
		t.Errorf("used %d times", n)
	}
}

// TestCloneProvesTheOriginal refuses those who do not hold the original's key, its
// newest standing, or a key of their own.
func TestCloneProvesTheOriginal(t *testing.T) {
	s := open(t, Config{})
	original := s.mustEnrol("web-1")
	own := *original
	if err := own.enrol(nil, original); status.Code(err) != codes.InvalidArgument {
		t.Errorf("with the original's key: %v", err)
	}
	other := s.mustEnrol("db-1")
	if err := other.enrol(nil, original); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("with another host's key: %v", err)
	}
	// A certificate of another collector's authority.
	elsewhere := open(t, Config{}).mustEnrol("web-1")
	elsewhere.site = s
	want(t, "a stranger's certificate", s.machine("x").enrol(nil, elsewhere), seawallv1.Reason_REASON_HOST_UNKNOWN)
	s.pass((14 + 91) * 24 * time.Hour)
	want(t, "long expired", s.machine("x").enrol(nil, original), seawallv1.Reason_REASON_TOO_LATE)
}

// TestApproval has hosts wait that a token invites.
func TestApproval(t *testing.T) {
	for name, test := range map[string]struct {
		cfg Config
		in  Invitation
	}{
		"the token says so":         {Config{}, Invitation{Approval: true}},
		"the configuration says so": {Config{Approve: true}, Invitation{}},
	} {
		s := open(t, test.cfg)
		m := s.machine("web-1")
		invitation := s.invite(test.in)
		for range 2 {
			if err := m.enrol(&invitation, nil); !errors.Is(err, errPending) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		// It counts from now on, and not twice.
		want(t, name, s.machine("web-2").enrol(&invitation, nil), seawallv1.Reason_REASON_TOKEN_USED_UP)
		s.pass(2 * time.Hour) // the token expires meanwhile
		if err := m.enrol(&invitation, nil); !errors.Is(err, errPending) {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := s.Decide(t.Context(), m.requestID(), fleet.Approved); err != nil {
			t.Fatal(err)
		}
		if err := m.enrol(&invitation, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := s.used(invitation); n != 1 {
			t.Errorf("%s: used %d times", name, n)
		}
	}
}

// TestTags has a token's tags be the host's from its enrolment on, at once or after it
// waited, and never again: people may have changed them since.
func TestTags(t *testing.T) {
	for name, approval := range map[string]bool{"at once": false, "after approval": true} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{})
			invitation := s.invite(Invitation{Uses: 2, Approval: approval, Tags: []string{"role=web", "env=prod", "role=web"}})
			m := s.machine("web-1")
			s.admitted(m, invitation)
			if diff := cmp.Diff([]string{"env=prod", "role=web"}, s.tags(m.host)); diff != "" {
				t.Error(diff)
			}
			if _, details := s.told(m.host); !strings.Contains(details[0], "tagged env=prod role=web") {
				t.Errorf("told %q", details)
			}
			// An answer that was lost, and another invitation, leave what people made of it.
			s.retag(m.host, "env=test")
			other := s.invite(Invitation{Tags: []string{"customer=x"}})
			for _, with := range []token.Token{invitation, other} {
				if err := m.enrol(&with, nil); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]string{"env=test"}, s.tags(m.host)); diff != "" {
				t.Errorf("enrolled again: %s", diff)
			}
			s.retag(m.host)
			bare := s.machine("db-1")
			if s.admitted(bare, s.invite(Invitation{Approval: approval})); len(s.tags(bare.host)) != 0 {
				t.Errorf("of a token without tags: %q", s.tags(bare.host))
			}
		})
	}
}

// admitted has a machine enrol, and a person approve it where it waits: without tags.
func (s *site) admitted(m *machine, with token.Token) {
	s.t.Helper()
	err := m.enrol(&with, nil)
	if errors.Is(err, errPending) {
		if tags := s.tags(""); len(tags) != 0 {
			s.t.Errorf("a machine that waits tags hosts: %q", tags)
		}
		if _, err := s.Decide(s.t.Context(), m.requestID(), fleet.Approved); err != nil {
			s.t.Fatal(err)
		}
		err = m.enrol(&with, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestTokenTagsAreTold has the trail say with what tags hosts will come, and a host that
// waits with what it would.
func TestTokenTagsAreTold(t *testing.T) {
	s := open(t, Config{})
	_, made, err := s.Invite(trail.As(t.Context(), "ann"), Invitation{Approval: true, Tags: []string{"role=web", "env=prod"}})
	if err != nil || !slices.Equal(made.Tags, []string{"env=prod", "role=web"}) {
		t.Fatalf("%+v, %v", made, err)
	}
	var all []trail.Entry
	err = s.store.Read(t.Context(), func(q db.Querier) (err error) {
		all, err = trail.List(t.Context(), q, trail.Query{})
		return err
	})
	if err != nil || len(all) != 1 || !strings.Contains(all[0].Detail, "approval needed, tags env=prod role=web") {
		t.Errorf("the trail has %+v, %v", all, err)
	}
	waits := s.invite(Invitation{Approval: true, Tags: []string{"env=prod"}})
	if err := s.machine("web-1").enrol(&waits, nil); !errors.Is(err, errPending) {
		t.Fatal(err)
	}
	asked, err := s.store.Requests(t.Context())
	if err != nil || len(asked) != 1 || !slices.Equal(asked[0].Tags, []string{"env=prod"}) {
		t.Errorf("waits: %+v, %v", asked, err)
	}
}

// TestWaitingDoesNotOpenOtherTokens has a host that waits present a token that has
// ended: waiting is no invitation.
func TestWaitingDoesNotOpenOtherTokens(t *testing.T) {
	s := open(t, Config{})
	m := s.machine("web-1")
	first, ended, good := s.invite(Invitation{Approval: true, TTL: 24 * time.Hour}), s.invite(Invitation{}), s.invite(Invitation{TTL: 24 * time.Hour})
	if err := m.enrol(&first, nil); !errors.Is(err, errPending) {
		t.Fatal(err)
	}
	s.pass(time.Hour)
	want(t, "an expired token", m.enrol(&ended, nil), seawallv1.Reason_REASON_TOKEN_EXPIRED)
	if err := m.enrol(&good, nil); err != nil {
		t.Errorf("a good token: %v", err)
	}
	if s.used(good) != 1 || s.used(first) != 1 {
		t.Errorf("used %d and %d times", s.used(good), s.used(first))
	}
}

// TestRequestsBounded fills the queue of those who wait, by one host's copies and
// in all, and lets those go that are not repeated.
func TestRequestsBounded(t *testing.T) {
	s := open(t, Config{})
	original, other := s.mustEnrol("web-1"), s.mustEnrol("web-2")
	for range maxCopies {
		if err := s.machine("copy").enrol(nil, original); !errors.Is(err, errPending) {
			t.Fatal(err)
		}
	}
	want(t, "one copy more", s.machine("copy").enrol(nil, original), seawallv1.Reason_REASON_FULL)
	if err := s.machine("copy").enrol(nil, other); !errors.Is(err, errPending) {
		t.Errorf("another host's copy: %v", err)
	}
	s.pass(10 * 24 * time.Hour)
	patient := s.machine("patient")
	invitation := s.invite(Invitation{Approval: true})
	if err := patient.enrol(&invitation, nil); !errors.Is(err, errPending) {
		t.Fatal(err)
	}
	s.pass(5 * 24 * time.Hour)
	if err := s.machine("copy").enrol(nil, original); err != nil && status.Code(err) != codes.ResourceExhausted && !errors.Is(err, errPending) {
		t.Fatal(err)
	}
	requests, err := s.store.Requests(t.Context())
	if err != nil || len(requests) != 2 {
		t.Errorf("%d requests after 15 days, %v", len(requests), err)
	}
}
