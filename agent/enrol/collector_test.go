package enrol

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"seawall/agent/identity"
	"seawall/agent/machine"
	"seawall/collector/authority"
	"seawall/collector/fleet"
	"seawall/pkg/token"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// clock is a time that tests shift.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// call is what a collector was asked.
type call struct {
	request *seawallv1.EnrolRequest // nil for a renewal
	key     string                  // of the signing request or certificate
	from    string                  // host of the client's certificate
}

// collector is a real authority and listener with an enrolment service that
// answers as the test says.
type collector struct {
	seawallv1.UnimplementedEnrolmentServiceServer
	authority *authority.Authority
	address   string
	answer    func(c *collector, n int, asked call) (any, error) // of pending, host id or error

	mu    sync.Mutex
	calls []call
}

func newCollector(t *testing.T, now func() time.Time, answer func(c *collector, n int, asked call) (any, error)) *collector {
	t.Helper()
	a, err := authority.Open(t.TempDir(), authority.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{authority: a, address: listener.Addr().String(), answer: answer}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(a.Hosts())))
	seawallv1.RegisterEnrolmentServiceServer(server, c)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *collector) asked() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]call(nil), c.calls...)
}

// take notes a call and gives the key a certificate if the answer is a host.
func (c *collector) take(asked call, key *ecdsa.PublicKey) (*seawallv1.Credentials, *seawallv1.Pending, error) {
	c.mu.Lock()
	n := len(c.calls)
	c.calls = append(c.calls, asked)
	c.mu.Unlock()
	result, err := c.answer(c, n, asked)
	if err != nil {
		return nil, nil, err
	}
	if p, ok := result.(*seawallv1.Pending); ok {
		return nil, p, nil
	}
	host := result.(string)
	chain, _, err := c.authority.Issue(fleet.HostID(host), key)
	if err != nil {
		return nil, nil, err
	}
	id, err := hex.DecodeString(host)
	b, _ := c.authority.Bundle()
	return &seawallv1.Credentials{HostId: id, Chain: chain, Bundle: &seawallv1.Bundle{Revision: b.Revision, Authorities: b.DER()}}, nil, err
}

func (c *collector) Enrol(ctx context.Context, r *seawallv1.EnrolRequest) (*seawallv1.EnrolResponse, error) {
	request, err := x509.ParseCertificateRequest(r.GetSigningRequest())
	if err != nil {
		return nil, err
	}
	asked := call{request: r, key: fmt.Sprint(request.PublicKey), from: bearer(ctx)}
	credentials, pending, err := c.take(asked, request.PublicKey.(*ecdsa.PublicKey))
	if err != nil {
		return nil, err
	}
	if pending != nil {
		return &seawallv1.EnrolResponse{Result: &seawallv1.EnrolResponse_Pending{Pending: pending}}, nil
	}
	return &seawallv1.EnrolResponse{Result: &seawallv1.EnrolResponse_Credentials{Credentials: credentials}}, nil
}

func (c *collector) Renew(ctx context.Context, _ *seawallv1.RenewRequest) (*seawallv1.RenewResponse, error) {
	chain := certificates(ctx)
	if len(chain) == 0 {
		return nil, refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
	}
	key := chain[0].PublicKey.(*ecdsa.PublicKey)
	credentials, _, err := c.take(call{key: fmt.Sprint(key), from: bearer(ctx)}, key)
	if err != nil {
		return nil, err
	}
	return &seawallv1.RenewResponse{Credentials: credentials}, nil
}

func certificates(ctx context.Context) []*x509.Certificate {
	p, _ := peer.FromContext(ctx)
	return p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates
}

func bearer(ctx context.Context) string {
	if chain := certificates(ctx); len(chain) > 0 && len(chain[0].URIs) > 0 {
		return strings.TrimPrefix(chain[0].URIs[0].String(), "seawall:host:")
	}
	return ""
}

// refuse is a refusal as the collector sends it.
func refuse(r seawallv1.Reason) error {
	s, err := status.New(codes.PermissionDenied, "refused").WithDetails(&seawallv1.Refusal{Reason: r})
	if err != nil {
		return err
	}
	return s.Err()
}

// hostOf is a host's id with that first digit.
func hostOf(digit string) string { return strings.Repeat(digit, 32) }

// host is a host whose pauses pass at once, and shift its clock.
type host struct {
	t     *testing.T
	dir   string
	clock *clock
	log   *strings.Builder
	cfg   Config

	mu     sync.Mutex
	here   machine.Machine
	waits  []time.Duration
	onWait func(n int) // after each wait
}

func newHost(t *testing.T, c *collector, clk *clock) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir(), clock: clk, log: &strings.Builder{}, here: machine.Machine{HostName: "h", DropletID: "1", MachineID: "aa"}}
	h.cfg = Config{
		StateDir: h.dir, TokenFile: filepath.Join(h.dir, "token"), Version: "v1",
		Now: clk.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
		Machine: func() (machine.Machine, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.here, nil
		},
		Wait: func(ctx context.Context, d time.Duration) bool {
			clk.advance(d)
			h.mu.Lock()
			h.waits = append(h.waits, d)
			n, act := len(h.waits), h.onWait
			h.mu.Unlock()
			if act != nil {
				act(n)
			}
			return ctx.Err() == nil
		},
	}
	if c != nil {
		h.cfg.Collector = c.address
	}
	return h
}

// start is a start of the program: everything is read from the disk again.
func (h *host) start() *Enrolment {
	h.t.Helper()
	id, err := identity.Open(h.dir, identity.Config{Now: h.clock.Now})
	if err != nil {
		h.t.Fatal(err)
	}
	h.cfg.Identity = id
	return New(h.cfg)
}

// put puts a new token into the token file.
func (h *host) put(pin trust.Pin) token.Token {
	h.t.Helper()
	t := token.New(pin)
	if err := os.WriteFile(h.cfg.TokenFile, []byte(t.Text()+"\n"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return t
}

func (h *host) ensure(ctx context.Context) *Enrolment {
	h.t.Helper()
	e := h.start()
	if err := e.Ensure(ctx); err != nil {
		h.t.Fatalf("%v; log:\n%s", err, h.log)
	}
	return e
}

// ended is a context that ends after n waits of the host.
func (h *host) ended(n int) context.Context {
	ctx, cancel := context.WithCancel(h.t.Context())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = nil
	h.onWait = func(done int) {
		if done >= n {
			cancel()
		}
	}
	return ctx
}
