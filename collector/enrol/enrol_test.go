package enrol

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/pkg/token"
	seawallv1 "seawall/proto/seawall/v1"
)

// TestEnrol admits a host with a token, which it uses up, and renews.
func TestEnrol(t *testing.T) {
	s := open(t, Config{})
	m := s.machine("web-1")
	invitation := s.invite(Invitation{})
	if err := m.enrol(&invitation, nil); err != nil {
		t.Fatal(err)
	}
	got := s.member(m.host)
	if got.Standing != fleet.Active || got.Machine.HostName != "web-1" || got.Token == "" || !got.Expires.Equal(s.now().Add(14*24*time.Hour)) {
		t.Errorf("member %+v", got)
	}
	if n := s.used(invitation); n != 1 {
		t.Errorf("the token was used %d times", n)
	}
	s.pass(5 * 24 * time.Hour)
	first := m.chain[0]
	if err := m.renew(); err != nil {
		t.Fatal(err)
	}
	got = s.member(m.host)
	if slices.Equal(first, m.chain[0]) || !got.Expires.Equal(s.now().Add(14*24*time.Hour)) || got.Recoveries != 0 || got.Session != 0 {
		t.Errorf("renewed: %+v", got)
	}
	if what, _ := s.told(m.host); !slices.Equal(what, []string{"enrolled"}) {
		t.Errorf("told %q", what)
	}
}

// TestThousand enrols 1,000 hosts at once with one token. Every fifth asks twice at
// the same time, since its first answer could be lost. Each is one host.
func TestThousand(t *testing.T) {
	const hosts, again = 1000, 200
	s := open(t, Config{})
	invitation := s.invite(Invitation{Uses: hosts})
	machines := make([]*machine, hosts, hosts+again)
	for i := range machines {
		machines[i] = s.machine("autoscale")
		machines[i].patient = true
	}
	for i := range again {
		same := *machines[5*i]
		machines = append(machines, &same)
	}
	began := time.Now()
	var wg sync.WaitGroup
	failed := make(chan error, len(machines))
	for _, m := range machines {
		wg.Go(func() {
			err := m.enrol(&invitation, nil)
			// So many handshakes at once can outlive their time; a host tries again.
			for tries := 0; status.Code(err) == codes.Unavailable && tries < 20; tries++ {
				err = m.enrol(&invitation, nil)
			}
			if err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	t.Logf("%d enrolments of %d hosts in %v", len(machines), hosts, time.Since(began).Round(time.Millisecond))
	close(failed)
	for err := range failed {
		t.Fatal(err)
	}
	ids := make(map[fleet.HostID]bool)
	for i, m := range machines {
		ids[m.host] = true
		if i >= hosts && m.host != machines[5*(i-hosts)].host {
			t.Errorf("one key is %s and %s", m.host, machines[5*(i-hosts)].host)
		}
	}
	members, err := s.store.Members(t.Context())
	if err != nil || len(ids) != hosts || len(members) != hosts || s.used(invitation) != hosts {
		t.Errorf("%d ids, %d members, token used %d times, %v", len(ids), len(members), s.used(invitation), err)
	}
	want(t, "one more", s.machine("late").enrol(&invitation, nil), seawallv1.Reason_REASON_TOKEN_USED_UP)
}

// TestReplyLost asks again with the same token and key: at once, after the token
// has expired, and after a restart.
func TestReplyLost(t *testing.T) {
	s := open(t, Config{})
	m := s.machine("web-1")
	invitation := s.invite(Invitation{TTL: time.Hour})
	for i, between := range []func(){func() {}, func() {}, func() { s.pass(2 * time.Hour) }, s.restart} {
		between()
		before := *m
		if err := m.enrol(&invitation, nil); err != nil {
			t.Fatal(err)
		}
		if i > 0 && (m.host != before.host || slices.Equal(m.chain[0], before.chain[0])) {
			t.Errorf("time %d: host %s, before %s; a new certificate: %v", i, m.host, before.host, !slices.Equal(m.chain[0], before.chain[0]))
		}
	}
	if n := s.used(invitation); n != 1 {
		t.Errorf("used %d times", n)
	}
	if what, _ := s.told(m.host); len(what) != 1 {
		t.Errorf("told %q", what)
	}
}

// TestTokenRefused refuses tokens that do not invite, each for its reason.
func TestTokenRefused(t *testing.T) {
	s := open(t, Config{})
	good := s.invite(Invitation{})
	unknown := token.New(s.authority().Pin())
	wrong := good
	wrong.Secret[15] ^= 1
	a, b := s.machine("x").enrol(&unknown, nil), s.machine("x").enrol(&wrong, nil)
	want(t, "unknown", a, seawallv1.Reason_REASON_TOKEN_UNKNOWN)
	if a.Error() != b.Error() || reason(a) != reason(b) {
		t.Errorf("an unknown token %v, a wrong secret %v", a, b)
	}
	for _, id := range [][]byte{nil, good.ID[:7], make([]byte, 9000)} {
		m := s.machine("x")
		err := m.ask(&seawallv1.EnrolRequest{TokenId: id, TokenSecret: good.Secret[:], SigningRequest: m.signingRequest()}, nil)
		want(t, "half a token", err, seawallv1.Reason_REASON_TOKEN_UNKNOWN)
	}
	want(t, "no token", s.machine("x").enrol(nil, nil), seawallv1.Reason_REASON_HOST_UNKNOWN)
	for name, scope := range map[string]fleet.Scope{
		"another network": {Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::/0")}},
		"another name":    {Name: "db-*"},
		"copies alone":    {Clones: true},
	} {
		scoped := s.invite(Invitation{Scope: scope})
		want(t, name, s.machine("web-1").enrol(&scoped, nil), seawallv1.Reason_REASON_TOKEN_SCOPE)
	}
	fits := s.invite(Invitation{Scope: fleet.Scope{Name: "web-?", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	if err := s.machine("web-1").enrol(&fits, nil); err != nil {
		t.Errorf("within its scope: %v", err)
	}
	revoked := s.invite(Invitation{})
	if _, err := s.Withdraw(t.Context(), revoked.String()[len("seawall1…"):]); err != nil {
		t.Fatal(err)
	}
	want(t, "revoked", s.machine("x").enrol(&revoked, nil), seawallv1.Reason_REASON_TOKEN_REVOKED)
	s.pass(time.Hour - time.Second)
	last := s.machine("x")
	if err := last.enrol(&good, nil); err != nil {
		t.Errorf("in its last second: %v", err)
	}
	late := s.invite(Invitation{})
	s.pass(time.Hour)
	want(t, "expired", s.machine("x").enrol(&late, nil), seawallv1.Reason_REASON_TOKEN_EXPIRED)
	s.restart()
	want(t, "expired, after a restart", s.machine("x").enrol(&late, nil), seawallv1.Reason_REASON_TOKEN_EXPIRED)
	want(t, "revoked, after a restart", s.machine("x").enrol(&revoked, nil), seawallv1.Reason_REASON_TOKEN_REVOKED)
}

// TestTokenStolen has two machines use the same token for one host.
func TestTokenStolen(t *testing.T) {
	s := open(t, Config{})
	invitation := s.invite(Invitation{})
	owner, thief := s.machine("web-1"), s.machine("evil\x1b[2J")
	owner.from, thief.from = "127.0.0.1", "127.0.0.2"
	if err := owner.enrol(&invitation, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		want(t, "stolen", thief.enrol(&invitation, nil), seawallv1.Reason_REASON_TOKEN_USED_UP)
	}
	what, details := s.told(owner.host)
	if !slices.Equal(what, []string{"token used twice", "enrolled"}) {
		t.Fatalf("told %q", what)
	}
	if !strings.Contains(details[0], "from 127.0.0.2") || !strings.Contains(details[0], "from 127.0.0.1") || strings.Contains(details[0], "\x1b") {
		t.Errorf("told %q", details[0])
	}
	if err := owner.enrol(&invitation, nil); err != nil {
		t.Errorf("the owner asks again: %v", err)
	}
}

// TestStandingRefused refuses to renew and to enrol again for what a host did.
func TestStandingRefused(t *testing.T) {
	s := open(t, Config{})
	for standing, w := range map[fleet.Standing]seawallv1.Reason{
		fleet.Revoked: seawallv1.Reason_REASON_HOST_REVOKED, fleet.Quarantined: seawallv1.Reason_REASON_HOST_QUARANTINED,
	} {
		m := s.mustEnrol("web-1")
		if _, err := s.Service.cfg.Roster.Change(t.Context(), m.host, func(m *fleet.Member) error { m.Standing = standing; return nil }); err != nil {
			t.Fatal(err)
		}
		want(t, "renew", m.renew(), w)
		invitation := s.invite(Invitation{})
		want(t, "enrol again with another token", m.enrol(&invitation, nil), w)
		want(t, "a copy of it", s.machine("copy").enrol(nil, m), w)
		s.restart()
		want(t, "renew after a restart", m.renew(), w)
		if what, _ := s.told(m.host); !slices.Contains(what, string(standing)) {
			t.Errorf("told %q", what)
		}
		fresh := s.machine("web-1")
		if err := fresh.enrol(&invitation, nil); err != nil || fresh.host == m.host {
			t.Errorf("with a new key: %v, host %s, before %s", err, fresh.host, m.host)
		}
	}
}

// TestFull stops at the bound of hosts, and goes on when one is revoked.
func TestFull(t *testing.T) {
	s := open(t, Config{MaxHosts: 2})
	first := s.mustEnrol("a")
	s.mustEnrol("b")
	invitation := s.invite(Invitation{})
	m := s.machine("c")
	want(t, "a third", m.enrol(&invitation, nil), seawallv1.Reason_REASON_FULL)
	if err := first.renew(); err != nil {
		t.Errorf("a member renews: %v", err)
	}
	if _, err := s.Service.cfg.Roster.Change(t.Context(), first.host, func(m *fleet.Member) error { m.Standing = fleet.Revoked; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := m.enrol(&invitation, nil); err != nil {
		t.Errorf("in its place: %v", err)
	}
}

// TestStoreFails admits nobody whom it cannot keep.
func TestStoreFails(t *testing.T) {
	s := open(t, Config{})
	invitation := s.invite(Invitation{})
	_ = s.store.Close()
	err := s.machine("a").enrol(&invitation, nil)
	if status.Code(err) != codes.Unavailable || strings.Contains(err.Error(), "store") || reason(err) != 0 {
		t.Errorf("answer %v", err)
	}
	if _, _, err := s.Invite(t.Context(), Invitation{}); err == nil {
		t.Error("a token is made")
	}
}

// TestInvitationBounds refuses tokens that make no sense.
func TestInvitationBounds(t *testing.T) {
	s := open(t, Config{})
	for _, i := range []Invitation{
		{TTL: time.Second}, {TTL: 367 * 24 * time.Hour}, {TTL: -time.Hour}, {Uses: -1}, {Uses: maxUses + 1},
		{Scope: fleet.Scope{Name: "["}}, {Scope: fleet.Scope{Name: strings.Repeat("x", 300)}},
		{Scope: fleet.Scope{Networks: make([]netip.Prefix, 65)}},
		{Tags: []string{""}}, {Tags: []string{"a b"}}, {Tags: []string{"a\x00"}}, {Tags: []string{strings.Repeat("x", 65)}},
		{Tags: strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7")},
	} {
		if _, _, err := s.Invite(t.Context(), i); err == nil {
			t.Errorf("%+v is taken", i)
		}
	}
	if _, err := s.Withdraw(t.Context(), "0000000000000000"); !errors.Is(err, ErrNoToken) {
		t.Errorf("withdraw: %v", err)
	}
	if _, err := s.Decide(t.Context(), "0000000000000000", fleet.Approved); !errors.Is(err, ErrNoRequest) {
		t.Errorf("decide: %v", err)
	}
}
