package uplink

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"seawall/agent/spool"
	"seawall/agent/uplink/pace"
	"seawall/pkg/squeeze"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// collector is a real server with a store in memory.
type collector struct {
	seawallv1.UnimplementedIngestServiceServer

	t       testing.TB
	addr    string
	trust   *authority
	cert    tls.Certificate
	server  *grpc.Server
	stop    func()
	options []grpc.ServerOption
	welcome *seawallv1.Welcome // its Have is filled in
	// serve takes the place of the answer to batches.
	serve func(stream grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when something came
	have    map[string]spool.Position
	got     map[string][]string // payloads by lane
	repeats int                 // records that it had already
	streams int
	host    string
	hello   *seawallv1.Hello
	session uint64 // given last
	confirm *seawallv1.Confirm
	gaps    []string
	digests map[string]uint64 // of the positions; 0 when not known
}

func newCollector(t testing.TB) *collector {
	ca := newAuthority(t)
	c := &collector{
		t: t, trust: ca,
		// Not .1, from where the uplink's own attempts may take the port while the
		// collector is down.
		addr: "127.0.0.2:0", cert: ca.collector(t),
		welcome: &seawallv1.Welcome{Protocol: protocol},
		changed: make(chan struct{}), have: map[string]spool.Position{}, got: map[string][]string{},
		digests: map[string]uint64{},
	}
	t.Cleanup(func() {
		if c.stop != nil {
			c.stop()
		}
	})
	return c
}

// start listens, again at the same address when it did before.
func (c *collector) start() *collector {
	c.t.Helper()
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.addr = l.Addr().String()
	c.serveOn(l)
	return c
}

func (c *collector) serveOn(l net.Listener) {
	policy := keepalive.EnforcementPolicy{MinTime: 10 * time.Second} // as the collector's
	c.server = grpc.NewServer(append(c.options, grpc.KeepaliveEnforcementPolicy(policy), grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{c.cert}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13,
	})))...)
	seawallv1.RegisterIngestServiceServer(c.server, c)
	served := make(chan struct{})
	go func() {
		defer close(served)
		c.server.Serve(l)
	}()
	c.stop = func() {
		c.server.Stop()
		<-served // the address is free
	}
}

func (c *collector) Deliver(stream grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error {
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	if err := c.greet(stream, m.GetHello()); err != nil {
		return err
	}
	if c.serve != nil {
		return c.serve(stream)
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := stream.Send(ack(c.take(m.GetBatch()))); err != nil {
			return err
		}
	}
}

// greet answers a hello and waits for the confirmation.
func (c *collector) greet(stream grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse], hello *seawallv1.Hello) error {
	p, _ := peer.FromContext(stream.Context())
	leaf := p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates[0]
	w := proto.CloneOf(c.welcome)
	c.mu.Lock()
	c.host, c.hello = strings.TrimPrefix(leaf.URIs[0].Opaque, "host:"), hello
	c.streams++
	if w.Session == 0 {
		w.Session = max(c.session, hello.GetSession()) + 1
		c.session = w.Session
	}
	for lane, pos := range c.have {
		w.Have = append(w.Have, &seawallv1.Position{Lane: lane, Epoch: pos.Epoch, Sequence: pos.Seq, Digest: c.digests[lane]})
	}
	c.notify()
	c.mu.Unlock()
	if err := stream.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Welcome{Welcome: w}}); err != nil {
		return err
	}
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirm = m.GetConfirm()
	c.notify()
	if c.confirm.GetSession() != w.Session {
		c.t.Errorf("first message behind the welcome is %v", m)
	}
	return nil
}

func ack(p *seawallv1.Position) *seawallv1.DeliverResponse {
	return &seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Ack{Ack: &seawallv1.Ack{Position: p}}}
}

// entries returns what a batch holds.
func entries(t testing.TB, b *seawallv1.Batch) []*seawallv1.Entry {
	raw := b.GetEntries()
	if b.GetCompression() == seawallv1.Compression_COMPRESSION_ZSTD {
		c, err := squeeze.New(1<<20, 1)
		if err == nil {
			raw, err = c.Decompress(nil, raw, int(b.GetSize()))
		}
		if err != nil {
			t.Errorf("batch: %v", err)
		}
	}
	var e seawallv1.Entries
	if err := proto.Unmarshal(raw, &e); err != nil || len(raw) != int(b.GetSize()) {
		t.Errorf("batch of %d bytes, said to be %d: %v", len(raw), b.GetSize(), err)
	}
	return e.Entries
}

// take commits a batch and returns what to acknowledge.
func (c *collector) take(b *seawallv1.Batch) *seawallv1.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range b.GetGaps() {
		c.gaps = append(c.gaps, fmt.Sprintf("%s %d–%d %s", b.Lane, g.From, g.To, g.Reason))
	}
	for _, e := range entries(c.t, b) {
		if have := c.have[b.Lane]; have.Epoch == b.Epoch && e.Sequence <= have.Seq {
			c.repeats++
			continue
		}
		c.have[b.Lane] = spool.Position{Epoch: b.Epoch, Seq: e.Sequence}
		c.digests[b.Lane] = digestOf(e.Payload)
		c.got[b.Lane] = append(c.got[b.Lane], string(e.Payload))
	}
	c.notify()
	return &seawallv1.Position{Lane: b.GetLane(), Epoch: b.GetEpoch(), Sequence: c.have[b.GetLane()].Seq}
}

func (c *collector) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait returns when what holds, which is looked at under the lock.
func (c *collector) wait(what string, holds func() bool) {
	c.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		ok, changed := holds(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("waited in vain for %s; %d streams, have %v", what, c.streams, c.have)
		}
	}
}

func (c *collector) waitFor(lane string, want []string) {
	c.t.Helper()
	c.wait(fmt.Sprintf("%d records of %s", len(want), lane), func() bool { return len(c.got[lane]) >= len(want) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(want, c.got[lane]); diff != "" {
		c.t.Errorf("lane %s differs (-want +got):\n%s", lane, diff)
	}
}

// link is a spool, an uplink and what they need.
type link struct {
	t      testing.TB
	spool  *spool.Spool
	cfg    Config
	log    *safeBuffer
	states chan State
	stop   func() // ends the uplink and waits
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newTestLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func newLink(t testing.TB, c *collector) *link {
	t.Helper()
	dir := t.TempDir()
	l := &link{t: t, log: &safeBuffer{}, states: make(chan State, 1000)}
	var err error
	if l.spool, err = spool.Open(filepath.Join(dir, "spool"), spool.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.spool.Close() })
	l.cfg = Config{
		Spool: filepath.Join(dir, "spool"), StateDir: dir, Collector: c.addr, Identity: c.trust.enrol(t, dir),
		MaxBackoff: 50 * time.Millisecond, Version: "test",
		Log: newTestLog(l.log),
		OnChange: func(s State) {
			select {
			case l.states <- s:
			default:
			}
		},
	}
	return l
}

func (l *link) start() *Uplink {
	l.t.Helper()
	u, err := New(l.cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	// A host that is turned away at the door pauses for up to 12 seconds; no test has so much time.
	random := u.pause.Random
	u.pause.Random = func(limit time.Duration) time.Duration { return random(min(limit, pace.Base)) }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Errorf("run: %v", err)
		}
	})
	l.t.Cleanup(l.stop)
	return u
}

func (l *link) append(lane, payload string) {
	l.t.Helper()
	if _, err := l.spool.AppendSync(lane, []byte(payload)); err != nil {
		l.t.Fatal(err)
	}
}

// waitState waits for a state.
func (l *link) waitState(what string, ok func(State) bool) State {
	l.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case s := <-l.states:
			if ok(s) {
				return s
			}
		case <-deadline.C:
			l.t.Fatalf("waited in vain for %s; log:\n%s", what, l.log)
		}
	}
}

func TestDelivers(t *testing.T) {
	c := newCollector(t).start()
	l := newLink(t, c)
	var want []string
	for i := range 1200 {
		want = append(want, fmt.Sprintf("record %d", i))
		if _, err := l.spool.Append("posture", []byte(want[i])); err != nil {
			t.Fatal(err)
		}
	}
	l.append("posture", "synced")
	want = append(want, "synced")
	u := l.start()
	c.waitFor("posture", want)
	l.append("health", "beat")
	c.waitFor("health", []string{"beat"})

	// Live records, one at a time.
	var worst time.Duration
	for i := range 50 {
		want = append(want, fmt.Sprintf("live %d", i))
		begin := time.Now()
		l.append("posture", want[len(want)-1])
		c.wait("a live record", func() bool { return len(c.got["posture"]) == len(want) })
		worst = max(worst, time.Since(begin))
	}
	t.Logf("append to the collector's hands: worst of 50 %v", worst)
	c.waitFor("posture", want)
	if c.repeats > 0 {
		t.Errorf("%d records came twice", c.repeats)
	}
	if c.host != l.cfg.Identity.Host() || len(c.host) != 32 {
		t.Errorf("collector sees host %q, uplink is %q", c.host, l.cfg.Identity.Host())
	}
	if h := c.hello; h.Protocol != 2 || h.AgentVersion != "test" || len(h.Oldest) != 1 || h.Oldest[0].Sequence != 1 || h.Oldest[0].Lane != "posture" {
		t.Errorf("hello %v", h)
	}
	if s := u.State(); !s.Connected || s.Error != "" {
		t.Errorf("state %+v", s)
	}
	l.stop()
	s, err := ReadState(l.cfg.StateDir)
	if err != nil || s.Connected || s.Acked["health"].Seq != 1 || s.Host != c.host || s.Collector != c.addr {
		t.Errorf("state file: %+v, %v", s, err)
	}
}

func TestSpoolMadeLater(t *testing.T) {
	c := newCollector(t).start()
	l := newLink(t, c)
	l.cfg.Spool = filepath.Join(t.TempDir(), "later")
	l.start()
	l.waitState("connection", func(s State) bool { return s.Connected })
	sp, err := spool.Open(l.cfg.Spool, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	if _, err := sp.AppendSync("posture", []byte("first")); err != nil {
		t.Fatal(err)
	}
	c.waitFor("posture", []string{"first"})
}

// TestResume restarts each side in turn. The collector has the last word on what
// comes next.
func TestResume(t *testing.T) {
	c := newCollector(t).start()
	l := newLink(t, c)
	l.append("posture", "1")
	l.append("posture", "2")
	l.start()
	c.waitFor("posture", []string{"1", "2"})

	l.stop() // the uplink restarts
	l.append("posture", "3")
	l.start()
	c.waitFor("posture", []string{"1", "2", "3"})

	c.stop() // the collector restarts
	l.append("posture", "4")
	c.start()
	c.waitFor("posture", []string{"1", "2", "3", "4"})
	if c.repeats > 0 {
		t.Errorf("%d records came twice", c.repeats)
	}

	c.stop() // the collector comes back from an old backup
	c.mu.Lock()
	c.have["posture"] = spool.Position{Epoch: l.spool.Epoch(), Seq: 1}
	c.digests["posture"] = digestOf([]byte("1"))
	c.got["posture"] = []string{"1"}
	c.mu.Unlock()
	c.start()
	c.waitFor("posture", []string{"1", "2", "3", "4"})
	if !strings.Contains(l.log.String(), "collector has less than it acknowledged") {
		t.Error("nothing in the log about what the collector lost")
	}

	c.stop() // a collector with positions of another spool
	c.mu.Lock()
	c.have["posture"] = spool.Position{Epoch: 12345, Seq: 99}
	c.got["posture"] = nil
	c.mu.Unlock()
	c.start()
	c.waitFor("posture", []string{"1", "2", "3", "4"})
}

// TestRestarts stops and starts the collector all the time while records come.
func TestRestarts(t *testing.T) {
	c := newCollector(t).start()
	l := newLink(t, c)
	l.start()
	var want []string
	for round := range 10 {
		for i := range 20 {
			want = append(want, fmt.Sprint(round, i))
			l.append("posture", want[len(want)-1])
		}
		c.stop()
		c.start()
	}
	c.waitFor("posture", want)
	if c.repeats > 0 {
		t.Errorf("%d records came twice", c.repeats)
	}
}

// TestWrongCollector is not spoken to: one of another authority, a host that plays
// the collector, one whose certificate has expired.
func TestWrongCollector(t *testing.T) {
	c := newCollector(t)
	for name, cert := range map[string]tls.Certificate{
		"another authority": newAuthority(t).collector(t),
		"a host":            c.trust.issue(t, &x509.Certificate{URIs: []*url.URL{trust.HostURI(hostName)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}),
		"another name":      c.trust.issue(t, &x509.Certificate{DNSNames: []string{"example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}),
		"expired": c.trust.issue(t, &x509.Certificate{
			DNSNames: []string{trust.CollectorName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		}),
	} {
		t.Run(name, func(t *testing.T) {
			other := newCollector(t)
			other.trust, other.cert = c.trust, cert
			l := newLink(t, other.start())
			l.append("posture", "secret")
			l.start()
			s := l.waitState("refusal", func(s State) bool { return s.Attempts >= 2 })
			if !strings.Contains(s.Error, "collector's certificate") {
				t.Errorf("error %q", s.Error)
			}
			other.mu.Lock()
			defer other.mu.Unlock()
			if other.streams > 0 {
				t.Error("the collector got a stream")
			}
		})
	}
}

func TestDrain(t *testing.T) {
	c := newCollector(t)
	c.serve = func(stream grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		c.take(m.GetBatch())
		stream.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Drain{Drain: &seawallv1.Drain{ReconnectWithinMs: 30}}})
		<-stream.Context().Done()
		return nil
	}
	l := newLink(t, c.start())
	l.start()
	for i, p := range []string{"1", "2", "3"} {
		l.append("posture", p)
		c.wait("a record on each stream", func() bool { return len(c.got["posture"]) == i+1 && c.streams >= i+1 })
	}
	s := l.waitState("drain", func(s State) bool { return !s.Connected })
	if s.Error != errDrain.Error() {
		t.Errorf("error %q, want %q", s.Error, errDrain)
	}
}

// TestInFlight leaves batches unacknowledged: what comes is bounded, and goes on
// when they are acknowledged.
func TestInFlight(t *testing.T) {
	const flight = 200 << 10
	c := newCollector(t)
	c.welcome.MaxBatchBytes, c.welcome.MaxInFlightBytes = minBatch, flight
	release := make(chan struct{})
	stalled := make(chan int, 1)
	c.serve = func(stream grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error {
		got := make(chan *seawallv1.Batch)
		go func() {
			defer close(got)
			for {
				m, err := stream.Recv()
				if err != nil {
					return
				}
				got <- m.GetBatch()
			}
		}()
		bytes := 0
		var last *seawallv1.Position
		quiet := time.NewTimer(300 * time.Millisecond)
		for waiting := true; waiting; {
			select {
			case b := <-got:
				last = c.take(b)
				bytes += len(b.Entries)
			case <-quiet.C:
				waiting = false
			}
		}
		stalled <- bytes
		<-release
		stream.Send(ack(last))
		for b := range got {
			stream.Send(ack(c.take(b)))
		}
		return nil
	}
	l := newLink(t, c.start())
	var want []string
	for range 40 {
		payload := make([]byte, 30<<10)
		rand.Read(payload) // not to be compressed
		want = append(want, string(payload))
		l.append("posture", string(payload))
	}
	l.start()
	if n := <-stalled; n > flight || n < flight/2 {
		t.Errorf("%d bytes in flight, bound %d", n, flight)
	}
	close(release)
	c.waitFor("posture", want)
}

// TestHostileCollector lets a collector that holds the right key misbehave.
func TestHostileCollector(t *testing.T) {
	type stream = grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	sendOne := func(r func(b *seawallv1.Batch) *seawallv1.DeliverResponse) func(stream) error {
		return func(s stream) error {
			m, err := s.Recv()
			if err != nil {
				return err
			}
			s.Send(r(m.GetBatch()))
			<-s.Context().Done()
			return nil
		}
	}
	broke := errProtocol.Error()
	for _, tt := range []struct {
		name    string
		welcome *seawallv1.Welcome
		serve   func(stream) error
		want    string
	}{
		{"ack beyond what was sent", nil, sendOne(func(b *seawallv1.Batch) *seawallv1.DeliverResponse {
			return ack(&seawallv1.Position{Lane: b.Lane, Epoch: b.Epoch, Sequence: 1 << 40})
		}), broke},
		{"ack of another epoch", nil, sendOne(func(b *seawallv1.Batch) *seawallv1.DeliverResponse {
			return ack(&seawallv1.Position{Lane: b.Lane, Epoch: b.Epoch + 1, Sequence: 1})
		}), broke},
		{"ack of no lane", nil, sendOne(func(b *seawallv1.Batch) *seawallv1.DeliverResponse {
			return ack(&seawallv1.Position{Lane: "../../etc", Epoch: b.Epoch, Sequence: 1})
		}), broke},
		{"ack of nothing", nil, sendOne(func(b *seawallv1.Batch) *seawallv1.DeliverResponse { return ack(nil) }), broke},
		{"second welcome", nil, sendOne(func(b *seawallv1.Batch) *seawallv1.DeliverResponse {
			return &seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Welcome{Welcome: &seawallv1.Welcome{Protocol: 2}}}
		}), broke},
		{"other protocol", &seawallv1.Welcome{Protocol: 3}, nil, broke},
		{"tiny batches", &seawallv1.Welcome{Protocol: 2, MaxBatchBytes: 100}, nil, broke},
		{"huge message", nil, sendOne(func(b *seawallv1.Batch) *seawallv1.DeliverResponse {
			return ack(&seawallv1.Position{Lane: strings.Repeat("x", 1<<20)})
		}), "ResourceExhausted"},
		{"closes at once", nil, func(stream) error { return nil }, errClosed.Error()},
		{"error with a terminal sequence", nil, func(stream) error { return errors.New("\x1b[2J\nREADY=1") }, `\x1b[2J\nREADY=1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t)
			c.serve = tt.serve
			if tt.welcome != nil {
				c.welcome = tt.welcome
			}
			l := newLink(t, c.start())
			l.append("posture", "x")
			l.start()
			s := l.waitState("the error", func(s State) bool { return s.Error != "" })
			if !strings.Contains(s.Error, tt.want) {
				t.Errorf("error %q, want %q", s.Error, tt.want)
			}
			l.waitState("another attempt", func(s State) bool { return s.Connected || s.Attempts > 1 })
		})
	}
}

// TestHostileBytes speaks something else than HTTP/2 behind a good handshake, and
// nothing at all.
func TestHostileBytes(t *testing.T) {
	for name, speak := range map[string]func(net.Conn){
		"noise": func(conn net.Conn) {
			b := make([]byte, 1<<20)
			rand.Read(b)
			conn.Write(b)
			io.Copy(io.Discard, conn)
		},
		"silence": func(conn net.Conn) { io.Copy(io.Discard, conn) },
		"hang up": func(net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			lis, err := tls.Listen("tcp", c.addr, &tls.Config{
				Certificates: []tls.Certificate{c.cert}, ClientAuth: tls.RequireAnyClientCert, NextProtos: []string{"h2"},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer lis.Close()
			c.addr = lis.Addr().String()
			var wg sync.WaitGroup
			defer wg.Wait()
			defer lis.Close()
			wg.Go(func() {
				for {
					conn, err := lis.Accept()
					if err != nil {
						return
					}
					wg.Go(func() {
						defer conn.Close()
						speak(conn)
					})
				}
			})
			l := newLink(t, c)
			l.cfg.patience = 300 * time.Millisecond
			l.start()
			l.waitState("attempts", func(s State) bool { return s.Attempts >= 3 && !s.Connected })
			l.stop()
		})
	}
}

// TestOldTLS refuses a collector that speaks no TLS 1.3.
func TestOldTLS(t *testing.T) {
	c := newCollector(t)
	lis, err := tls.Listen("tcp", c.addr, &tls.Config{Certificates: []tls.Certificate{c.cert}, MaxVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	defer func() { lis.Close(); <-done }()
	c.addr = lis.Addr().String()
	l := newLink(t, c)
	l.start()
	s := l.waitState("refusal", func(s State) bool { return s.Error != "" })
	if !strings.Contains(s.Error, "protocol version") {
		t.Errorf("error %q", s.Error)
	}
}

func TestOneUplinkPerStateDir(t *testing.T) {
	c := newCollector(t).start()
	l := newLink(t, c)
	l.start()
	l.waitState("connection", func(s State) bool { return s.Connected })
	second, err := New(l.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another uplink") {
		t.Errorf("second uplink: %v", err)
	}
}

func TestStateIgnored(t *testing.T) {
	c := newCollector(t).start()
	for name, text := range map[string]string{
		"garbage": "\x00\x01garbage", "other shape": `{"acked": 5}`, "huge": strings.Repeat(" ", maxStateFile+1),
		"future": `{"acked": {"posture": {"Epoch": 1, "Seq": 18446744073709551615}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLink(t, c)
			if err := os.WriteFile(filepath.Join(l.cfg.StateDir, stateFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			l.append("posture", name)
			l.start()
			c.wait("the record", func() bool { return slices.Contains(c.got["posture"], name) })
			l.stop()
			c.mu.Lock()
			defer c.mu.Unlock()
			clear(c.have)
		})
	}
}
