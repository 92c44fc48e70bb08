package enrol

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
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"seawall/collector/account/tag"
	"seawall/collector/authority"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/roster/ledger"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/pkg/token"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// site is a collector's part that admits: a real store, authority and roster behind
// a real listener, with a clock that is set by hand.
type site struct {
	*Service
	t       testing.TB
	folder  string
	cfg     Config
	clock   atomic.Int64
	updates atomic.Int64 // transactions
	store   *store.Store
	addr    string
	stop    func()
}

// open opens a site that works with c.
func open(t testing.TB, c Config) *site {
	t.Helper()
	s := &site{t: t, folder: t.TempDir(), cfg: c}
	s.clock.Store(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) now() time.Time { return time.Unix(0, s.clock.Load()).UTC() }

// pass lets time pass.
func (s *site) pass(d time.Duration) { s.clock.Add(int64(d)) }

func (s *site) start() {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(s.folder, "collector.db"), store.Config{Now: s.now, Log: log})
	if err != nil {
		s.t.Fatal(err)
	}
	s.store = db
	ca, err := authority.Open(s.folder, authority.Config{Now: s.now})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := roster.New(ctx, ledger.Ledger{Update: db.Update, Read: db.Read}, roster.Config{Verify: ca.VerifyHost, Now: s.now, Log: log})
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.cfg
	c.Authority, c.Roster, c.Now, c.Log = ca, r, s.now, log
	c.Update = func(ctx context.Context, do func(*membership.Tx) error) error {
		s.updates.Add(1)
		return db.Update(ctx, do)
	}
	if s.Service, err = New(ctx, c); err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	g := grpc.NewServer(grpc.Creds(credentials.NewTLS(ca.Hosts())))
	s.Register(g)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	s.stop = func() {
		g.Stop()
		<-done
		_ = db.Close()
	}
}

// restart stops the collector and starts it on the same folder.
func (s *site) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

// invite makes a token.
func (s *site) invite(i Invitation) token.Token {
	s.t.Helper()
	secret, _, err := s.Invite(s.t.Context(), i)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// machine is a host, or a copy of one.
type machine struct {
	site  *site
	from  string // address to come from; default the system's
	name  string
	key   *ecdsa.PrivateKey
	chain [][]byte
	host  fleet.HostID
	// bundle is what it believes; without one it is told the newest.
	bundle  trust.Bundle
	patient bool
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s *site) machine(name string) *machine {
	s.t.Helper()
	return &machine{site: s, name: name, key: newKey(s.t)}
}

func (m *machine) signingRequest() []byte {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, m.key)
	if err != nil {
		m.site.t.Fatal(err)
	}
	return der
}

// call makes a connection and calls do. as is whose certificate it shows, if any.
func (m *machine) call(as *machine, do func(context.Context, seawallv1.EnrolmentServiceClient) error) error {
	config := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(state tls.ConnectionState) error {
		b := m.bundle
		if b.Revision == 0 {
			b, _ = m.site.authority().Bundle()
		}
		return b.VerifyCollector(state.PeerCertificates, m.site.now())
	}}
	if as != nil && as.chain != nil {
		config.Certificates = []tls.Certificate{{Certificate: as.chain, PrivateKey: as.key}}
	}
	dialer := &net.Dialer{}
	if m.from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(m.from)}
	}
	conn, err := grpc.NewClient("passthrough:///"+m.site.addr, grpc.WithTransportCredentials(credentials.NewTLS(config)),
		// A busy machine lets connections time out; a host tries again, too.
		grpc.WithDefaultCallOptions(grpc.WaitForReady(m.patient)),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return do(ctx, seawallv1.NewEnrolmentServiceClient(conn))
}

func (s *site) authority() *authority.Authority { return s.Service.cfg.Authority }

var errPending = errors.New("waits for approval")

// enrol asks with a token, or without one as the copy of another machine.
func (m *machine) enrol(t *token.Token, original *machine) error {
	r := &seawallv1.EnrolRequest{SigningRequest: m.signingRequest(), Machine: &seawallv1.Machine{HostName: m.name}}
	if t != nil {
		r.TokenId, r.TokenSecret = t.ID[:], t.Secret[:]
	}
	return m.ask(r, original)
}

func (m *machine) ask(r *seawallv1.EnrolRequest, original *machine) error {
	return m.call(original, func(ctx context.Context, c seawallv1.EnrolmentServiceClient) error {
		answer, err := c.Enrol(ctx, r)
		if err != nil {
			return err
		}
		if answer.GetPending() != nil {
			return errPending
		}
		return m.take(answer.GetCredentials())
	})
}

func (m *machine) renew() error {
	return m.call(m, func(ctx context.Context, c seawallv1.EnrolmentServiceClient) error {
		answer, err := c.Renew(ctx, &seawallv1.RenewRequest{})
		if err != nil {
			return err
		}
		return m.take(answer.GetCredentials())
	})
}

// take keeps credentials after a look at them.
func (m *machine) take(c *seawallv1.Credentials) error {
	leaf, err := x509.ParseCertificate(c.GetChain()[0])
	if err != nil {
		return err
	}
	if !m.key.PublicKey.Equal(leaf.PublicKey) {
		return errors.New("a certificate for another key")
	}
	if m.bundle, err = trust.ParseBundle(c.GetBundle().GetRevision(), c.GetBundle().GetAuthorities()); err != nil {
		return err
	}
	m.host, m.chain = fleet.HostID(hex.EncodeToString(c.GetHostId())), c.GetChain()
	host, err := m.site.authority().VerifyHost([]*x509.Certificate{leaf}, m.site.now())
	if err != nil {
		return err
	}
	if host != m.host {
		return errors.New("a certificate for another host")
	}
	return nil
}

// mustEnrol enrols a machine with a token of its own.
func (s *site) mustEnrol(name string) *machine {
	s.t.Helper()
	m := s.machine(name)
	t := s.invite(Invitation{})
	if err := m.enrol(&t, nil); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// reason is why a host was refused, as it reads it.
func reason(err error) seawallv1.Reason {
	s, _ := status.FromError(err)
	for _, d := range s.Details() {
		if r, ok := d.(*seawallv1.Refusal); ok {
			return r.GetReason()
		}
	}
	return 0
}

// want fails when a host was not refused for that reason.
func want(t testing.TB, what string, err error, w seawallv1.Reason) {
	t.Helper()
	if reason(err) != w {
		t.Errorf("%s: %v, want %v", what, err, w)
	}
}

// told is what the timeline says of a host's identity, newest first.
func (s *site) told(host fleet.HostID) (resources, details []string) {
	s.t.Helper()
	events, err := s.store.Timeline(s.t.Context(), fleet.TimelineQuery{Host: host, Check: membership.IdentityCheck})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range events {
		resources, details = append(resources, e.Change.Result.Resource), append(details, e.Change.Result.Actual)
	}
	return resources, details
}

// member is a host as the store has it.
func (s *site) member(host fleet.HostID) fleet.Member {
	s.t.Helper()
	members, err := s.store.Members(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range members {
		if m.Host == host {
			return m
		}
	}
	s.t.Fatalf("host %s is not a member", host)
	return fleet.Member{}
}

// used is how many hosts a token has admitted.
func (s *site) used(t token.Token) int {
	s.t.Helper()
	all, err := s.store.Tokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range all {
		if one.ID == hex.EncodeToString(t.ID[:]) {
			return one.Used
		}
	}
	s.t.Fatalf("there is no %v", t)
	return 0
}

// tags are those that a host was given, or, of no host, those of all.
func (s *site) tags(host fleet.HostID) (tags []string) {
	s.t.Helper()
	err := s.store.Read(s.t.Context(), func(q db.Querier) error {
		all, err := tag.List(s.t.Context(), q)
		tags = nil
		for _, h := range all {
			if host == "" || h.ID == host {
				tags = append(tags, h.Tags...)
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return tags
}

// retag has a person give a host other tags.
func (s *site) retag(host fleet.HostID, tags ...string) {
	s.t.Helper()
	err := s.store.Write(s.t.Context(), func(w db.Writer) error {
		_, err := tag.Set(w, s.now(), "ann", string(host), tags)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
