package ingest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/pkg/finding"
	"seawall/pkg/squeeze"
	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"
)

// memory is a store in memory. Its fields are changed before the server runs.
type memory struct {
	mu      sync.Mutex
	have    map[fleet.HostID][]fleet.Delivery // guarded by mu
	missing map[fleet.HostID][]fleet.Missing  // guarded by mu
	fail    error
	blocked chan struct{} // when not nil, Apply waits for it
	panics  bool
	waiting chan struct{} // when not nil, told that Apply waits
}

func (m *memory) Positions(_ context.Context, host fleet.HostID) ([]fleet.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if all := m.have[host]; len(all) > 0 {
		d := all[len(all)-1]
		return []fleet.Position{{Lane: d.Lane, Epoch: d.Epoch, Sequence: d.Sequence, Digest: d.Digest}}, nil
	}
	return nil, nil
}

func (m *memory) Apply(ctx context.Context, host fleet.HostID, records []fleet.Delivery, missing []fleet.Missing) error {
	if m.panics {
		var nothing *memory
		return nothing.fail
	}
	if m.waiting != nil {
		m.waiting <- struct{}{}
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
		m.have, m.missing = make(map[fleet.HostID][]fleet.Delivery), make(map[fleet.HostID][]fleet.Missing)
	}
	m.have[host] = append(m.have[host], records...)
	m.missing[host] = append(m.missing[host], missing...)
	return nil
}

func (m *memory) of(host fleet.HostID) []fleet.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.have[host]
}

// members are a roster's records in memory.
type members struct {
	mu   sync.Mutex
	all  map[fleet.HostID]fleet.Member // guarded by mu
	fail error
}

func (r *members) Members(context.Context) (all []fleet.Member, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.all {
		all = append(all, m)
	}
	return all, nil
}

func (r *members) Some(_ context.Context, hosts []fleet.HostID) (some []fleet.Member, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, host := range hosts {
		if m, ok := r.all[host]; ok {
			some = append(some, m)
		}
	}
	return some, nil
}

func (r *members) Change(_ context.Context, host fleet.HostID, do func(*fleet.Member) error) (fleet.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.all[host]
	if !ok {
		return m, fleet.ErrUnknown
	}
	before := m
	if err := do(&m); err != nil {
		return m, err
	}
	if r.fail != nil {
		return m, r.fail
	}
	if m != before {
		r.all[host] = m
	}
	return m, nil
}

// put makes a member, or changes one.
func (r *members) put(m fleet.Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = make(map[fleet.HostID]fleet.Member)
	}
	r.all[m.Host] = m
}

// hostOf is the host of a certificate, as an authority would say.
func hostOf(c *x509.Certificate) fleet.HostID {
	key := roster.KeyOf(c)
	return fleet.HostID(hex.EncodeToString(key[:16]))
}

func verify(chain []*x509.Certificate, now time.Time) (fleet.HostID, error) {
	if now.After(chain[0].NotAfter) {
		return "", x509.CertificateInvalidError{Cert: chain[0], Reason: x509.Expired}
	}
	return hostOf(chain[0]), nil
}

// running is a server on loopback.
type running struct {
	t       testing.TB
	addr    string
	stop    func()       // asks the server to stop
	done    <-chan error // what Serve returned
	roster  *roster.Roster
	members *members
	server  *Server
	now     *clock
}

// clock tells the roster a time that a test shifts.
type clock struct {
	mu    sync.Mutex
	shift time.Duration // guarded by mu
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.shift)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift += d
}

func start(t testing.TB, store Store, edit func(*Config)) running {
	t.Helper()
	r := running{t: t, members: &members{}, now: &clock{}}
	var err error
	r.roster, err = roster.New(t.Context(), r.members, roster.Config{Verify: verify, Now: r.now.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	own := tls.Config{
		Certificates: []tls.Certificate{newCertificate(t, time.Now().Add(time.Hour))},
		ClientAuth:   tls.RequestClientCert, MinVersion: tls.VersionTLS13,
	}
	c := Config{Store: store, TLS: &own, Roster: r.roster, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&c)
	}
	if r.server, err = New(c); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.Serve(ctx, l) }()
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
	r.addr, r.stop, r.done = l.Addr().String(), stop, done
	return r
}

// key is a host's key, with its id.
type key struct {
	certificate tls.Certificate
	id          fleet.HostID
}

// newCertificate makes a key and a certificate for it.
func newCertificate(t testing.TB, until time.Time) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}
}

// stranger makes a key that belongs to no host.
func stranger(t testing.TB) key {
	c := newCertificate(t, time.Now().Add(time.Hour))
	return key{c, hostOf(c.Leaf)}
}

// host makes a host that may deliver.
func (r running) host() key {
	r.t.Helper()
	k := stranger(r.t)
	m := fleet.Member{Host: k.id, Key: roster.KeyOf(k.certificate.Leaf), Standing: fleet.Active}
	r.members.put(m)
	r.roster.Put(m)
	return k
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

func hello(session uint64) *seawallv1.DeliverRequest {
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{
		Hello: &seawallv1.Hello{Protocol: 2, AgentVersion: "test", Session: session},
	}}
}

func confirm(session, bundle uint64) *seawallv1.DeliverRequest {
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Confirm{
		Confirm: &seawallv1.Confirm{Session: session, BundleRevision: bundle},
	}}
}

func payload(t testing.TB, check string) []byte {
	t.Helper()
	b, err := wire.Encode(wire.Record{Change: &finding.Change{Result: finding.Result{Check: check, Status: finding.StatusFail}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t testing.TB, entries ...*seawallv1.Entry) []byte {
	t.Helper()
	b, err := proto.Marshal(&seawallv1.Entries{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// batchOf makes a batch of one lane that is not compressed.
func batchOf(t testing.TB, entries ...*seawallv1.Entry) *seawallv1.Batch {
	t.Helper()
	b := encode(t, entries...)
	return &seawallv1.Batch{Lane: "posture", Epoch: 7, Size: uint32(len(b)), Entries: b}
}

func request(b *seawallv1.Batch) *seawallv1.DeliverRequest {
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{Batch: b}}
}

func batch(t testing.TB, from uint64, payloads ...[]byte) *seawallv1.DeliverRequest {
	t.Helper()
	entries := make([]*seawallv1.Entry, len(payloads))
	for i, p := range payloads {
		entries[i] = &seawallv1.Entry{Sequence: from + uint64(i), Payload: p}
	}
	return request(batchOf(t, entries...))
}

// squeezed compresses a batch.
func squeezed(t testing.TB, m *seawallv1.DeliverRequest) *seawallv1.DeliverRequest {
	t.Helper()
	c, err := squeeze.New(8<<20, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := m.GetBatch()
	small, ok := c.Compress(nil, b.Entries)
	if !ok {
		t.Fatalf("%d bytes cannot be compressed", len(b.Entries))
	}
	b.Entries, b.Compression = small, seawallv1.Compression_COMPRESSION_ZSTD
	return m
}

func (c client) send(m *seawallv1.DeliverRequest) {
	c.t.Helper()
	if err := c.Send(m); err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatal(err)
	}
}

// greet begins a stream as a host does that presents that session.
func (c client) greet(session uint64) *seawallv1.Welcome {
	c.t.Helper()
	c.send(hello(session))
	w := c.receive().GetWelcome()
	if w == nil {
		c.t.Fatal("no welcome")
	}
	c.send(confirm(w.Session, 1))
	return w
}

func (c client) receive() *seawallv1.DeliverResponse {
	c.t.Helper()
	m, err := c.Recv()
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

func (c client) ack() uint64 {
	c.t.Helper()
	m, err := c.Recv()
	if err != nil || m.GetAck() == nil {
		c.t.Fatalf("ack: %v, %v", m, err)
	}
	return m.GetAck().GetPosition().GetSequence()
}

// end waits for the end of the stream.
func (c client) end() error {
	c.t.Helper()
	for {
		if _, err := c.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func (c client) code() codes.Code {
	c.t.Helper()
	return status.Code(c.end())
}

func TestDeliver(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	k := s.host()
	c := dial(t, s.addr, k)
	w := c.greet(0)
	if len(w.Have) != 0 || w.MaxBatchBytes != batchBytes || w.MaxInFlightBytes != maxCredit || w.Session == 0 {
		t.Errorf("welcome %v", w)
	}
	c.send(batch(t, 1, payload(t, "ssh-a"), []byte("garbage"), payload(t, "ssh-b")))
	if got := c.ack(); got != 3 {
		t.Errorf("ack of %d, want 3", got)
	}
	long := batch(t, 9, payload(t, "ssh-c"), payload(t, "ssh-c"), payload(t, "ssh-c"), payload(t, "ssh-c"), make([]byte, 1000))
	long.GetBatch().Gaps = []*seawallv1.Gap{
		{From: 4, To: 6, Reason: seawallv1.GapReason_GAP_REASON_EVICTED}, {From: 7, To: 8, Reason: seawallv1.GapReason_GAP_REASON_DAMAGED},
	}
	c.send(squeezed(t, long))
	if got := c.ack(); got != 13 {
		t.Errorf("ack of %d, want 13", got)
	}
	if err := c.CloseSend(); err != nil || c.code() != codes.OK {
		t.Errorf("end of the stream: %v", err)
	}
	got := m.of(k.id)
	if len(got) != 8 || got[0].Record.Change.Result.Check != "ssh-a" || got[1].Reject == "" || got[1].Size != 7 || got[3].Sequence != 9 {
		t.Errorf("store has %+v", got)
	}
	want := []fleet.Missing{
		{Lane: "posture", Epoch: 7, From: 4, To: 6, Reason: fleet.Evicted},
		{Lane: "posture", Epoch: 7, From: 7, To: 8, Reason: fleet.Damaged},
	}
	if diff := cmp.Diff(want, m.missing[k.id]); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	sum := sha256.Sum256(make([]byte, 1000))
	second := dial(t, s.addr, k).greet(w.Session)
	if h := second.Have; len(h) != 1 || h[0].Sequence != 13 || h[0].Epoch != 7 || h[0].Digest != new(big.Int).SetBytes(sum[:8]).Uint64() {
		t.Errorf("second welcome %v", second)
	}
	if len(dial(t, s.addr, s.host()).greet(0).Have) != 0 {
		t.Error("another host is told of this one")
	}
}

func TestViolations(t *testing.T) {
	p := payload(t, "ssh-a")
	edit := func(f func(*seawallv1.Batch)) *seawallv1.DeliverRequest {
		m := batch(t, 5, p, p)
		f(m.GetBatch())
		return m
	}
	lane := func(name string) *seawallv1.DeliverRequest { return edit(func(b *seawallv1.Batch) { b.Lane = name }) }
	gaps := func(gaps ...*seawallv1.Gap) *seawallv1.DeliverRequest {
		return edit(func(b *seawallv1.Batch) { b.Gaps = gaps })
	}
	version := hello(0)
	version.GetHello().Protocol = 1
	for name, tt := range map[string]struct {
		message *seawallv1.DeliverRequest // after the greeting
		want    codes.Code
	}{
		"nothing":         {&seawallv1.DeliverRequest{}, codes.InvalidArgument},
		"hello twice":     {hello(0), codes.InvalidArgument},
		"confirmed twice": {confirm(1, 1), codes.InvalidArgument},
		"no such bundle":  {confirm(0, 9), codes.InvalidArgument},
		"empty batch":     {batch(t, 1), codes.InvalidArgument},
		"lane":            {lane("../x"), codes.InvalidArgument},
		"long lane":       {lane("abcdefghijklmnopqrstuvwxyzabcdefg"), codes.InvalidArgument},
		"zero":            {batch(t, 0, p), codes.InvalidArgument},
		"huge sequence":   {batch(t, 1<<63, p), codes.InvalidArgument},
		"same sequence":   {request(batchOf(t, &seawallv1.Entry{Sequence: 1}, &seawallv1.Entry{Sequence: 1})), codes.InvalidArgument},
		"no entries":      {edit(func(b *seawallv1.Batch) { b.Entries = []byte("\x0a\x05x"); b.Size = 3 }), codes.InvalidArgument},
		"other field":     {edit(func(b *seawallv1.Batch) { b.Entries = []byte("\x12\x00"); b.Size = 2 }), codes.InvalidArgument},
		"larger":          {edit(func(b *seawallv1.Batch) { b.Size-- }), codes.InvalidArgument},
		"smaller":         {edit(func(b *seawallv1.Batch) { b.Size++ }), codes.InvalidArgument},
		"compression":     {edit(func(b *seawallv1.Batch) { b.Compression = 2 }), codes.InvalidArgument},
		"not compressed":  {edit(func(b *seawallv1.Batch) { b.Compression = 1 }), codes.InvalidArgument},
		"large batch":     {batch(t, 1, make([]byte, batchBytes)), codes.InvalidArgument},
		"larger message":  {batch(t, 1, make([]byte, maxMessage)), codes.ResourceExhausted},
		"many entries":    {batch(t, 1, make([][]byte, maxEntries+1)...), codes.InvalidArgument},
		"many gaps":       {gaps(make([]*seawallv1.Gap, maxGaps+1)...), codes.InvalidArgument},
		"too many gaps":   {gaps(make([]*seawallv1.Gap, 5000)...), codes.Internal},
		"gap of nothing":  {gaps(&seawallv1.Gap{From: 3, To: 2}), codes.InvalidArgument},
		"gap from zero":   {gaps(&seawallv1.Gap{From: 0, To: 2}), codes.InvalidArgument},
		"gap of a record": {gaps(&seawallv1.Gap{From: 4, To: 5}), codes.InvalidArgument},
		"gap behind":      {gaps(&seawallv1.Gap{From: 7, To: 8}), codes.InvalidArgument},
		"gaps crossing":   {gaps(&seawallv1.Gap{From: 1, To: 3}, &seawallv1.Gap{From: 3, To: 4}), codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			s := start(t, m, nil)
			c := dial(t, s.addr, s.host())
			c.greet(0)
			c.send(tt.message)
			if got := c.code(); got != tt.want || len(m.have) > 0 {
				t.Errorf("code %v, want %v; store has %d", got, tt.want, len(m.have))
			}
		})
	}
	for name, tt := range map[string]struct {
		messages []*seawallv1.DeliverRequest
		want     codes.Code
	}{
		"no hello":       {[]*seawallv1.DeliverRequest{batch(t, 1, p)}, codes.InvalidArgument},
		"protocol":       {[]*seawallv1.DeliverRequest{version}, codes.FailedPrecondition},
		"no confirm":     {[]*seawallv1.DeliverRequest{hello(0), batch(t, 1, p)}, codes.InvalidArgument},
		"other session":  {[]*seawallv1.DeliverRequest{hello(0), confirm(3, 0)}, codes.InvalidArgument},
		"no session":     {[]*seawallv1.DeliverRequest{hello(0), confirm(0, 0)}, codes.InvalidArgument},
		"highest number": {[]*seawallv1.DeliverRequest{hello(1<<64 - 1)}, codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			s := start(t, m, nil)
			c := dial(t, s.addr, s.host())
			for _, m := range tt.messages {
				c.send(m)
			}
			if got := c.code(); got != tt.want || len(m.have) > 0 {
				t.Errorf("code %v, want %v; store has %d", got, tt.want, len(m.have))
			}
		})
	}
}

func TestGoingBack(t *testing.T) {
	s := start(t, &memory{}, nil)
	c := dial(t, s.addr, s.host())
	c.greet(0)
	c.send(batch(t, 5, payload(t, "ssh-a")))
	c.ack()
	c.send(batch(t, 4, payload(t, "ssh-a")))
	if got := c.code(); got != codes.InvalidArgument {
		t.Errorf("code %v", got)
	}
}

func TestStoreTrouble(t *testing.T) {
	for name, tt := range map[string]struct {
		store   *memory
		members error
		want    codes.Code
	}{
		"error":   {&memory{fail: errors.New("disk full at /var/lib/secret")}, nil, codes.Unavailable},
		"panic":   {&memory{panics: true}, nil, codes.Internal},
		"members": {&memory{}, errors.New("disk full at /var/lib/secret"), codes.Unavailable},
	} {
		s := start(t, tt.store, nil)
		c := dial(t, s.addr, s.host())
		s.members.mu.Lock()
		s.members.fail = tt.members
		s.members.mu.Unlock()
		c.send(hello(0))
		var err error
		for err == nil {
			var m *seawallv1.DeliverResponse
			m, err = c.Recv()
			if w := m.GetWelcome(); w != nil {
				c.send(confirm(w.Session, 0))
				c.send(batch(t, 1, payload(t, "ssh-a")))
			}
			if m.GetAck() != nil {
				t.Errorf("%s: acknowledged", name)
			}
		}
		if status.Code(err) != tt.want || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}
