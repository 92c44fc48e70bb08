package ingest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"seawall/collector/fleet"
	"seawall/collector/identity"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"
)

// memory is a store in memory. Its fields are changed before the server runs.
type memory struct {
	mu      sync.Mutex
	have    map[fleet.HostID][]fleet.Delivery // guarded by mu
	fail    error
	full    bool
	blocked chan struct{} // when not nil, Apply waits for it
	panics  bool
}

func (m *memory) Admit(context.Context, fleet.HostID) error {
	if m.full {
		return fleet.ErrFull
	}
	return nil
}

func (m *memory) Positions(_ context.Context, host fleet.HostID) ([]fleet.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if all := m.have[host]; len(all) > 0 {
		d := all[len(all)-1]
		return []fleet.Position{{Lane: d.Lane, Epoch: d.Epoch, Sequence: d.Sequence}}, nil
	}
	return nil, nil
}

func (m *memory) Apply(ctx context.Context, host fleet.HostID, records []fleet.Delivery) error {
	if m.panics {
		var nothing *memory
		return nothing.fail
	}
	if m.blocked != nil {
		select {
		case <-m.blocked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if m.fail != nil {
		return m.fail
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.have == nil {
		m.have = make(map[fleet.HostID][]fleet.Delivery)
	}
	m.have[host] = append(m.have[host], records...)
	return nil
}

func (m *memory) of(host fleet.HostID) []fleet.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.have[host]
}

// running is a server on loopback.
type running struct {
	addr string
	stop func()       // asks the server to stop
	done <-chan error // what Serve returned
}

func start(t *testing.T, store Store, edit func(*Config)) running {
	t.Helper()
	id, err := identity.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Store: store, TLS: id.Server(), Identify: identity.Host, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
			done <- nil
		case <-time.After(30 * time.Second):
			t.Error("the server does not stop")
		}
	})
	return running{l.Addr().String(), stop, done}
}

// key is a host's key, with the id that the collector gives it.
type key struct {
	certificate tls.Certificate
	id          fleet.HostID
}

func newKey(t testing.TB) key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.Host(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}})
	if err != nil {
		t.Fatal(err)
	}
	return key{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, id}
}

func (k key) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{k.certificate}, InsecureSkipVerify: true}
}

// client is one stream.
type client struct {
	t testing.TB
	grpc.BidiStreamingClient[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
}

func dial(t testing.TB, addr string, k key) client {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(k.tls())))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(func() { cancel(); conn.Close() })
	stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return client{t, stream}
}

func hello() *seawallv1.DeliverRequest {
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{Hello: &seawallv1.Hello{Protocol: 1, AgentVersion: "test"}}}
}

func payload(t testing.TB, check string) []byte {
	t.Helper()
	b, err := wire.Encode(wire.Record{Change: &finding.Change{Result: finding.Result{Check: check, Status: finding.StatusFail}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func batch(from uint64, payloads ...[]byte) *seawallv1.DeliverRequest {
	b := &seawallv1.Batch{Lane: "posture", Epoch: 7}
	for i, p := range payloads {
		b.Entries = append(b.Entries, &seawallv1.Entry{Sequence: from + uint64(i), Payload: p})
	}
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{Batch: b}}
}

func (c client) send(m *seawallv1.DeliverRequest) {
	c.t.Helper()
	if err := c.Send(m); err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatal(err)
	}
}

func (c client) greet() *seawallv1.Welcome {
	c.t.Helper()
	c.send(hello())
	m, err := c.Recv()
	if err != nil || m.GetWelcome() == nil {
		c.t.Fatalf("welcome: %v, %v", m, err)
	}
	return m.GetWelcome()
}

func (c client) ack() uint64 {
	c.t.Helper()
	m, err := c.Recv()
	if err != nil || m.GetAck() == nil {
		c.t.Fatalf("ack: %v, %v", m, err)
	}
	return m.GetAck().GetPosition().GetSequence()
}

// code waits for the end of the stream.
func (c client) code() codes.Code {
	c.t.Helper()
	for {
		if _, err := c.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return codes.OK
			}
			return status.Code(err)
		}
	}
}

func TestDeliver(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	k := newKey(t)
	c := dial(t, s.addr, k)
	w := c.greet()
	if len(w.Have) != 0 || w.MaxBatchBytes != batchBytes || w.MaxInFlightBytes != inFlightBytes {
		t.Errorf("welcome %v", w)
	}
	c.send(batch(1, payload(t, "ssh-a"), []byte("garbage"), payload(t, "ssh-b")))
	if got := c.ack(); got != 3 {
		t.Errorf("ack of %d, want 3", got)
	}
	c.send(batch(9, payload(t, "ssh-c")))
	if got := c.ack(); got != 9 {
		t.Errorf("ack of %d, want 9", got)
	}
	if err := c.CloseSend(); err != nil || c.code() != codes.OK {
		t.Errorf("end of the stream: %v", err)
	}
	got := m.of(k.id)
	if len(got) != 4 || got[0].Record.Change.Result.Check != "ssh-a" || got[1].Reject == "" || got[1].Size != 7 || got[3].Sequence != 9 {
		t.Errorf("store has %+v", got)
	}
	if w := dial(t, s.addr, k).greet(); len(w.Have) != 1 || w.Have[0].Sequence != 9 || w.Have[0].Epoch != 7 {
		t.Errorf("second welcome %v", w)
	}
	if other := newKey(t); len(dial(t, s.addr, other).greet().Have) != 0 {
		t.Error("another host is told of this one")
	}
}

func TestViolations(t *testing.T) {
	p := payload(t, "ssh-a")
	lane := func(name string) *seawallv1.DeliverRequest {
		m := batch(1, p)
		m.GetBatch().Lane = name
		return m
	}
	twice := batch(1, p, p)
	twice.GetBatch().Entries[1].Sequence = 1
	version := hello()
	version.GetHello().Protocol = 2
	large := make([][]byte, 10)
	for i := range large {
		large[i] = make([]byte, 60<<10)
	}
	for name, tt := range map[string]struct {
		messages []*seawallv1.DeliverRequest
		want     codes.Code
	}{
		"no hello":       {[]*seawallv1.DeliverRequest{batch(1, p)}, codes.InvalidArgument},
		"nothing":        {[]*seawallv1.DeliverRequest{{}}, codes.InvalidArgument},
		"protocol":       {[]*seawallv1.DeliverRequest{version}, codes.FailedPrecondition},
		"hello twice":    {[]*seawallv1.DeliverRequest{hello(), hello()}, codes.InvalidArgument},
		"empty batch":    {[]*seawallv1.DeliverRequest{hello(), batch(1)}, codes.InvalidArgument},
		"lane":           {[]*seawallv1.DeliverRequest{hello(), lane("../x")}, codes.InvalidArgument},
		"long lane":      {[]*seawallv1.DeliverRequest{hello(), lane("abcdefghijklmnopqrstuvwxyzabcdefg")}, codes.InvalidArgument},
		"zero":           {[]*seawallv1.DeliverRequest{hello(), batch(0, p)}, codes.InvalidArgument},
		"huge sequence":  {[]*seawallv1.DeliverRequest{hello(), batch(1<<63, p)}, codes.InvalidArgument},
		"same sequence":  {[]*seawallv1.DeliverRequest{hello(), twice}, codes.InvalidArgument},
		"going back":     {[]*seawallv1.DeliverRequest{hello(), batch(5, p), batch(4, p)}, codes.InvalidArgument},
		"large batch":    {[]*seawallv1.DeliverRequest{hello(), batch(1, large...)}, codes.InvalidArgument},
		"larger message": {[]*seawallv1.DeliverRequest{hello(), batch(1, make([]byte, maxMessage))}, codes.ResourceExhausted},
		"many entries":   {[]*seawallv1.DeliverRequest{hello(), batch(1, make([][]byte, 5000)...)}, codes.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &memory{}, nil)
			c := dial(t, s.addr, newKey(t))
			for _, m := range tt.messages {
				c.send(m)
			}
			if got := c.code(); got != tt.want {
				t.Errorf("code %v, want %v", got, tt.want)
			}
		})
	}
}

func TestStoreTrouble(t *testing.T) {
	for name, tt := range map[string]struct {
		store *memory
		want  codes.Code
	}{
		"full":  {&memory{full: true}, codes.ResourceExhausted},
		"error": {&memory{fail: errors.New("disk full at /var/lib/secret")}, codes.Unavailable},
		"panic": {&memory{panics: true}, codes.Internal},
	} {
		s := start(t, tt.store, nil)
		c := dial(t, s.addr, newKey(t))
		c.send(hello())
		c.send(batch(1, payload(t, "ssh-a")))
		var err error
		for err == nil {
			var m *seawallv1.DeliverResponse
			if m, err = c.Recv(); m.GetAck() != nil {
				t.Errorf("%s: acknowledged", name)
			}
		}
		if status.Code(err) != tt.want || tt.store.fail != nil && errors.Is(err, tt.store.fail) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestNewestStreamWins(t *testing.T) {
	s := start(t, &memory{}, nil)
	k := newKey(t)
	first := dial(t, s.addr, k)
	first.greet()
	second := dial(t, s.addr, k)
	second.greet()
	if got := first.code(); got != codes.Aborted {
		t.Errorf("first stream ends with %v", got)
	}
	second.send(batch(1, payload(t, "ssh-a")))
	if got := second.ack(); got != 1 {
		t.Errorf("ack of %d", got)
	}
}

func TestHelloTimeout(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.HelloTimeout = 50 * time.Millisecond })
	if got := dial(t, s.addr, newKey(t)).code(); got != codes.DeadlineExceeded {
		t.Errorf("code %v", got)
	}
}

// TestDrain stops the server while a batch is in the store: it is acknowledged,
// the host is asked to leave, and Serve returns.
func TestDrain(t *testing.T) {
	m := &memory{blocked: make(chan struct{})}
	s := start(t, m, nil)
	c := dial(t, s.addr, newKey(t))
	c.greet()
	c.send(batch(1, payload(t, "ssh-a")))
	idle := dial(t, s.addr, newKey(t))
	idle.greet()
	s.stop()
	if r, err := idle.Recv(); err != nil || r.GetDrain().GetReconnectWithinMs() < 1000 {
		t.Errorf("idle host is told %v, %v", r, err)
	}
	close(m.blocked)
	acked := false
	for {
		r, err := c.Recv()
		if err != nil {
			break
		}
		acked = acked || r.GetAck().GetPosition().GetSequence() == 1
	}
	// The batch may not have been read when the server stopped; then nothing of
	// it may be in the store.
	if (len(m.have) > 0) != acked {
		t.Errorf("acknowledged %v, store has %d", acked, len(m.have))
	}
}

// TestBackpressure holds the store: the server takes a bounded amount and no more.
func TestBackpressure(t *testing.T) {
	m := &memory{blocked: make(chan struct{})}
	s := start(t, m, nil)
	c := dial(t, s.addr, newKey(t))
	c.greet()
	big := make([]byte, 60<<10)
	sent := make(chan int, 1)
	go func() {
		n := 0
		for ; n < 200; n++ {
			if c.Send(batch(uint64(n+1), big)) != nil {
				break
			}
		}
		sent <- n
	}()
	select {
	case n := <-sent:
		t.Fatalf("%d batches of 60 KiB were taken while the store stood still", n)
	case <-time.After(300 * time.Millisecond):
	}
	close(m.blocked)
	for n := uint64(1); n <= 200; n++ {
		if got := c.ack(); got != n {
			t.Fatalf("ack of %d, want %d", got, n)
		}
	}
	if n := <-sent; n != 200 {
		t.Errorf("%d batches sent", n)
	}
}

func TestRateOfAHost(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.BytesPerSecond, c.BurstBytes = 4<<20, 1 })
	k := newKey(t)
	c := dial(t, s.addr, k)
	c.greet()
	began := time.Now()
	payloads := [][]byte{make([]byte, 60<<10), make([]byte, 60<<10), make([]byte, 60<<10), make([]byte, 60<<10)}
	// The burst is at least a message; 3 MB take half a second more.
	for n := uint64(0); n < 12; n++ {
		c.send(batch(n*4+1, payloads...))
		c.ack()
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("3 MB took %v", took)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a server without a store")
	}
}

func FuzzElements(f *testing.F) {
	b, err := proto.Marshal(batch(1, []byte("x"), []byte("y")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		n := elements(b, 2)
		var m seawallv1.DeliverRequest
		if proto.Unmarshal(b, &m) == nil && len(m.GetBatch().GetEntries())+len(m.GetHello().GetOldest()) > n {
			t.Errorf("%d elements counted, message has more", n)
		}
	})
}
