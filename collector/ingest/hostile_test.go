package ingest

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	seawallv1 "seawall/proto/seawall/v1"
)

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (rawCodec) Unmarshal(b []byte, v any) error {
	if into, ok := v.(*[]byte); ok {
		*into = slices.Clone(b)
	}
	return nil
}

// TestRandomMessages sends messages that are none, and looks after the host that
// behaves.
func TestRandomMessages(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	good := dial(t, s.addr, s.host())
	good.greet(0)
	rng := rand.New(rand.NewPCG(1, 2))
	k := s.host()
	for range 100 {
		stream := dialRaw(t, s.addr, k)
		b := make([]byte, rng.IntN(2000)+1)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		_ = stream.SendMsg(b)
		_ = stream.CloseSend()
		if err := stream.RecvMsg(nil); status.Code(err) == codes.OK || status.Code(err) == codes.DeadlineExceeded {
			t.Errorf("random bytes end with %v", err)
		}
	}
	good.send(batch(t, 1, payload(t, "ssh-a")))
	if got := good.ack(); got != 1 {
		t.Errorf("ack of %d", got)
	}
}

// TestRandomConnections speaks no TLS, or no HTTP/2 within TLS, or nothing at all.
func TestRandomConnections(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.handshake = time.Second })
	runtime.GC()
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for n := range 60 {
		wg.Go(func() {
			raw, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer raw.Close()
			var c net.Conn = raw
			if n%3 == 1 {
				c = tls.Client(raw, stranger(t).tls())
			}
			if n%3 < 2 {
				b := make([]byte, 4096)
				for i := range b {
					b[i] = byte(n * i)
				}
				_, _ = c.Write(b)
			}
			// The server ends all of them: those that say nothing, too.
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			for {
				if _, err := c.Read(make([]byte, 1024)); err != nil {
					if errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("connection %d stays open", n)
					}
					return
				}
			}
		})
	}
	// They do not hinder a host.
	c := dial(t, s.addr, s.host())
	c.greet(0)
	c.send(batch(t, 1, payload(t, "ssh-a")))
	c.ack()
	wg.Wait()
	await(t, "goroutines end", func() bool { return runtime.NumGoroutine() < before+20 })
}

// await polls until ok.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestOldTLS(t *testing.T) {
	s := start(t, &memory{}, nil)
	config := s.host().tls()
	config.MaxVersion = tls.VersionTLS12
	conn, err := tls.Dial("tcp", s.addr, config)
	if err == nil {
		conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
}

// TestUnknownMethods reach nothing.
func TestUnknownMethods(t *testing.T) {
	s := start(t, &memory{}, nil)
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(stranger(t).tls())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, method := range []string{"/seawall.v1.IngestService/Run", "/x/y", "seawall.v1.IngestService/Deliver", "/"} {
		err := conn.Invoke(t.Context(), method, &seawallv1.Hello{}, &seawallv1.Hello{})
		if c := status.Code(err); c == codes.OK || c == codes.DeadlineExceeded {
			t.Errorf("%q: %v", method, err)
		}
	}
}

// TestOneHostOneKey has two hosts send at once; each has its own.
func TestOneHostOneKey(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	keys := []key{s.host(), s.host()}
	var wg sync.WaitGroup
	for i, k := range keys {
		wg.Go(func() {
			c := dial(t, s.addr, k)
			c.greet(0)
			for n := uint64(1); n <= 20; n++ {
				c.send(batch(t, n, payload(t, "ssh-"+string(rune('a'+i)))))
				c.ack()
			}
		})
	}
	wg.Wait()
	for i, k := range keys {
		for _, d := range m.of(k.id) {
			if d.Record.Change.Result.Check != "ssh-"+string(rune('a'+i)) {
				t.Fatalf("host %d has %+v", i, d)
			}
		}
	}
}
