package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"seawall/collector/identity"
	seawallv1 "seawall/proto/seawall/v1"
)

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string                    { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (rawCodec) Unmarshal(_ []byte, _ any) error { return nil }

// TestRandomMessages sends messages that are none, and looks after the host that
// behaves.
func TestRandomMessages(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	good := dial(t, s.addr, newKey(t))
	good.greet()
	rng := rand.New(rand.NewPCG(1, 2))
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(newKey(t).tls())),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		stream, err := conn.NewStream(ctx, desc, seawallv1.IngestService_Deliver_FullMethodName)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, rng.IntN(2000)+1)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		_ = stream.SendMsg(b)
		_ = stream.CloseSend()
		if err := stream.RecvMsg(nil); status.Code(err) == codes.OK || status.Code(err) == codes.DeadlineExceeded {
			t.Errorf("random bytes end with %v", err)
		}
		cancel()
	}
	good.send(batch(1, payload(t, "ssh-a")))
	if got := good.ack(); got != 1 {
		t.Errorf("ack of %d", got)
	}
}

// TestRandomConnections speaks no TLS, or no HTTP/2 within TLS, or nothing at all.
func TestRandomConnections(t *testing.T) {
	s := start(t, &memory{}, nil)
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
				c = tls.Client(raw, newKey(t).tls())
			}
			if n%3 < 2 {
				b := make([]byte, 4096)
				for i := range b {
					b[i] = byte(n * i)
				}
				_, _ = c.Write(b)
			}
			// The server ends all of them: those that say nothing, too.
			_ = c.SetReadDeadline(time.Now().Add(handshakeTimeout + 10*time.Second))
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
	c := dial(t, s.addr, newKey(t))
	c.greet()
	c.send(batch(1, payload(t, "ssh-a")))
	c.ack()
	wg.Wait()
	await(t, "goroutines end", func() bool { return runtime.NumGoroutine() < before+20 })
}

// await polls until ok.
func await(t *testing.T, what string, ok func() bool) {
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

func TestCertificateIsRequired(t *testing.T) {
	s := start(t, &memory{}, nil)
	for name, config := range map[string]*tls.Config{
		"none":    {InsecureSkipVerify: true},
		"TLS 1.2": {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{newKey(t).certificate}},
	} {
		conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(config)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(ctx)
		if err == nil {
			_, err = stream.Recv()
		}
		if status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		conn.Close()
	}
}

// TestUnknownMethods reach nothing.
func TestUnknownMethods(t *testing.T) {
	s := start(t, &memory{}, nil)
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(credentials.NewTLS(newKey(t).tls())))
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

func TestFuzzSeeds(t *testing.T) {
	if files, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzElements")); err != nil || len(files) == 0 {
		t.Errorf("seeds: %d, %v", len(files), err)
	}
}

// TestOneHostOneKey has two hosts send at once; each has its own.
func TestOneHostOneKey(t *testing.T) {
	m := &memory{}
	s := start(t, m, nil)
	keys := []key{newKey(t), newKey(t)}
	var wg sync.WaitGroup
	for i, k := range keys {
		wg.Go(func() {
			c := dial(t, s.addr, k)
			c.greet()
			for n := uint64(1); n <= 20; n++ {
				c.send(batch(n, payload(t, "ssh-"+string(rune('a'+i)))))
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
	if id, err := identity.Host(tls.ConnectionState{}); err == nil {
		t.Errorf("no certificate is host %s", id)
	}
}
