package ingest

import (
	"context"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// reason returns what a refusal says.
func reasonIn(err error) seawallv1.Reason {
	for _, detail := range status.Convert(err).Details() {
		if r, ok := detail.(*seawallv1.Refusal); ok {
			return r.Reason
		}
	}
	return seawallv1.Reason_REASON_UNSPECIFIED
}

func TestNewestStreamWins(t *testing.T) {
	s := start(t, &memory{}, nil)
	k := s.host()
	first := dial(t, s.addr, k)
	w := first.greet(0)
	second := dial(t, s.addr, k)
	next := second.greet(w.Session)
	if next.Session <= w.Session {
		t.Errorf("session %d after %d", next.Session, w.Session)
	}
	if got := first.code(); got != codes.Aborted {
		t.Errorf("first stream ends with %v", got)
	}
	second.send(batch(t, 1, payload(t, "ssh-a")))
	if got := second.ack(); got != 1 {
		t.Errorf("ack of %d", got)
	}
}

// TestManyStreamsOfOneHost has a host come back again and again before its streams
// have ended: one is left, and every batch is stored once.
func TestManyStreamsOfOneHost(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	k := s.host()
	session := uint64(0)
	for n := uint64(1); n <= 20; n++ {
		c := dial(t, s.addr, k)
		w := c.greet(session)
		session = w.Session
		c.send(batch(t, n, payload(t, "ssh-a")))
		c.ack()
	}
	if got := len(m.of(k.id)); got != 20 {
		t.Errorf("%d records", got)
	}
	await(t, "one stream", func() bool {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		return len(s.server.streams) == 1
	})
}

// TestLostWelcomes has a host that never gets a welcome, and one whose confirmation
// is lost: neither is a copy.
func TestLostWelcomes(t *testing.T) {
	s := start(t, &memory{}, nil)
	k := s.host()
	w := dial(t, s.addr, k).greet(0)
	for range 5 {
		c := dial(t, s.addr, k)
		c.send(hello(w.Session))
		if c.receive().GetWelcome() == nil {
			t.Fatal("no welcome")
		}
	}
	dial(t, s.addr, k).greet(w.Session)
}

// TestCopy uses one key from two places. Both are told.
func TestCopy(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	k := s.host()
	w := dial(t, s.addr, k).greet(0)
	original := dial(t, s.addr, k)
	original.greet(w.Session)
	original.send(batch(t, 1, payload(t, "ssh-a")))
	original.ack()

	clone := dial(t, s.addr, k) // has the number of before
	clone.send(hello(w.Session))
	for name, c := range map[string]client{"clone": clone, "original": original} {
		err := c.end()
		if status.Code(err) != codes.PermissionDenied || reasonIn(err) != seawallv1.Reason_REASON_HOST_QUARANTINED {
			t.Errorf("%s is told %v", name, err)
		}
	}
	original.send(batch(t, 2, payload(t, "ssh-a"))) // nobody listens
	again := dial(t, s.addr, k)
	again.send(hello(w.Session))
	if err := again.end(); reasonIn(err) != seawallv1.Reason_REASON_HOST_QUARANTINED {
		t.Errorf("comes back to %v", err)
	}
	if got := len(m.of(k.id)); got != 1 {
		t.Errorf("store has %d records", got)
	}
}

func TestRevocationEndsTheStream(t *testing.T) {
	for name, store := range map[string]*memory{
		"idle":      {},
		"in commit": {blocked: make(chan struct{}), waiting: make(chan struct{})},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, store, nil)
			k := s.host()
			c := dial(t, s.addr, k)
			w := c.greet(0)
			if store.waiting != nil {
				c.send(batch(t, 1, payload(t, "ssh-a")))
				<-store.waiting
			} else {
				await(t, "confirmation", func() bool { m, _ := s.roster.Member(k.id); return m.Confirmed })
			}
			_, err := s.roster.Change(t.Context(), k.id, func(m *fleet.Member) error {
				m.Standing = fleet.Revoked
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.end(); reasonIn(err) != seawallv1.Reason_REASON_HOST_REVOKED {
				t.Errorf("ends with %v", err)
			}
			if len(store.have) > 0 {
				t.Error("stored")
			}
			again := dial(t, s.addr, k)
			again.send(hello(w.Session))
			if err := again.end(); reasonIn(err) != seawallv1.Reason_REASON_HOST_REVOKED {
				t.Errorf("comes back to %v", err)
			}
		})
	}
}

// TestCertificateExpires on a live stream: the next batch is refused.
func TestCertificateExpires(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	k := s.host()
	c := dial(t, s.addr, k)
	c.greet(0)
	c.send(batch(t, 1, payload(t, "ssh-a")))
	c.ack()
	s.now.advance(2 * time.Hour)
	c.send(batch(t, 2, payload(t, "ssh-a")))
	if err := c.end(); reasonIn(err) != seawallv1.Reason_REASON_CERTIFICATE_EXPIRED {
		t.Errorf("ends with %v", err)
	}
	if got := len(m.of(k.id)); got != 1 {
		t.Errorf("store has %d records", got)
	}
	again := dial(t, s.addr, k)
	again.send(hello(0))
	if err := again.end(); reasonIn(err) != seawallv1.Reason_REASON_CERTIFICATE_EXPIRED {
		t.Errorf("comes back to %v", err)
	}
}

func TestStrangers(t *testing.T) {
	s := start(t, &memory{}, nil)
	known := s.host()
	other := newCertificate(t, time.Now().Add(time.Hour))
	for name, k := range map[string]key{"a key of no host": stranger(t), "no certificate": {}} {
		config := k.tls()
		if k.certificate.Leaf == nil {
			config.Certificates = nil
		}
		conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(config)))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := (client{t, stream}).end(); status.Code(err) != codes.Unauthenticated || reasonIn(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
			t.Errorf("%s is told %v", name, err)
		}
	}
	// Another key that an authority certified for the same host is not the host's.
	m, _ := s.roster.Member(known.id)
	m.Key = fleet.KeyHash(trust.PinOf(other.Leaf))
	s.roster.Put(m)
	c := dial(t, s.addr, known)
	c.send(hello(0))
	if err := c.end(); reasonIn(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("the key of before is told %v", err)
	}
}

// bundles are what Config.Bundle returns.
type bundles struct {
	mu      sync.Mutex
	now     trust.Bundle  // guarded by mu
	changed chan struct{} // guarded by mu
}

func (b *bundles) get() (trust.Bundle, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now, b.changed
}

func (b *bundles) set(revision uint64, authorities ...*x509.Certificate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = trust.Bundle{Revision: revision, Authorities: authorities}
	if b.changed != nil {
		close(b.changed)
	}
	b.changed = make(chan struct{})
}

// TestBundle gives the bundle to a host that has an older one, at once and when it
// changes, and takes note of what the host confirms.
func TestBundle(t *testing.T) {
	one, two := newCertificate(t, time.Now()).Leaf, newCertificate(t, time.Now()).Leaf
	b := &bundles{}
	b.set(2, one)
	s := start(t, &memory{}, func(c *Config) { c.Bundle = b.get })
	k := s.host()
	c := dial(t, s.addr, k)
	w := c.greet(0)
	got := c.receive().GetBundle()
	if got.GetRevision() != 2 || len(got.Authorities) != 1 || string(got.Authorities[0]) != string(one.Raw) {
		t.Fatalf("bundle %v", got)
	}
	c.send(confirm(w.Session, 2))
	await(t, "revision 2", func() bool { m, _ := s.roster.Member(k.id); return m.Bundle == 2 })
	b.set(3, one, two)
	if got := c.receive().GetBundle(); got.GetRevision() != 3 || len(got.Authorities) != 2 {
		t.Fatalf("bundle %v", got)
	}
	c.send(confirm(w.Session, 3))
	await(t, "revision 3", func() bool { m, _ := s.roster.Member(k.id); return m.Bundle == 3 })
	c.send(batch(t, 1, payload(t, "ssh-a")))
	if got := c.ack(); got != 1 {
		t.Errorf("ack of %d", got)
	}
	c.send(confirm(w.Session, 3))
	if got := c.code(); got != codes.InvalidArgument {
		t.Errorf("a confirmation twice ends with %v", got)
	}

	current := hello(w.Session)
	current.GetHello().BundleRevision = 3
	c = dial(t, s.addr, k)
	c.send(current)
	c.send(confirm(c.receive().GetWelcome().GetSession(), 3))
	c.send(batch(t, 2, payload(t, "ssh-a")))
	if got := c.ack(); got != 2 {
		t.Errorf("a host that has the bundle is told %d", got)
	}
}

func TestHelloTimeout(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.HelloTimeout = 50 * time.Millisecond })
	if got := dial(t, s.addr, s.host()).code(); got != codes.DeadlineExceeded {
		t.Errorf("no hello: code %v", got)
	}
	c := dial(t, s.addr, s.host())
	c.send(hello(0))
	if got := c.code(); got != codes.DeadlineExceeded {
		t.Errorf("no confirmation: code %v", got)
	}
}

// TestDrain stops the server while a batch is in the store: it is acknowledged,
// the host is asked to leave, and Serve returns.
func TestDrain(t *testing.T) {
	m := &memory{blocked: make(chan struct{}), waiting: make(chan struct{})}
	s := start(t, m, nil)
	c := dial(t, s.addr, s.host())
	c.greet(0)
	c.send(batch(t, 1, payload(t, "ssh-a")))
	<-m.waiting
	idle := dial(t, s.addr, s.host())
	idle.greet(0)
	await(t, "two streams", func() bool {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		return len(s.server.streams) == 2
	})
	s.stop()
	if r, err := idle.Recv(); err != nil || r.GetDrain().GetReconnectWithinMs() < 1000 {
		t.Errorf("idle host is told %v, %v", r, err)
	}
	if got := idle.code(); got != codes.OK {
		t.Errorf("its stream ends with %v", got)
	}
	close(m.blocked)
	if got := c.ack(); got != 1 {
		t.Errorf("ack of %d", got)
	}
	if c.receive().GetDrain() == nil || c.code() != codes.OK {
		t.Error("the host that was served is not asked to leave")
	}
}

// TestOld has a stream that is old end after what was sent on it, and the host's next one
// begin at once.
func TestOld(t *testing.T) {
	const age = 400 * time.Millisecond
	s := start(t, &memory{}, func(c *Config) { c.StreamAge = age })
	host, session := s.host(), uint64(0)
	for sequence := range uint64(2) {
		c := dial(t, s.addr, host)
		began := time.Now()
		session = c.greet(session).Session
		c.send(batch(t, sequence+1, payload(t, "ssh-a")))
		if got := c.ack(); got != sequence+1 {
			t.Errorf("ack of %d, want %d", got, sequence+1)
		}
		if r := c.receive().GetDrain(); r.GetReconnectWithinMs() != anewWithin {
			t.Errorf("an old stream is told %v", r)
		}
		if got := c.code(); got != codes.OK {
			t.Errorf("it ends with %v", got)
		}
		if lived := time.Since(began); lived < age*3/4 {
			t.Errorf("it was old after %v", lived)
		}
	}
}

// TestOtherServices share listener, port and bounds.
func TestOtherServices(t *testing.T) {
	e := &enrolments{}
	s := start(t, &memory{}, func(c *Config) {
		c.Services = []func(grpc.ServiceRegistrar){func(r grpc.ServiceRegistrar) { seawallv1.RegisterEnrolmentServiceServer(r, e) }}
	})
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(stranger(t).tls())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := seawallv1.NewEnrolmentServiceClient(conn)
	if r, err := c.Enrol(t.Context(), &seawallv1.EnrolRequest{AgentVersion: "test"}); err != nil || r.GetPending().GetRetryWithinMs() != 7 {
		t.Errorf("answer %v, %v", r, err)
	}
	if !e.deadline {
		t.Error("a call has no deadline")
	}
	large := &seawallv1.EnrolRequest{SigningRequest: make([]byte, maxUnary)}
	if _, err := c.Enrol(t.Context(), large); status.Code(err) != codes.Internal {
		t.Errorf("a large request is answered with %v", err)
	}
	if _, err := c.Renew(t.Context(), &seawallv1.RenewRequest{}); status.Code(err) != codes.Internal {
		t.Errorf("a panic is answered with %v", err)
	}
}

type enrolments struct {
	seawallv1.UnimplementedEnrolmentServiceServer
	deadline bool
}

func (e *enrolments) Enrol(ctx context.Context, _ *seawallv1.EnrolRequest) (*seawallv1.EnrolResponse, error) {
	_, e.deadline = ctx.Deadline()
	return &seawallv1.EnrolResponse{Result: &seawallv1.EnrolResponse_Pending{Pending: &seawallv1.Pending{RetryWithinMs: 7}}}, nil
}

func (e *enrolments) Renew(context.Context, *seawallv1.RenewRequest) (*seawallv1.RenewResponse, error) {
	var nothing *seawallv1.RenewResponse
	return &seawallv1.RenewResponse{Credentials: nothing.Credentials}, nil
}
