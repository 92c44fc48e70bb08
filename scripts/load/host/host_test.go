package host

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"seawall/agent/uplink/pace"
	"seawall/collector/authority"
	"seawall/collector/fleet"
	"seawall/pkg/squeeze"
	"seawall/pkg/token"
	seawallv1 "seawall/proto/seawall/v1"
	"seawall/scripts/load/sample"
)

type (
	request  = seawallv1.DeliverRequest
	response = seawallv1.DeliverResponse
	server   = grpc.BidiStreamingServer[request, response]
)

// double is a collector of which the tests write what it says.
type double struct {
	seawallv1.UnimplementedIngestServiceServer
	seawallv1.UnimplementedEnrolmentServiceServer
	t         *testing.T
	authority *authority.Authority
	deliver   func(server) error
	address   string
}

func (d *double) Enrol(_ context.Context, r *seawallv1.EnrolRequest) (*seawallv1.EnrolResponse, error) {
	csr, err := x509.ParseCertificateRequest(r.GetSigningRequest())
	if err != nil || csr.CheckSignature() != nil || len(r.GetTokenId()) != 8 || len(r.GetTokenSecret()) != 16 {
		return nil, status.Error(codes.InvalidArgument, "not a request")
	}
	host := fleet.HostID(strings.Repeat("0a", 16))
	chain, _, err := d.authority.Issue(host, csr.PublicKey.(*ecdsa.PublicKey))
	if err != nil {
		return nil, err
	}
	id, _ := hex.DecodeString(string(host))
	bundle, _ := d.authority.Bundle()
	return &seawallv1.EnrolResponse{Result: &seawallv1.EnrolResponse_Credentials{Credentials: &seawallv1.Credentials{
		HostId: id, Chain: chain, Bundle: &seawallv1.Bundle{Revision: bundle.Revision, Authorities: bundle.DER()},
	}}}, nil
}

func (d *double) Deliver(s server) error {
	p, _ := peer.FromContext(s.Context())
	if _, err := d.authority.VerifyHost(p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates, time.Now()); err != nil {
		d.t.Errorf("the host's certificate: %v", err)
	}
	return d.deliver(s)
}

// start runs the double, and returns a host that it enrolled.
func start(t *testing.T, deliver func(server) error) *Host {
	t.Helper()
	a, err := authority.Open(t.TempDir(), authority.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &double{t: t, authority: a, deliver: deliver, address: l.Addr().String()}
	g := grpc.NewServer(grpc.Creds(credentials.NewTLS(a.Hosts())))
	seawallv1.RegisterIngestServiceServer(g, d)
	seawallv1.RegisterEnrolmentServiceServer(g, d)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)

	id, err := NewIdentity(300)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Enrol(t.Context(), d.address, token.New(a.Pin())); err != nil {
		t.Fatal(err)
	}
	set, err := sample.New(time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := squeeze.New(maxBatch, 1)
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{Address: d.address, Set: set, Codec: codec, Tally: new(Tally), Batch: 30}, id)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// run runs the host until the test has seen enough.
func run(t *testing.T, h *Host) (stop func()) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

func welcome(session, have uint64, h *Host) *response {
	w := &seawallv1.Welcome{Protocol: protocol, MaxBatchBytes: maxBatch, MaxInFlightBytes: 1 << 20, Session: session}
	if have > 0 {
		w.Have = []*seawallv1.Position{{Lane: lane, Epoch: h.id.Epoch, Sequence: have, Digest: h.cfg.Set.Digest(have)}}
	}
	return &response{Message: &seawallv1.DeliverResponse_Welcome{Welcome: w}}
}

func ack(h *Host, sequence uint64) *response {
	return &response{Message: &seawallv1.DeliverResponse_Ack{Ack: &seawallv1.Ack{
		Position: &seawallv1.Position{Lane: lane, Epoch: h.id.Epoch, Sequence: sequence}}}}
}

// entries returns what is in a batch.
func entries(t *testing.T, b *seawallv1.Batch) []*seawallv1.Entry {
	t.Helper()
	raw := b.GetEntries()
	if b.GetCompression() == seawallv1.Compression_COMPRESSION_ZSTD {
		codec, err := squeeze.New(maxBatch, 1)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = codec.Decompress(nil, raw, int(b.GetSize())); err != nil {
			t.Errorf("a batch does not decompress: %v", err)
		}
	}
	var e seawallv1.Entries
	if err := proto.Unmarshal(raw, &e); err != nil || len(raw) != int(b.GetSize()) {
		t.Errorf("a batch of %d bytes, %d promised: %v", len(raw), b.GetSize(), err)
	}
	return e.Entries
}

// TestDeliver has a host deliver over two streams: the first ends with half of what
// was sent acknowledged, the second begins behind that.
func TestDeliver(t *testing.T) {
	var h *Host
	const all, half = 100, 40
	ready := make(chan struct{})
	streams := make(chan uint64, 10) // sessions presented
	finished := make(chan struct{})
	want := uint64(1)
	h = start(t, func(s server) error {
		<-ready
		m, err := s.Recv()
		if err != nil {
			return err
		}
		hello := m.GetHello()
		session := hello.GetSession() + 1
		streams <- hello.GetSession()
		if err := s.Send(welcome(session, want-1, h)); err != nil {
			return err
		}
		for {
			m, err := s.Recv()
			if err != nil {
				return err
			}
			if c := m.GetConfirm(); c != nil {
				if c.GetSession() != session {
					t.Errorf("confirmed session %d, given was %d", c.GetSession(), session)
				}
				continue
			}
			list := entries(t, m.GetBatch())
			if len(list) > 30 {
				t.Errorf("a batch of %d", len(list))
			}
			for _, e := range list {
				if e.GetSequence() != want || string(e.GetPayload()) != string(h.cfg.Set.Append(nil, want)) {
					t.Errorf("record %d of %d bytes, want %d", e.GetSequence(), len(e.GetPayload()), want)
				}
				want++
			}
			switch {
			case session == 1 && want > half:
				// What was not acknowledged is committed all the same, and what came
				// after it is not.
				want = half + 1
				return status.Error(codes.Unavailable, "restart")
			case want > all:
				_ = s.Send(ack(h, all))
				close(finished)
				<-s.Context().Done()
				return nil
			}
		}
	})
	close(ready)
	h.Make(all)
	stop := run(t, h)
	<-finished
	deadline := time.After(20 * time.Second)
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for h.Pending() > 0 {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("the acknowledgement does not arrive")
		}
	}
	stop()
	if a, b := <-streams, <-streams; a != 0 || b != 1 {
		t.Errorf("sessions presented: %d, %d", a, b)
	}
	if id := h.Identity(); id.Acked != all || id.Session != 2 {
		t.Errorf("identity %d acked, session %d", id.Acked, id.Session)
	}
	if n := h.cfg.Tally.Acked.Load(); int(n) != h.cfg.Set.Findings(all) {
		t.Errorf("%d findings counted, want %d", n, h.cfg.Set.Findings(all))
	}
	if h.cfg.Tally.Repeated.Load() == 0 {
		t.Error("no record counts as sent twice")
	}
	if b := h.cfg.Tally.Breaches(); b != nil {
		t.Errorf("breaches: %v", b)
	}
	if ends := h.cfg.Tally.Ends(); ends["Unavailable: restart"] != 1 {
		t.Errorf("streams ended: %v", ends)
	}
	attempts, welcomes := h.cfg.Tally.Since(time.Now().Add(-time.Hour))
	if len(attempts) != 2 || len(welcomes) != 2 || h.cfg.Tally.Connected.Load() != 0 {
		t.Errorf("%d attempts, %d welcomes, %d connected", len(attempts), len(welcomes), h.cfg.Tally.Connected.Load())
	}
}

// TestBreaches has the collector do what it must not.
func TestBreaches(t *testing.T) {
	for name, test := range map[string]struct {
		want string
		say  func(h *Host) []*response
	}{
		"ack of what was not sent": {"acknowledged", func(h *Host) []*response { return []*response{welcome(1, 0, h), ack(h, 1000)} }},
		"position beyond":          {"sent was", func(h *Host) []*response { return []*response{welcome(1, 99, h)} }},
		"second welcome":           {"second welcome", func(h *Host) []*response { return []*response{welcome(1, 0, h), welcome(2, 0, h)} }},
		"same session":             {"comes after", func(h *Host) []*response { return []*response{welcome(0, 0, h)} }},
		"no welcome":               {"no welcome", func(h *Host) []*response { return []*response{ack(h, 1)} }},
		"lost what it had":         {"acknowledged was 5", func(h *Host) []*response { h.id.Acked = 5; return []*response{welcome(1, 4, h)} }},
		"another record": {"another digest", func(h *Host) []*response {
			h.highest = 5
			w := welcome(1, 5, h)
			w.GetWelcome().Have[0].Digest++
			return []*response{w}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var h *Host
			said := make(chan struct{}, 10)
			ready := make(chan struct{})
			h = start(t, func(s server) error {
				<-ready
				for _, m := range test.say(h) {
					if err := s.Send(m); err != nil {
						return err
					}
				}
				said <- struct{}{}
				return nil
			})
			close(ready)
			stop := run(t, h)
			<-said
			deadline := time.After(20 * time.Second)
			poll := time.NewTicker(time.Millisecond)
			defer poll.Stop()
			for len(h.cfg.Tally.Breaches()) == 0 {
				select {
				case <-poll.C:
				case <-deadline:
					t.Fatal("not noticed")
				}
			}
			stop()
			if b := h.cfg.Tally.Breaches(); !strings.Contains(b[0], test.want) {
				t.Errorf("breaches: %v", b)
			}
		})
	}
}

// TestRefusal ends a host, and one of another kind does not.
func TestRefusal(t *testing.T) {
	refused, err := status.New(codes.PermissionDenied, "no").WithDetails(&seawallv1.Refusal{Reason: seawallv1.Reason_REASON_HOST_QUARANTINED})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	h := start(t, func(server) error {
		if calls++; calls < 3 {
			return status.Error(codes.Unavailable, "later")
		}
		return refused.Err()
	})
	h.Run(t.Context())
	if b := h.cfg.Tally.Breaches(); len(b) != 1 || !strings.Contains(b[0], "QUARANTINED") || calls != 3 {
		t.Errorf("after %d calls: %v", calls, b)
	}
}

func TestCredit(t *testing.T) {
	h := &Host{cfg: Config{Tally: new(Tally)}, credit: 100}
	s := &stream{Host: h}
	b := func(n int) *seawallv1.Batch { return &seawallv1.Batch{Entries: make([]byte, n)} }
	if !s.depart(b(500), 10) {
		t.Error("one batch may always be sent")
	}
	if s.depart(b(1), 11) {
		t.Error("more than the credit is in flight")
	}
	h.inFlight, h.flight = 60, nil
	if !s.depart(b(40), 11) || s.depart(b(1), 12) {
		t.Error("the credit is not used up, or passed")
	}
	if h.sent != 11 || h.highest != 11 || len(h.flight) != 1 {
		t.Errorf("sent %d, highest %d, %v", h.sent, h.highest, h.flight)
	}
}

// TestPlan holds the pauses to the uplink's bounds.
func TestPlan(t *testing.T) {
	h := &Host{backoff: pace.NewBackoff()}
	for n, limit := 0, pace.Base; n < 20; n++ {
		if p := h.plan(outcome{}); p < 0 || p >= limit {
			t.Errorf("pause %d is %v, limit %v", n, p, limit)
		}
		limit = min(2*limit, maxBackoff)
	}
	h.backoff.Random = func(limit time.Duration) time.Duration { return limit }
	if p := h.plan(outcome{lived: stableAfter}); p != pace.Base {
		t.Errorf("after a good stream the pause is %v at most", p)
	}
	if p := h.plan(outcome{shut: true}); p < pace.Crowd || p > maxBackoff {
		t.Errorf("%v at most after the door was shut", p)
	}
	if p := h.plan(outcome{drained: true, within: time.Millisecond, lived: time.Minute}); p != time.Millisecond {
		t.Errorf("%v after a drain within a millisecond", p)
	}
}

// TestSource gives each host an address of its own on loopback.
func TestSource(t *testing.T) {
	seen := make(map[string]bool)
	for n := range 70_000 {
		a := (&Identity{Number: n}).Source()
		if !a.IsLoopback() || seen[a.String()] || strings.HasSuffix(a.String(), ".0") {
			t.Fatalf("host %d has %v", n, a)
		}
		seen[a.String()] = true
	}
}

func TestTallyIsBounded(t *testing.T) {
	var tally Tally
	for range 3 * maxBreaches {
		tally.breach(1, "again")
	}
	if b := tally.Breaches(); len(b) != maxBreaches+1 || b[maxBreaches] != "and 40 more" {
		t.Errorf("%d breaches, the last %q", len(b), b[len(b)-1])
	}
}
