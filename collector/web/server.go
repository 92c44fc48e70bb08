package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"seawall/collector/fleet"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/live"
	"seawall/collector/web/rpc"
	"seawall/collector/web/session"
)

// The bounds of the server.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	endWithin     = 5 * time.Second // for requests under way when the server stops
	headerBytes   = 16 << 10
	formBytes     = 8 << 10
	connections   = 1024
	streams       = 256
	files         = 4 // made at a time
	filesEach     = 2 // of one user

	sessionLifetime = 12 * time.Hour
	sessionIdle     = 2 * time.Hour
	sessionMax      = 1024
	sessionEach     = 16
	sweepEvery      = time.Minute
	newsBuffer      = 64
)

// Server is the dashboard.
type Server struct {
	config   Config
	log      *slog.Logger
	frame    *frame.Frame
	sessions *session.Store
	visitor  func(*http.Request) frame.Visitor
	hub      *live.Hub
	calls    *rpc.Server
	files    *download.Slots
	routes   []frame.Route
	router   http.Handler
	handler  http.Handler
}

// New returns a dashboard that works with c.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	f, err := frame.New(frame.Config{Version: c.Version, Secure: c.Secure, Log: c.Log, Now: c.Now, Away: c.Away})
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &Server{config: c, log: c.Log, frame: f}
	s.sessions, err = session.New(session.Config{Lifetime: sessionLifetime, Idle: sessionIdle, Max: sessionMax, Each: sessionEach,
		Now: c.Now, Data: c.Sessions, Log: c.Log})
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.files, err = download.NewSlots(files, filesEach, c.registerer()); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.hub = live.NewHub(streams, s.changeData)
	areas, err := s.areas()
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.routes = s.own()
	for _, a := range areas {
		s.routes = append(s.routes, a.Routes()...)
	}
	for i := range s.routes { // the API answers within the scope, or refuses
		_, path, _ := strings.Cut(s.routes[i].Pattern, " ")
		s.routes[i].Scoped = s.routes[i].Scoped || strings.HasPrefix(path, "/api/")
	}
	f.Menu(s.routes)
	s.router = s.route()
	s.handler = gate.New(c.Hosts, formBytes).Wrap(s.router)
	return s, nil
}

// EndUser signs a user out everywhere: what it may do has changed.
func (s *Server) EndUser(user string) { s.sessions.EndUser(user) }

// Sessions returns the open sessions of a user, where the database keeps them.
func (s *Server) Sessions(ctx context.Context, user string) ([]session.Open, error) {
	return s.sessions.List(ctx, user)
}

// EndSession ends that of a user's sessions which [Server.Sessions] calls id.
func (s *Server) EndSession(ctx context.Context, user, id string) error {
	return s.sessions.EndOne(ctx, user, id)
}

// ServeHTTP answers one request. Events flow only while [Server.Serve] runs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

// Serve answers requests on l, over TLS when configured, until ctx ends; it then
// ends the event streams, lets other requests finish for a few seconds and
// returns nil. It closes l. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	updates, unsubscribe := s.config.Feed.Subscribe(s.hub.Buffer())
	defer unsubscribe()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	l = netutil.LimitListener(l, connections)
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(s.config.TLS == nil) // for gRPC, on loopback or behind a proxy
	if s.config.TLS != nil {
		c := s.config.TLS.Clone()
		c.NextProtos = []string{"h2", "http/1.1"}
		l = tls.NewListener(l, c)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.hub.Run(ctx, updates) })
	group.Go(func() error { return s.sweep(ctx) })
	group.Go(func() error { return s.calls.Run(ctx) })
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the dashboard: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done() // the hub's end ends the streams
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer cancel()
		if err := server.Shutdown(end); err != nil {
			s.log.Warn("requests were cut off at the end", "err", err)
			return server.Close()
		}
		return nil
	})
	return group.Wait()
}

// sweep ends expired sessions, and what another collector has ended, and with them their
// streams, until ctx ends.
func (s *Server) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	news, end := s.config.Elsewhere(newsBuffer)
	defer end()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case n, ok := <-news:
			if !ok {
				news = nil // the store is closed
			}
			if !n.Lost && !slices.ContainsFunc(n.Topics, func(t string) bool { return t == "sessions" || t == "accounts" }) {
				continue
			}
		}
		if err := s.sessions.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("sessions are not swept", "err", err)
		}
	}
}

// missedAtMost is how many events a page that comes back is given; one that
// missed more is told to load anew. It is the store's own limit.
const missedAtMost = 200

// missed returns the events after since that f selects, oldest first.
func (s *Server) missed(ctx context.Context, f live.Filter, since int64) ([]fleet.Event, bool, error) {
	events, err := s.config.Posture.Timeline(ctx, fleet.TimelineQuery{Host: f.Host, Check: f.Check, Limit: missedAtMost})
	if err != nil {
		return nil, false, fmt.Errorf("missed events: %w", err)
	}
	var newer []fleet.Event
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].ID > since && (f.Sees == nil || f.Sees(events[i].Host)) {
			newer = append(newer, events[i])
		}
	}
	return newer, len(events) < missedAtMost || events[len(events)-1].ID <= since, nil
}
