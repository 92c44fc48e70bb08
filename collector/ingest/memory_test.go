package ingest

import (
	"context"
	"crypto/rand"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	seawallv1 "seawall/proto/seawall/v1"
)

func TestShare(t *testing.T) {
	s := newShare(32 << 20)
	credit, changed := s.now()
	if credit != maxCredit {
		t.Errorf("credit %d for nobody", credit)
	}
	told := 0
	for _, tt := range []struct{ streams, want int }{
		{1, 1 << 20}, {32, 1 << 20}, {48, 1 << 20}, {64, 512 << 10}, {100, 512 << 10}, {128, 256 << 10},
		{2000, 32 << 10}, {5000, 16 << 10}, {8000, 16 << 10}, {1500, 16 << 10}, {1000, 33554}, {1, 1 << 20}, {0, 1 << 20},
	} {
		for s.streams < tt.streams {
			s.add(1)
		}
		for s.streams > tt.streams {
			s.add(-1)
		}
		credit, next := s.now()
		if credit < tt.want/2 || credit > tt.want*2 || credit < minCredit || credit > maxCredit {
			t.Errorf("%d streams: credit %d, want %d or less than twice or half of it", tt.streams, credit, tt.want)
		}
		if next != changed {
			told++
			select {
			case <-changed:
			default:
				t.Errorf("%d streams: not told", tt.streams)
			}
			changed = next
		}
	}
	if told == 0 || told > 10 {
		t.Errorf("told %d times", told)
	}
}

// TestCreditIsTold to all when the share changes.
func TestCreditIsTold(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.MemoryBytes = 4 << 20 })
	first := dial(t, s.addr, s.host())
	if w := first.greet(0); w.MaxInFlightBytes != maxCredit {
		t.Errorf("credit %d", w.MaxInFlightBytes)
	}
	for range 7 {
		dial(t, s.addr, s.host()).greet(0)
	}
	for want := uint32(512 << 10); want >= 256<<10; want /= 2 {
		if got := first.receive().GetCredit().GetMaxInFlightBytes(); got != want {
			t.Errorf("credit %d, want %d", got, want)
		}
	}
}

// TestBackpressure holds the store: the server takes a bounded amount of one host
// that does not keep to its credit, and no more.
func TestBackpressure(t *testing.T) {
	m := &memory{blocked: make(chan struct{})}
	s := start(t, m, nil)
	c := dial(t, s.addr, s.host())
	c.greet(0)
	big := make([]byte, 60<<10)
	sent := make(chan int, 1)
	go func() {
		n := 0
		for ; n < 200; n++ {
			if c.Send(batch(t, uint64(n+1), big)) != nil {
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

// TestStalledStore has 200 hosts push as hard as they can, with no regard for their
// credit, into a store that stands still: memory is what one message and one window
// of each take, and stays so.
func TestStalledStore(t *testing.T) {
	const hosts, rounds, size = 200, 10, 60 << 10
	m := &memory{blocked: make(chan struct{})}
	s := start(t, m, func(c *Config) { c.MemoryBytes = 16 << 20 })
	noise := make([]byte, size) // not to be compressed
	rand.Read(noise)
	messages := make([][]byte, rounds) // shared, so that the senders take no memory
	for n := range messages {
		messages[n] = raw(t, batch(t, uint64(n+1), noise))
	}
	streams := make([]grpc.ClientStream, hosts)
	for i := range streams {
		streams[i] = dialRaw(t, s.addr, s.host())
		greetRaw(t, streams[i])
	}
	before := heap()
	var wg sync.WaitGroup
	for _, c := range streams {
		wg.Go(func() {
			for _, b := range messages {
				if c.SendMsg(b) != nil {
					return
				}
			}
		})
	}
	settled := settle(t)
	// A message that was received, once more while it is decoded, a window behind
	// it, and what the kernel's buffers hold in both ends' framers.
	const most = hosts * (2*size + 2*window)
	if settled-before > most {
		t.Errorf("heap grew from %d to %d MiB, limit %d", before>>20, settled>>20, most>>20)
	}
	t.Logf("heap %d MiB, with %d hosts pushing %d MiB: %d MiB", before>>20, hosts, hosts*rounds*size>>20, settled>>20)
	s.server.mu.Lock()
	if len(s.server.streams) != hosts {
		t.Errorf("%d streams", len(s.server.streams))
	}
	s.server.mu.Unlock()
	close(m.blocked) // all of it comes
	for _, c := range streams {
		for got := uint64(0); got < rounds; {
			var r seawallv1.DeliverResponse
			receiveRaw(t, c, &r)
			got = max(got, r.GetAck().GetPosition().GetSequence())
		}
	}
	wg.Wait()
}

func raw(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dialRaw opens a stream that sends and receives bytes.
func dialRaw(t testing.TB, addr string, k key) grpc.ClientStream {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(k.tls())),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(func() { cancel(); conn.Close() })
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, desc, seawallv1.IngestService_Deliver_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func greetRaw(t testing.TB, c grpc.ClientStream) {
	t.Helper()
	if err := c.SendMsg(raw(t, hello(0))); err != nil {
		t.Fatal(err)
	}
	var r seawallv1.DeliverResponse
	receiveRaw(t, c, &r)
	if err := c.SendMsg(raw(t, confirm(r.GetWelcome().GetSession(), 1))); err != nil {
		t.Fatal(err)
	}
}

func receiveRaw(t testing.TB, c grpc.ClientStream, m proto.Message) {
	t.Helper()
	var b []byte
	if err := c.RecvMsg(&b); err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// settle waits until the heap no longer grows, and returns its size.
func settle(t *testing.T) int64 {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last, still := int64(0), 0
	for range 100 {
		<-tick.C
		now := heap()
		if now-last < 1<<20 {
			still++
		} else {
			still = 0
		}
		if last = now; still == 3 {
			return now
		}
	}
	t.Fatal("the heap grows and grows")
	return 0
}

func TestRateOfAHost(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.BytesPerSecond, c.BurstBytes = 4<<20, 1 })
	c := dial(t, s.addr, s.host())
	c.greet(0)
	began := time.Now()
	payloads := [][]byte{make([]byte, 60<<10), make([]byte, 60<<10), make([]byte, 60<<10), make([]byte, 60<<10)}
	// The burst is at least a message; 3 MB take half a second more.
	for n := range uint64(12) {
		c.send(batch(t, n*4+1, payloads...))
		c.ack()
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("3 MB took %v", took)
	}
}

// rss is what this process has in memory.
func rss(t testing.TB) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// BenchmarkIdleStreams reports what 2,000 streams that have each carried a batch
// cost, client included: half of it is about the server's.
func BenchmarkIdleStreams(b *testing.B) {
	const streams = 2000
	s := start(b, &memory{}, func(c *Config) { c.Gate.PerAddress = 2 * streams })
	hosts := make([]key, streams)
	for i := range hosts {
		hosts[i] = s.host()
	}
	for b.Loop() {
		debug.FreeOSMemory()
		before, goroutines := rss(b), runtime.NumGoroutine()
		var wg sync.WaitGroup
		limit := make(chan struct{}, 32)
		conns := make([]*grpc.ClientConn, streams)
		for i, k := range hosts {
			limit <- struct{}{}
			wg.Go(func() {
				defer func() { <-limit }()
				conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(k.tls())),
					grpc.WithReadBufferSize(4<<10), grpc.WithWriteBufferSize(4<<10))
				if err != nil {
					b.Error(err)
					return
				}
				conns[i] = conn
				stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(b.Context())
				if err != nil {
					b.Error(err)
					return
				}
				c := client{b, stream}
				m, ok := s.roster.Member(k.id)
				if !ok {
					b.Errorf("host %s is not known", k.id)
				}
				c.greet(m.Session)
				c.send(batch(b, 1, payload(b, "ssh-a")))
			})
		}
		wg.Wait()
		debug.FreeOSMemory()
		b.ReportMetric(float64(rss(b)-before)/streams, "RSS-bytes/stream-both-ends")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/streams, "goroutines/stream-both-ends")
		for _, c := range conns {
			c.Close()
		}
		await(b, "streams end", func() bool {
			s.server.mu.Lock()
			defer s.server.mu.Unlock()
			return len(s.server.streams) == 0
		})
	}
}
