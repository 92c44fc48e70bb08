package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// Store keeps records. Apply returns after they are durable and ignores those that
// it has; after an error, nothing is acknowledged.
type Store interface {
	// Admit makes a host known, or returns fleet.ErrFull.
	Admit(ctx context.Context, host fleet.HostID) error
	Positions(ctx context.Context, host fleet.HostID) ([]fleet.Position, error)
	Apply(ctx context.Context, host fleet.HostID, records []fleet.Delivery) error
}

// Config is what a [Server] needs. Store, TLS and Identify must be set; other zero
// fields mean the default.
type Config struct {
	Store    Store
	TLS      *tls.Config // must demand a client certificate
	Identify func(tls.ConnectionState) (fleet.HostID, error)
	Metrics  *Metrics
	Log      *slog.Logger

	MaxConnections int           // default 12,000
	BytesPerSecond int           // of one host, on average; default 1 MiB
	BurstBytes     int           // of one host at once; default 16 MiB
	HelloTimeout   time.Duration // default 10 s
}

func (c *Config) complete() error {
	if c.Store == nil || c.TLS == nil || c.Identify == nil {
		return errors.New("ingest: no store, TLS configuration or way to identify hosts")
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 12_000
	}
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
	return nil
}

// The bounds of the protocol.
const (
	protocol = 1
	// maxMessage is gRPC's bound; a batch of batchBytes with its framing is below.
	maxMessage = 1 << 20
	batchBytes = 512 << 10
	// inFlightBytes is what one host may have unacknowledged.
	inFlightBytes = 1 << 20
	// allInFlight bounds what all hosts have in decoding and commit together.
	allInFlight = 64 << 20
	maxEntries  = 4096
	maxOldest   = 64
	// handshakeTimeout bounds a connection from accept to the end of HTTP/2's
	// preface.
	handshakeTimeout = 10 * time.Second
	// drainTimeout is how long streams may take to end when the server stops.
	drainTimeout = 10 * time.Second
)

// Server is the ingest server.
type Server struct {
	seawallv1.UnimplementedIngestServiceServer
	cfg      Config
	memory   *semaphore.Weighted
	draining chan struct{} // closed when the server stops
	trouble  rate.Sometimes
	readers  sync.WaitGroup

	mu      sync.Mutex
	streams map[fleet.HostID]*stream       // guarded by mu
	rates   map[fleet.HostID]*rate.Limiter // guarded by mu; of admitted hosts
}

// New returns a server that works with c.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	return &Server{
		cfg:      c,
		memory:   semaphore.NewWeighted(allInFlight),
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
	g := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(s.cfg.TLS)),
		grpc.ForceServerCodecV2(codec{}),
		grpc.StreamInterceptor(s.recover),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(64<<10),
		grpc.MaxConcurrentStreams(4),
		grpc.MaxHeaderListSize(8<<10),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.ReadBufferSize(4<<10),
		grpc.WriteBufferSize(16<<10),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: time.Minute, // without a stream
			Time:              time.Minute,
			Timeout:           20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second}),
	)
	seawallv1.RegisterIngestServiceServer(g, s)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		close(s.draining)
		force := time.AfterFunc(drainTimeout, g.Stop)
		defer force.Stop()
		g.GracefulStop()
	}()
	err := g.Serve(netutil.LimitListener(l, s.cfg.MaxConnections))
	if ctx.Err() == nil {
		g.Stop()
		return fmt.Errorf("serve ingest: %w", err)
	}
	<-stopped
	s.readers.Wait()
	return nil
}

// recover ends a stream whose handler panics, and only that.
func (s *Server) recover(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Metrics.Panics.Inc()
			s.cfg.Log.Error("stream ended by a panic", "panic", p, "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "the collector has an error")
		}
	}()
	return next(srv, ss)
}

// Deliver is the stream of one host.
func (s *Server) Deliver(ss grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error {
	host, err := s.identify(ss.Context())
	if err != nil {
		s.cfg.Metrics.Refused.Inc()
		return err
	}
	st := newStream(s, host, ss)
	if err := s.enter(ss.Context(), st); err != nil {
		return err
	}
	defer s.leave(st)
	s.cfg.Metrics.Streams.Inc()
	defer s.cfg.Metrics.Streams.Dec()
	return st.run(ss.Context())
}

// identify returns the host whose key the connection proved.
func (s *Server) identify(ctx context.Context) (fleet.HostID, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", status.Error(codes.Unauthenticated, "no peer")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return "", status.Error(codes.Unauthenticated, "no TLS")
	}
	host, err := s.cfg.Identify(info.State)
	if err != nil || !host.Valid() {
		return "", status.Error(codes.Unauthenticated, "the client certificate names no host")
	}
	return host, nil
}

// enter makes st the one stream of its host: it ends another and waits until that
// is gone.
func (s *Server) enter(ctx context.Context, st *stream) error {
	for {
		s.mu.Lock()
		old := s.streams[st.host]
		if old == nil {
			s.streams[st.host] = st
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		old.end()
		select {
		case <-old.gone:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

func (s *Server) leave(st *stream) {
	s.mu.Lock()
	delete(s.streams, st.host)
	s.mu.Unlock()
	close(st.gone)
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

// spread is within how many milliseconds hosts should come back after a drain: 2
// ms for each of them, so that they do not come all at once.
func (s *Server) spread() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint32(min(1000+2*len(s.streams), 60_000))
}
