package enrol

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	seawallv1 "seawall/proto/seawall/v1"
)

const day = 24 * time.Hour

// TestKeep runs for a year: the certificate is always good, and is renewed when a
// third to a half of its life is over.
func TestKeep(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	began := clk.Now()
	id := h.cfg.Identity
	h.onWait = func(int) {
		from, to := id.Lifetime()
		if left := to.Sub(clk.Now()); left < to.Sub(from)/2-time.Hour {
			t.Errorf("%v left", left)
			cancel()
		}
		if clk.Now().Sub(began) > 365*day {
			cancel()
		}
		clk.advance(time.Hour) // of which a minute was waited for
	}
	if err := e.Keep(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(c.asked()) - 1; n < 365/7-1 || n > 365/4+1 {
		t.Errorf("renewed %d times in a year", n)
	}
	if s := e.State(); s.Renewed.IsZero() || s.Phase != Enrolled {
		t.Errorf("%+v", s)
	}
}

// TestRenewalsSpread draws keys as hosts do and looks at when they renew: evenly
// between a third and a half of the life (Kolmogorov-Smirnov, 1 in 1000).
func TestRenewalsSpread(t *testing.T) {
	const hosts = 2000
	var parts []float64
	for range hosts {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(spki)
		at := due(time.Time{}, time.Time{}.Add(14*day), sum[:])
		part := float64(at.Sub(time.Time{})) / float64(14*day)
		if part < 1./3 || part > 1./2 {
			t.Fatalf("renews at %v of its life", part)
		}
		parts = append(parts, (part-1./3)*6)
	}
	slices.Sort(parts)
	worst := 0.
	for i, p := range parts {
		worst = max(worst, math.Abs(p-float64(i)/hosts), math.Abs(p-float64(i+1)/hosts))
	}
	if limit := 1.95 / math.Sqrt(hosts); worst > limit {
		t.Errorf("distance from an even spread %.3f, more than %.3f", worst, limit)
	}
}

// TestRenewalFails keeps what there is, tries again, and lives.
func TestRenewalFails(t *testing.T) {
	clk := newClock()
	var down bool
	c := newCollector(t, clk.Now, func(*collector, int, call) (any, error) {
		if down {
			return nil, status.Error(codes.Unavailable, "away")
		}
		return hostOf("a"), nil
	})
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	id := h.cfg.Identity
	before := id.Expires()
	down = true
	ctx, cancel := context.WithCancel(t.Context())
	h.onWait = func(int) {
		if clk.Now().After(before) {
			cancel()
		}
		clk.advance(10 * time.Minute)
	}
	if err := e.Keep(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(c.asked()); !id.Enrolled() || id.Expires() != before || n < 100 || n > 3000 {
		t.Errorf("expires %v, asked %d times", id.Expires(), n)
	}
	// It is expired now: each connection tries to renew first.
	if err := e.Prepare(t.Context()); err == nil {
		t.Error("prepared with a certificate that expired")
	}
	down = false
	clk.advance(80 * day)
	if err := e.Prepare(t.Context()); err != nil || !id.Expires().After(clk.Now()) {
		t.Errorf("after 80 days: %v, expires %v", err, id.Expires())
	}
	n := len(c.asked())
	if err := e.Prepare(t.Context()); err != nil || len(c.asked()) != n {
		t.Errorf("a good certificate was renewed: %v", err)
	}
}

// TestCollectorsClock believes the collector when it says that the certificate has
// expired.
func TestCollectorsClock(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	e.Told(seawallv1.Reason_REASON_CERTIFICATE_EXPIRED)
	if err := e.Prepare(t.Context()); err != nil || len(c.asked()) != 2 {
		t.Errorf("%v, asked %d times", err, len(c.asked()))
	}
}

// TestTooLate asks rarely until there is a new token, and then with the same key.
func TestTooLate(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(_ *collector, n int, asked call) (any, error) {
		if asked.request == nil {
			return nil, refuse(seawallv1.Reason_REASON_TOO_LATE)
		}
		return hostOf("a"), nil
	})
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	clk.advance(120 * day)
	var p *Problem
	for range 100 {
		if err := e.Prepare(t.Context()); !errors.As(err, &p) || p.Reason != seawallv1.Reason_REASON_TOO_LATE || status.Code(err) != codes.PermissionDenied {
			t.Fatal(err)
		}
	}
	if n := len(c.asked()); n != 2 {
		t.Errorf("asked %d times", n)
	}
	h.onWait = func(n int) {
		if n == 3 {
			h.put(c.authority.Pin())
		}
	}
	h.waits = nil
	if err := e.Keep(t.Context()); !errors.Is(err, ErrAnew) {
		t.Fatal(err)
	}
	if err := e.Ensure(t.Context()); err != nil || e.State().Phase != Enrolled || !h.cfg.Identity.Expires().After(clk.Now()) {
		t.Errorf("%v, %+v", err, e.State())
	}
	asked := c.asked()
	if asked[len(asked)-1].key != asked[0].key {
		t.Error("came back with another key")
	}
}

// TestRevoked keeps the identity, says so once, and comes back as a new host with a
// new token, but not with the one that was left in place.
func TestRevoked(t *testing.T) {
	for _, reason := range []seawallv1.Reason{seawallv1.Reason_REASON_HOST_REVOKED, seawallv1.Reason_REASON_HOST_QUARANTINED} {
		clk := newClock()
		c := newCollector(t, clk.Now, func(_ *collector, n int, _ call) (any, error) { return hostOf(string("ab"[n])), nil })
		h := newHost(t, c, clk)
		h.cfg.KeepToken = true
		h.put(c.authority.Pin())
		e := h.ensure(t.Context())
		for range 3 {
			e.Told(reason)
		}
		if s := e.State(); s.Phase != Refused || !strings.Contains(s.Problem, Word(reason)) || strings.Count(h.log.String(), "level=ERROR") != 1 {
			t.Errorf("%+v, log:\n%s", s, h.log)
		}
		if err := e.Keep(h.ended(100)); err != nil {
			t.Fatalf("%v: %v: the token that admitted it counts again", reason, err)
		}
		if h.cfg.Identity.Host() != hostOf("a") || len(c.asked()) != 1 {
			t.Errorf("%v: is %q, asked %d times", reason, h.cfg.Identity.Host(), len(c.asked()))
		}
		h.onWait = nil
		h.put(c.authority.Pin())
		if err := e.Keep(t.Context()); !errors.Is(err, ErrAnew) {
			t.Fatal(err)
		}
		if err := e.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if asked := c.asked(); h.cfg.Identity.Host() != hostOf("b") || asked[0].key == asked[1].key {
			t.Errorf("%v: came back as %s", reason, h.cfg.Identity.Host())
		}
	}
}

// TestRefusedIsSeenAtOnce has a refusal end the rest of a Keep that looks once a
// minute.
func TestRefusedIsSeenAtOnce(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	resting := make(chan time.Duration)
	h.cfg.Wait = func(ctx context.Context, d time.Duration) bool {
		resting <- d
		<-ctx.Done()
		return false
	}
	e := h.ensure(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Keep(ctx) }()
	if d := <-resting; d != keepPoll {
		t.Errorf("rests for %v", d)
	}
	e.Told(seawallv1.Reason_REASON_HOST_REVOKED)
	if d := <-resting; d != tokenPoll {
		t.Errorf("rests for %v when refused", d)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestReleased goes on when the collector does.
func TestReleased(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	e.Told(seawallv1.Reason_REASON_HOST_QUARANTINED)
	e.Told(seawallv1.Reason_REASON_UNSPECIFIED)
	if s := e.State(); s.Phase != Enrolled || s.Problem != "" || e.barred() {
		t.Errorf("%+v", s)
	}
	if s, err := ReadState(h.dir); err != nil || s != e.State() {
		t.Errorf("on the disk: %+v, %v", s, err)
	}
}

// TestMovesWhileItRuns notices what the sensor said late.
func TestMovesWhileItRuns(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	h.onWait = func(n int) {
		if n == 2 {
			h.mu.Lock()
			h.here.DropletID = "2"
			h.mu.Unlock()
		}
	}
	h.waits = nil
	if err := e.Keep(t.Context()); !errors.Is(err, ErrAnew) {
		t.Errorf("%v", err)
	}
}

// TestBundle takes new authorities with a renewal, and the collector of a newer
// authority is believed by a host that slept through two rotations.
func TestBundle(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	for range 2 {
		clk.advance(20 * day)
		if err := c.authority.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.cfg.Identity.Bundle(); len(got.Authorities) != 3 {
		t.Errorf("%d authorities", len(got.Authorities))
	}
}

func TestWords(t *testing.T) {
	for n := range seawallv1.Reason_name {
		r := seawallv1.Reason(n)
		if Reason(Word(r)) != r {
			t.Errorf("%v is %q is %v", r, Word(r), Reason(Word(r)))
		}
	}
	if Reason("nonsense") != seawallv1.Reason_REASON_UNSPECIFIED {
		t.Error("a word that is none")
	}
}
