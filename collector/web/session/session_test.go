package session

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"seawall/collector/web/role"
)

var ann = Who{User: "ann", Role: role.Operator, Scope: []string{"prod"}}

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newStore(t *testing.T, c *clock) *Store {
	t.Helper()
	return made(t, Config{Lifetime: 10 * time.Hour, Idle: time.Hour, Max: 3, Each: 3, Now: c.now})
}

func made(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begin starts a session.
func begin(t *testing.T, s *Store, who Who) string {
	t.Helper()
	token, err := s.Start(t.Context(), who, From{Address: netip.MustParseAddr("192.0.2.7"), Agent: "a browser"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func end(t *testing.T, s *Store, session *Session) {
	t.Helper()
	if err := s.End(t.Context(), session); err != nil {
		t.Fatal(err)
	}
}

func sweep(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func ended(s *Session) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

func TestSession(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	s := newStore(t, c)
	token := begin(t, s, ann)
	if len(token) != 43 {
		t.Errorf("a token of %d characters", len(token))
	}
	found := s.Find(t.Context(), token)
	if found == nil || ended(found) {
		t.Fatal("the session is not found")
	}
	for _, bad := range []string{"", "x", token[:42], token + "A", Token()} {
		if s.Find(t.Context(), bad) != nil {
			t.Errorf("%q finds a session", bad)
		}
	}
	for _, id := range s.sessions {
		if string(id.id[:]) == token {
			t.Error("the store holds the token itself")
		}
	}
	end(t, s, found)
	if s.Find(t.Context(), token) != nil || !ended(found) {
		t.Error("an ended session lives on")
	}
	end(t, s, found) // twice does no harm
}

func TestExpiry(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	s := newStore(t, c)
	used, idle := begin(t, s, ann), begin(t, s, ann)
	session := s.Find(t.Context(), idle)
	for range 9 {
		c.t = c.t.Add(59 * time.Minute)
		if s.Find(t.Context(), used) == nil {
			t.Fatal("a used session ended")
		}
	}
	sweep(t, s)
	if s.Find(t.Context(), idle) != nil || !ended(session) {
		t.Error("an idle session lives on")
	}
	c.t = c.t.Add(59 * time.Minute)
	if s.Find(t.Context(), used) == nil {
		t.Fatal("a used session ended")
	}
	c.t = c.t.Add(20 * time.Minute)
	if s.Find(t.Context(), used) != nil {
		t.Error("a session outlived its lifetime")
	}
	if s.Len() != 0 {
		t.Errorf("%d sessions are left", s.Len())
	}
}

func TestMakesRoom(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	s := newStore(t, c)
	var tokens []string
	for range 3 {
		tokens = append(tokens, begin(t, s, ann))
		c.t = c.t.Add(time.Second)
	}
	s.Find(t.Context(), tokens[0]) // the second is now the one longest unused
	fourth := begin(t, s, ann)
	if s.Len() != 3 || s.Find(t.Context(), tokens[1]) != nil || s.Find(t.Context(), tokens[0]) == nil || s.Find(t.Context(), fourth) == nil {
		t.Error("the wrong session made room")
	}
}

func TestForm(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	s, other := newStore(t, c), newStore(t, c)
	if !s.FormValid("cookie", s.Form("cookie")) {
		t.Error("a form's own token is refused")
	}
	for _, bad := range []struct{ cookie, token string }{
		{"cookie", ""}, {"", s.Form("")}, {"cooki", s.Form("cookie")}, {"cookie", s.Form("cookie") + "A"}, {"cookie", other.Form("cookie")},
	} {
		if s.FormValid(bad.cookie, bad.token) {
			t.Errorf("%q is taken with %q", bad.token, bad.cookie)
		}
	}
}

func TestLimiter(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	l := NewLimiter(c.now)
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range attemptBurst {
		if _, ok := l.Allow(one); !ok {
			t.Fatal("refused too early")
		}
	}
	if wait, ok := l.Allow(one); ok || wait != attemptEvery {
		t.Errorf("allowed %v, to wait %v", ok, wait)
	}
	if _, ok := l.Allow(netip.MustParseAddr("::ffff:192.0.2.1")); ok {
		t.Error("the same address in another form is another one")
	}
	if _, ok := l.Allow(two); !ok {
		t.Error("an address pays for another's attempts")
	}
	c.t = c.t.Add(attemptEvery)
	if _, ok := l.Allow(one); !ok {
		t.Error("refused after the wait")
	}
	for i := range attemptBurst {
		l.Allow(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}))
	}
	if _, ok := l.Allow(netip.MustParseAddr("2001::ffff%eth0")); ok {
		t.Error("a /64 has more attempts than an address")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	l := NewLimiter(c.now)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	allowed := 0
	for i := range attemptTracks + 1000 {
		if _, ok := l.Allow(addr(i)); ok {
			allowed++
		}
	}
	if allowed != attemptTracks+attemptBurst || len(l.each) != attemptTracks {
		t.Errorf("%d attempts allowed, %d addresses kept", allowed, len(l.each))
	}
	if _, ok := l.Allow(netip.Addr{}); ok {
		t.Error("no address at all has an allowance of its own")
	}
	c.t = c.t.Add(attemptEvery)
	if _, ok := l.Allow(addr(1 << 20)); !ok || len(l.each) != 1 {
		t.Errorf("addresses that waited are kept: %d", len(l.each))
	}
}

// TestRoomOfOne has a user who signs in again and again end its own sessions, not
// another's, and all of them when what it may do changes.
func TestRoomOfOne(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	s := made(t, Config{Lifetime: time.Hour, Idle: time.Hour, Max: 10, Each: 2, Now: c.now})
	other := begin(t, s, Who{User: "bob"})
	var last string
	for range 20 {
		c.t = c.t.Add(time.Second)
		last = begin(t, s, ann)
	}
	found := s.Find(t.Context(), last)
	if s.Len() != 3 || s.Find(t.Context(), other) == nil || found == nil || found.Who().User != "ann" || found.Who().Role != role.Operator {
		t.Fatalf("%d sessions", s.Len())
	}
	if len(found.ID()) != 16 || strings.Contains(last, found.ID()) {
		t.Errorf("a session is called %s", found.ID())
	}
	s.EndUser("ann")
	if s.Len() != 1 || s.Find(t.Context(), last) != nil || !ended(found) || s.Find(t.Context(), other) == nil {
		t.Error("a user's sessions live on, or another's do not")
	}
}

// TestNames: who guesses at a name locks no other name out, and cannot make a device cookie.
func TestNames(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	s, l := newStore(t, c), NewLimiter(c.now)
	for range attemptBurst {
		if _, ok := l.AllowName("ann"); !ok {
			t.Fatal("refused too early")
		}
	}
	if wait, ok := l.AllowName("ann"); ok || wait != attemptEvery {
		t.Errorf("allowed %v, to wait %v", ok, wait)
	}
	if _, ok := l.AllowName("bob"); !ok {
		t.Error("the guesses at ann lock out bob")
	}
	device := s.Device("ann")
	if !s.DeviceOf("ann", device) || s.DeviceOf("bob", device) || s.DeviceOf("ann", "") || s.DeviceOf("ann", newStore(t, c).Device("ann")) || device == s.Form("ann") {
		t.Error("a device is known that is not the user's, or is not known that is")
	}
}
