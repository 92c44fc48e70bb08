package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"seawall/collector/fleet"
	"seawall/collector/ingest/budget"
	"seawall/collector/ingest/gate"
	"seawall/collector/roster"
	"seawall/pkg/squeeze"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// Store keeps records. Apply returns after they and what is missing are durable,
// and ignores what it has; after an error, nothing is acknowledged.
type Store interface {
	Positions(ctx context.Context, host fleet.HostID) ([]fleet.Position, error)
	Apply(ctx context.Context, host fleet.HostID, records []fleet.Delivery, missing []fleet.Missing) error
}

// Config is what a [Server] needs. Store, TLS and Roster must be set; other zero
// fields mean the default.
type Config struct {
	Store  Store
	TLS    *tls.Config // must ask for a client certificate; the roster verifies it
	Roster *roster.Roster
	// Bundle returns the authorities that hosts should trust, and what is closed
	// when they change; default none.
	Bundle func() (trust.Bundle, <-chan struct{})
	// Services registers more services on the same listener.
	Services []func(grpc.ServiceRegistrar)
	Metrics  *Metrics
	Log      *slog.Logger

	MemoryBytes    int           // of what is not committed; default 64 MiB
	Gate           gate.Config   // connections; Refused is the server's
	BytesPerSecond int           // of one host, on average; default 1 MiB
	BurstBytes     int           // of one host at once; default 16 MiB
	HelloTimeout   time.Duration // for Hello, and for the first Confirm; default 10 s
	// StreamAge is the age at which a stream is asked to begin anew, wherever that leads:
	// a quarter less or more, by chance. 0 is never.
	StreamAge time.Duration

	keepalive time.Duration // in place of keepaliveTime; for tests
	handshake time.Duration // in place of handshakeTimeout; for tests
}

func (c *Config) complete() error {
	if c.Store == nil || c.TLS == nil || c.Roster == nil {
		return errors.New("ingest: no store, TLS configuration or roster")
	}
	if c.Bundle == nil {
		c.Bundle = func() (trust.Bundle, <-chan struct{}) { return trust.Bundle{}, nil }
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = 64 << 20
	}
	c.MemoryBytes = max(c.MemoryBytes, 4<<20) // a batch must fit into its half
	if c.BytesPerSecond == 0 {
		c.BytesPerSecond = 1 << 20
	}
	if c.BurstBytes == 0 {
		c.BurstBytes = 16 << 20
	}
	c.BurstBytes = max(c.BurstBytes, maxMessage)
	if c.HelloTimeout == 0 {
		c.HelloTimeout = 10 * time.Second
	}
	if c.keepalive == 0 {
		c.keepalive = keepaliveTime
	}
	if c.handshake == 0 {
		c.handshake = handshakeTimeout
	}
	c.Gate.Refused = c.Metrics.Refused.Inc
	return nil
}

// The bounds of the protocol.
const (
	protocol   = 2
	batchBytes = 256 << 10
	maxEntries = 512
	maxGaps    = 64
	maxOldest  = 64
	// maxMessage is gRPC's bound; a batch of batchBytes with its gaps is below.
	maxMessage = batchBytes + 32<<10
	// handshakeTimeout bounds a connection from accept to the end of HTTP/2's
	// preface, unaryTimeout a call that is no stream, from its first byte.
	handshakeTimeout = 10 * time.Second
	unaryTimeout     = 30 * time.Second
	// A peer that is gone is noticed after the sum of both.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	// drainTimeout is how long streams may take to end when the server stops.
	drainTimeout = 10 * time.Second
	// window is HTTP/2's, of a stream and of a connection.
	window = 64 << 10
)

// Server is the ingest server.
type Server struct {
	seawallv1.UnimplementedIngestServiceServer
	cfg      Config
	codec    *squeeze.Codec
	memory   *budget.Budget // what is uncompressed and not committed
	share    *share         // what is received or on its way
	draining chan struct{}  // closed when the server stops
	trouble  rate.Sometimes
	helpers  sync.WaitGroup // goroutines of streams

	mu      sync.Mutex
	streams map[fleet.HostID]*stream       // guarded by mu
	rates   map[fleet.HostID]*rate.Limiter // guarded by mu; of members
}

// New returns a server that works with c.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	codec, err := squeeze.New(batchBytes, 4)
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	return &Server{
		cfg:      c,
		codec:    codec,
		memory:   budget.New(c.MemoryBytes / 2),
		share:    newShare(c.MemoryBytes / 2),
		draining: make(chan struct{}),
		trouble:  rate.Sometimes{First: 1, Interval: 10 * time.Second},
		streams:  make(map[fleet.HostID]*stream),
		rates:    make(map[fleet.HostID]*rate.Limiter),
	}, nil
}

// Serve takes streams on l until ctx ends. It then asks hosts to come back later,
// finishes what is in flight for a few seconds, and returns nil. It closes l. A
// server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	door := gate.New(s.cfg.Gate)
	g := grpc.NewServer(append(s.options(), grpc.Creds(door.Credentials(credentials.NewTLS(s.cfg.TLS))))...)
	seawallv1.RegisterIngestServiceServer(g, s)
	for _, register := range s.cfg.Services {
		register(g)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		close(s.draining)
		force := time.AfterFunc(drainTimeout, g.Stop)
		defer force.Stop()
		g.GracefulStop()
	}()
	err := g.Serve(door.Listener(l))
	if ctx.Err() == nil {
		g.Stop()
		return fmt.Errorf("serve ingest: %w", err)
	}
	<-stopped
	s.helpers.Wait()
	return nil
}

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.InTapHandle(tapped),
		grpc.StreamInterceptor(s.recoverStream),
		grpc.UnaryInterceptor(s.recoverUnary),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(64 << 10),
		grpc.MaxConcurrentStreams(4),
		grpc.MaxHeaderListSize(8 << 10),
		grpc.ConnectionTimeout(s.cfg.handshake),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(window),
		grpc.ReadBufferSize(0), // TLS has a buffer of its own
		grpc.WriteBufferSize(4 << 10),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 20 * time.Second, // without a stream
			Time:              s.cfg.keepalive,
			Timeout:           keepaliveTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second}),
	}
}

// limiter returns the host's budget of bytes, which outlives its streams.
func (s *Server) limiter(host fleet.HostID) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.rates[host]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(s.cfg.BytesPerSecond), s.cfg.BurstBytes)
		s.rates[host] = l
	}
	return l
}

// old returns a channel that tells when a stream is old.
func (s *Server) old() <-chan time.Time {
	if s.cfg.StreamAge <= 0 {
		return nil
	}
	return time.After(s.cfg.StreamAge*3/4 + rand.N(s.cfg.StreamAge/2+1))
}

// spread is within how many milliseconds hosts should come back after a drain: 4
// ms for each of them, which is more than a small machine needs for a handshake and
// a greeting. So there is no queue, and 8,000 hosts are back after 33 s.
func (s *Server) spread() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint32(min(1000+4*len(s.streams), 60_000))
}
