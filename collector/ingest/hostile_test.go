package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"seawall/collector/roster"
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

// TestSilentCrowd opens many connections that say nothing, or half a greeting of
// TLS: a host gets in beside them at once, and they are gone in time.
func TestSilentCrowd(t *testing.T) {
	const crowd = 3000
	s := start(t, &memory{}, func(c *Config) {
		c.Gate.PerAddress, c.Gate.Pending, c.handshake = 2*crowd, 1000, 2*time.Second
	})
	before := runtime.NumGoroutine()
	open := make([]net.Conn, crowd)
	for i := range open {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if open[i] = c; i%2 == 0 {
			_, _ = c.Write([]byte{22, 3, 1, 1, 0, 1}) // the server may have closed it
		}
	}
	k := s.host()
	began := time.Now()
	c := dial(t, s.addr, k)
	c.greet(0)
	c.send(batch(t, 1, payload(t, "ssh-a")))
	c.ack()
	took := time.Since(began)
	if t.Logf("a host's first batch is acknowledged after %v beside %d silent connections", took, crowd); took > 5*time.Second {
		t.Error("that is too long")
	}
	await(t, "the silent are gone", func() bool { return runtime.NumGoroutine() < before+20 })
}

// TestSlowHTTP speaks TLS and then HTTP/2 slowly, or without end.
func TestSlowHTTP(t *testing.T) {
	s := start(t, &memory{}, func(c *Config) { c.handshake = time.Second })
	preface := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	settings := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
	for name, speak := range map[string]func(net.Conn){
		"half a preface": func(c net.Conn) { _, _ = c.Write(preface[:10]) },
		"no settings":    func(c net.Conn) { _, _ = c.Write(preface) },
		"headers without end": func(c net.Conn) {
			_, _ = c.Write(append(preface, settings...))
			_, _ = c.Write([]byte{0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82}) // HEADERS, not the end of them
			for range 1 << 16 {
				if _, err := c.Write([]byte{0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82}); err != nil { // CONTINUATION
					return
				}
			}
		},
		"streams opened and reset": func(c net.Conn) {
			_, _ = c.Write(append(preface, settings...))
			for id := uint32(1); id < 1<<16; id += 2 {
				frame := []byte{0, 0, 1, 1, 4, 0, byte(id >> 16), byte(id >> 8), byte(id), 0x82, 0, 0, 4, 3, 0, 0, byte(id >> 16), byte(id >> 8), byte(id), 0, 0, 0, 8}
				if _, err := c.Write(frame); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := s.host().tls()
			config.NextProtos = []string{"h2"}
			c, err := tls.Dial("tcp", s.addr, config)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() {
				speak(c)
				if name == "streams opened and reset" {
					c.Close()
				}
			})
			_ = c.SetReadDeadline(time.Now().Add(25 * time.Second))
			for {
				if _, err := c.Read(make([]byte, 4096)); err != nil {
					if errors.Is(err, os.ErrDeadlineExceeded) {
						t.Error("the connection stays open")
					}
					break
				}
			}
			good := dial(t, s.addr, s.host())
			good.greet(0)
			good.send(batch(t, 1, payload(t, "ssh-a")))
			good.ack()
		})
	}
}

// TestHalfOpen loses the network without a word: the server notices within 45
// seconds.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running{t: t, members: &members{}}
		var err error
		if r.roster, err = roster.New(t.Context(), r.members, roster.Config{Verify: verify, Log: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		k := r.host()
		own := &tls.Config{Certificates: []tls.Certificate{k.certificate}, ClientAuth: tls.RequestClientCert}
		s, err := New(Config{Store: &memory{}, TLS: own, Roster: r.roster, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		l := bufconn.Listen(64 << 10)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Serve(ctx, l) }()
		silent := make(chan struct{})
		conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(credentials.NewTLS(k.tls())),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				c, err := l.DialContext(ctx)
				return mute{c, silent}, err
			}))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		client{t, stream}.greet(0)
		<-time.After(10 * time.Minute)
		close(silent)
		began := time.Now()
		for streams := 1; streams > 0; {
			<-time.After(time.Second)
			s.mu.Lock()
			streams = len(s.streams)
			s.mu.Unlock()
		}
		if d := time.Since(began); d > 45*time.Second {
			t.Errorf("noticed after %v", d)
		} else {
			t.Logf("noticed after %v", d)
		}
		conn.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// mute is a connection that swallows what is written once it is silent.
type mute struct {
	net.Conn
	silent chan struct{}
}

func (m mute) Write(b []byte) (int, error) {
	select {
	case <-m.silent:
		return len(b), nil
	default:
		return m.Conn.Write(b)
	}
}
