package admit_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"seawall/collector/admit"
	"seawall/collector/db"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/store"
	"seawall/collector/store/erase"
	"seawall/pkg/token"
	seawallv1 "seawall/proto/seawall/v1"
	"seawall/scripts/pgtest"
)

// collector is the part that admits, with a store and a listener of its own.
type collector struct {
	*admit.Members
	t     *testing.T
	store *store.Store
	dir   string
	addr  string
}

// start starts a collector on the database. It knows the seal key of another, if given.
func start(t *testing.T, url string, key *collector) *collector {
	t.Helper()
	c := &collector{t: t, dir: t.TempDir()}
	if key != nil {
		data, err := os.ReadFile(filepath.Join(key.dir, admit.KeyFile))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(c.dir, admit.KeyFile), data, 0o600))
	}
	if url == "" {
		url = filepath.Join(c.dir, "collector.db")
	}
	log := slog.New(slog.DiscardHandler)
	var err error
	c.store, err = store.Open(t.Context(), url, store.Config{Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, c.store.Close()) })
	c.Members, err = admit.Open(t.Context(), c.config(filepath.Ext(url) != ".db"))
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c.addr = l.Addr().String()
	g := grpc.NewServer(grpc.Creds(credentials.NewTLS(c.Authority.Hosts())))
	c.Enrolment.Register(g)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	t.Cleanup(func() {
		g.Stop()
		stop()
		must(t, errors.Join(<-served, <-ran))
	})
	return c
}

func (c *collector) config(shared bool) admit.Config {
	return admit.Config{Data: c.store, Update: c.store.Update, Elsewhere: c.store.Elsewhere, Shared: shared, StateDir: c.dir}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soon waits until ok, for a bounded time.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// machine is a host.
type machine struct {
	t     *testing.T
	key   *ecdsa.PrivateKey
	host  fleet.HostID
	leaf  *x509.Certificate
	shown uint64 // the session number on its disk
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return &machine{t: t, key: key}
}

var errPending = errors.New("waits for approval")

// call speaks with a collector, with the certificate if there is one.
func (m *machine) call(c *collector, do func(context.Context, seawallv1.EnrolmentServiceClient) (*seawallv1.Credentials, error)) error {
	config := &tls.Config{InsecureSkipVerify: true} // whom it speaks with is not what this is about
	if m.leaf != nil {
		config.Certificates = []tls.Certificate{{Certificate: [][]byte{m.leaf.Raw}, PrivateKey: m.key}}
	}
	conn, err := grpc.NewClient("passthrough:///"+c.addr, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	must(m.t, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	got, err := do(ctx, seawallv1.NewEnrolmentServiceClient(conn))
	if err != nil {
		return err
	}
	m.host = fleet.HostID(hex.EncodeToString(got.GetHostId()))
	m.leaf, err = x509.ParseCertificate(got.GetChain()[0])
	return err
}

func (m *machine) enrol(c *collector, tok token.Token) error {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, m.key)
	must(m.t, err)
	return m.call(c, func(ctx context.Context, s seawallv1.EnrolmentServiceClient) (*seawallv1.Credentials, error) {
		answer, err := s.Enrol(ctx, &seawallv1.EnrolRequest{SigningRequest: csr, TokenId: tok.ID[:], TokenSecret: tok.Secret[:]})
		if err == nil && answer.GetPending() != nil {
			err = errPending
		}
		return answer.GetCredentials(), err
	})
}

func (m *machine) renew(c *collector) error {
	return m.call(c, func(ctx context.Context, s seawallv1.EnrolmentServiceClient) (*seawallv1.Credentials, error) {
		answer, err := s.Renew(ctx, &seawallv1.RenewRequest{})
		return answer.GetCredentials(), err
	})
}

// deliver begins a stream and confirms it.
func (m *machine) deliver(c *collector) (*roster.Session, error) {
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{m.leaf}}
	host, err := c.Roster.Identify(m.t.Context(), state)
	if err != nil {
		return nil, err
	}
	s, err := c.Roster.Begin(m.t.Context(), host, m.shown, state)
	if err != nil {
		return nil, err
	}
	m.shown = s.Number()
	return s, s.Confirm(m.t.Context(), s.Number(), 0)
}

func reason(err error) seawallv1.Reason {
	s, _ := status.FromError(err)
	for _, d := range s.Details() {
		if r, ok := d.(*seawallv1.Refusal); ok {
			return r.GetReason()
		}
	}
	return 0
}

func (c *collector) invite(i enrol.Invitation) token.Token {
	c.t.Helper()
	secret, _, err := c.Enrolment.Invite(c.t.Context(), i)
	must(c.t, err)
	return secret
}

// pair starts two collectors on one database.
func pair(t *testing.T) (a, b *collector) {
	url := pgtest.Start(t).New()
	a = start(t, url, nil)
	return a, start(t, url, a)
}

// TestEitherCollector goes with each step to the other collector at once, before there
// can have been news.
func TestEitherCollector(t *testing.T) {
	a, b := pair(t)
	m := newMachine(t)
	must(t, m.enrol(b, a.invite(enrol.Invitation{}))) // a token of a's
	must(t, m.renew(a))
	first, err := m.deliver(a)
	must(t, err)
	second, err := m.deliver(b)
	must(t, err)
	soon(t, "the first stream ends", func() bool { return first.Err() != nil })
	if status.Code(first.Err()) != codes.Aborted || second.Err() != nil {
		t.Errorf("the first %v, the second %v", first.Err(), second.Err())
	}
	// One that somebody else shows, or with a wrong secret, is refused by both.
	if err := newMachine(t).enrol(a, token.New(a.Authority.Pin())); reason(err) != seawallv1.Reason_REASON_TOKEN_UNKNOWN {
		t.Errorf("a token of nobody: %v", err)
	}
	stolen := a.invite(enrol.Invitation{})
	stolen.Secret[0] ^= 1
	if err := newMachine(t).enrol(b, stolen); reason(err) != seawallv1.Reason_REASON_TOKEN_UNKNOWN {
		t.Errorf("a wrong secret: %v", err)
	}
	// A token is used up with both.
	once := b.invite(enrol.Invitation{})
	must(t, newMachine(t).enrol(a, once))
	if err := newMachine(t).enrol(b, once); reason(err) != seawallv1.Reason_REASON_TOKEN_USED_UP {
		t.Errorf("a token twice: %v", err)
	}
	made := b.invite(enrol.Invitation{Uses: 2})
	must(t, newMachine(t).enrol(a, made))
	if _, err := a.Enrolment.Withdraw(t.Context(), hex.EncodeToString(made.ID[:])); err != nil {
		t.Fatal(err)
	}
	if err := newMachine(t).enrol(b, made); reason(err) != seawallv1.Reason_REASON_TOKEN_REVOKED {
		t.Errorf("a token that was withdrawn elsewhere: %v", err)
	}
}

// TestApprovedElsewhere approves with one collector what waits with the other.
func TestApprovedElsewhere(t *testing.T) {
	a, b := pair(t)
	tok := a.invite(enrol.Invitation{Approval: true, Uses: 2})
	yes, no := newMachine(t), newMachine(t)
	for _, m := range []*machine{yes, no} {
		if err := m.enrol(b, tok); !errors.Is(err, errPending) {
			t.Fatalf("not yet approved: %v", err)
		}
	}
	requests, err := a.store.Requests(t.Context())
	if err != nil || len(requests) != 2 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for m, decision := range map[*machine]fleet.Decision{yes: fleet.Approved, no: fleet.Rejected} {
		der, err := x509.MarshalPKIXPublicKey(m.key.Public())
		must(t, err)
		key := roster.KeyOf(&x509.Certificate{RawSubjectPublicKeyInfo: der})
		_, err = a.Enrolment.Decide(t.Context(), hex.EncodeToString(key[:8]), decision)
		must(t, err)
	}
	must(t, yes.enrol(b, tok))
	if err := no.enrol(b, tok); reason(err) != seawallv1.Reason_REASON_REJECTED {
		t.Errorf("rejected elsewhere: %v", err)
	}
	if _, err := yes.deliver(a); err != nil {
		t.Error(err)
	}
}

// TestEndedElsewhere revokes, quarantines and forgets with one collector a host that
// delivers to the other.
func TestEndedElsewhere(t *testing.T) {
	a, b := pair(t)
	for name, test := range map[string]struct {
		do   func(m *machine) error
		want seawallv1.Reason
	}{
		"revoked": {func(m *machine) error {
			_, err := a.Roster.Change(t.Context(), m.host, func(m *fleet.Member) error { m.Standing = fleet.Revoked; return nil })
			return err
		}, seawallv1.Reason_REASON_HOST_REVOKED},
		"a copy": {func(m *machine) error {
			thief := *m
			thief.shown = 0
			if _, err := thief.deliver(a); reason(err) != seawallv1.Reason_REASON_HOST_QUARANTINED {
				return err
			}
			return nil
		}, seawallv1.Reason_REASON_HOST_QUARANTINED},
		"forgotten": {func(m *machine) error {
			return a.Roster.Forget(t.Context(), m.host, func() error {
				_, err := a.store.Forget(t.Context(), m.host, func(db.Writer, []erase.Count) error { return nil })
				return err
			})
		}, seawallv1.Reason_REASON_HOST_REVOKED},
	} {
		m := newMachine(t)
		must(t, m.enrol(a, a.invite(enrol.Invitation{})))
		s, err := m.deliver(b)
		must(t, err)
		must(t, test.do(m))
		soon(t, name+": the stream ends", func() bool { return s.Err() != nil })
		if got := reason(s.Err()); got != test.want {
			t.Errorf("%s: %v, want %v", name, s.Err(), test.want)
		}
		if _, err := m.deliver(b); reason(err) == 0 {
			t.Errorf("%s: it delivers again: %v", name, err)
		}
	}
}

// TestAuthorityElsewhere rotates and distrusts with one collector; a host comes with its
// new certificate to the other at once.
func TestAuthorityElsewhere(t *testing.T) {
	a, b := pair(t)
	m := newMachine(t)
	must(t, m.enrol(b, b.invite(enrol.Invitation{})))
	old := *m
	must(t, a.Authority.Rotate(t.Context()))
	must(t, m.renew(a))
	if _, err := m.deliver(b); err != nil {
		t.Errorf("a certificate of the newest authority: %v", err)
	}
	if a.Authority.Pin() != b.Authority.Pin() {
		t.Error("two authorities sign")
	}
	old.shown = m.shown
	s, err := old.deliver(b)
	must(t, err)
	must(t, a.Authority.Retire(t.Context(), a.Authority.List()[0].ID, true))
	soon(t, "a stream with what is distrusted ends", func() bool { return s.Err() != nil })
	if err := old.renew(b); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("renewed with what is distrusted: %v", err)
	}
	must(t, m.renew(b))
}

// TestSessionsOfTwo has a host go to and fro for long, and never takes it for a copy.
func TestSessionsOfTwo(t *testing.T) {
	a, b := pair(t)
	m := newMachine(t)
	must(t, m.enrol(a, a.invite(enrol.Invitation{})))
	for i := range 60 {
		c := []*collector{a, b}[(i*i+i/3)%2]
		before := m.shown
		if _, err := m.deliver(c); err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
		if m.shown <= before {
			t.Fatalf("stream %d: number %#x after %#x", i, m.shown, before)
		}
	}
	soon(t, "both know the last number", func() bool {
		x, _ := a.Roster.Member(m.host)
		y, _ := b.Roster.Member(m.host)
		return x.Session == m.shown && y.Session == m.shown && x.Confirmed && y.Confirmed
	})
}

// TestAlone is a collector with a file: it keeps the authority in its folder, and takes
// over what a shared database held.
func TestAlone(t *testing.T) {
	c := start(t, "", nil)
	if _, err := os.Stat(filepath.Join(c.dir, "ca", "state.json")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, admit.KeyFile)); err == nil {
		t.Error("it has a seal key")
	}
	m := newMachine(t)
	must(t, m.enrol(c, c.invite(enrol.Invitation{})))
	if _, err := m.deliver(c); err != nil {
		t.Error(err)
	}
	// To a shared one and back.
	shared, err := admit.Open(t.Context(), c.config(true))
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(c.dir, "ca")))
	alone, err := admit.Open(t.Context(), c.config(false))
	must(t, err)
	if shared.Authority.Pin() != c.Authority.Pin() || alone.Authority.Pin() != c.Authority.Pin() {
		t.Errorf("pins %s, %s, %s", c.Authority.Pin(), shared.Authority.Pin(), alone.Authority.Pin())
	}
	registry := prometheus.NewPedanticRegistry()
	alone.Measure(registry)
	got, err := registry.Gather()
	if err != nil || len(got) != 1 || got[0].GetName() != "seawall_members" || len(got[0].GetMetric()) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := admit.Open(t.Context(), admit.Config{}); err == nil {
		t.Error("opened without a database")
	}
	if diff := cmp.Diff([]fleet.HostID{m.host}, hostsOf(alone.Roster.All())); diff != "" {
		t.Error(diff)
	}
}

// TestAuthorityLost starts without the authority that hosts believe: it makes none but on
// demand.
func TestAuthorityLost(t *testing.T) {
	c := start(t, "", nil)
	m := newMachine(t)
	must(t, m.enrol(c, c.invite(enrol.Invitation{})))
	must(t, os.RemoveAll(filepath.Join(c.dir, "ca")))
	if _, err := admit.Open(t.Context(), c.config(false)); err != nil {
		t.Errorf("no host is known to believe one: %v", err)
	}
	must(t, os.RemoveAll(filepath.Join(c.dir, "ca")))
	s, err := m.deliver(c)
	must(t, err)
	must(t, s.Confirm(t.Context(), 0, 1))
	for _, shared := range []bool{false, true} {
		if _, err := admit.Open(t.Context(), c.config(shared)); err == nil || !strings.Contains(err.Error(), "1 hosts believe one") {
			t.Errorf("shared %v: %v", shared, err)
		}
	}
	left, err := os.ReadDir(c.dir)
	must(t, err)
	for _, e := range left {
		if e.IsDir() || e.Name() == admit.KeyFile {
			t.Errorf("%s was made", e.Name())
		}
	}
	cfg := c.config(true)
	cfg.NewAuthority = true
	if _, err := admit.Open(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

func hostsOf(all []fleet.Member) (hosts []fleet.HostID) {
	for _, m := range all {
		hosts = append(hosts, m.Host)
	}
	return hosts
}
