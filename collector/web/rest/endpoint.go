package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/collector/once"
	"seawall/collector/web/answer"
	"seawall/collector/web/frame"
)

// Endpoint is one method of one path: what is said of it, and what answers. Either Serve
// returns what is encoded as JSON, of the type of Answer, or Stream answers by itself.
type Endpoint struct {
	Method     string // default: GET
	Path       string
	ID         string // operationId
	Summary    string
	Role       frame.Role // default: Viewer
	Parameters []Parameter
	Body       any // a struct: the type of the body; nil for none
	Answer     any // nil, with Serve: nothing, 204
	Serve      func(*Request) (any, error)
	Stream     func(http.ResponseWriter, *http.Request) error
	Streams    []string // media types of Stream
	Secret     bool     // Answer holds a secret: it is not kept for who asks again
}

// Created is an answer that there is something new, at a path.
type Created struct {
	At   string
	What any // of the type of Answer
}

// Config is what a [Server] works with. Frame must be set.
type Config struct {
	Frame *frame.Frame
	// Hosts returns a page of hosts: it says which a visitor with a scope sees.
	Hosts   func(context.Context, fleet.HostQuery) (fleet.HostPage, error)
	Version string // the collector's
	// Once keeps what was answered to a POST with an Idempotency-Key. nil: the header means
	// nothing.
	Once *once.Keys
}

// Server answers for endpoints.
type Server struct {
	config   Config
	all      []Endpoint
	document []byte
}

// New returns a server of endpoints and of the document that describes them.
func New(c Config, all []Endpoint) *Server {
	s := &Server{config: c}
	s.all = append(all, Endpoint{Path: "/api/v1/openapi.json", ID: "openapi", Summary: "This document", Answer: map[string]any{},
		Serve: func(*Request) (any, error) { return raw(s.document), nil }})
	for i := range s.all {
		e := &s.all[i]
		if e.Method == "" {
			e.Method = http.MethodGet
		}
		e.Role = max(e.Role, frame.Viewer)
	}
	s.document = document(s.all, c.Version)
	return s
}

// Routes returns the paths.
func (s *Server) Routes() []frame.Route {
	var routes []frame.Route
	for i := range s.all {
		e := &s.all[i]
		routes = append(routes, frame.Route{Pattern: e.Method + " " + e.Path, Role: e.Role, Serve: s.handler(e), Scoped: true, File: e.Stream != nil})
	}
	return routes
}

// handler answers for an endpoint.
func (s *Server) handler(e *Endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, in *http.Request) {
		if e.Stream != nil {
			if err := e.Stream(w, in); err != nil {
				s.fail(w, in, err)
			}
			return
		}
		a, err := s.answer(e, w, in)
		if err != nil {
			s.fail(w, in, err)
			return
		}
		if a.place != "" {
			w.Header().Set("Location", a.place)
		}
		if a.code != http.StatusNoContent {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(a.code)
		_, _ = w.Write(a.body) // the reader is gone if it fails
	}
}

// answer reads a request and makes its answer.
func (s *Server) answer(e *Endpoint, w http.ResponseWriter, in *http.Request) (made, error) {
	wish, err := s.wish(e, in)
	if err != nil {
		return made{}, err
	}
	r, err := s.read(e, w, in)
	if err != nil {
		return made{}, err
	}
	return s.serve(e, r, wish)
}

// raw is JSON already.
type raw []byte

func encode(v any) ([]byte, error) {
	if b, ok := v.(raw); ok {
		return b, nil
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	return rows.Plain(b.Bytes()), nil
}

// refusal is an error that the asker can do something about.
type refusal struct {
	code   int
	detail string
}

func (e *refusal) Error() string { return e.detail }

// Refuse returns the error that answers with a code and a sentence.
func Refuse(code int, detail string) error { return &refusal{code, detail} }

// NotFound returns the error that answers that something is not there.
func NotFound(what string) error { return fmt.Errorf("%s: %w", what, fs.ErrNotExist) }

// fail answers a request that met err.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		answer.Problem(w, refused.code, refused.detail)
	case errors.Is(err, fs.ErrNotExist):
		answer.Problem(w, http.StatusNotFound, "What the path names does not exist, or is not for you to see.")
	case errors.Is(err, context.Canceled):
		w.WriteHeader(http.StatusServiceUnavailable) // nobody reads it
	case s.config.Frame.Away(err):
		s.config.Frame.Log().Warn("the API waits for the database", "path", r.URL.Path, "err", err)
		w.Header().Set("Retry-After", "5")
		answer.Problem(w, http.StatusServiceUnavailable, "The database cannot be used now. Ask again in some seconds.")
	default:
		s.config.Frame.Log().Error("the API could not answer", "path", r.URL.Path, "err", err)
		answer.Problem(w, http.StatusInternalServerError, "The answer could not be made; the collector's log says why.")
	}
}
