package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"seawall/collector/web/answer"
	"seawall/collector/web/changes"
	"seawall/collector/web/compare"
	"seawall/collector/web/frame"
	"seawall/collector/web/join"
	"seawall/collector/web/list"
	"seawall/collector/web/patches"
	"seawall/collector/web/people"
	"seawall/collector/web/posture"
	"seawall/collector/web/rpc"
	"seawall/collector/web/saved"
	"seawall/collector/web/seen"
	"seawall/collector/web/static"
)

// Routes returns every path that the dashboard answers, with who may use it. What is
// not in it is not found, after signing in.
func (s *Server) Routes() []frame.Route { return slices.Clone(s.routes) }

// own are the paths of no area.
func (s *Server) own() []frame.Route {
	table := []frame.Route{
		{Pattern: "GET /events", Role: frame.Viewer, Serve: s.events, Scoped: true},
		{Pattern: "POST /theme", Role: frame.Viewer, Serve: s.frame.SwitchTheme, Scoped: true},
		{Pattern: "/", Role: frame.Viewer, Serve: s.frame.NotFound, Scoped: true},
		{Pattern: "GET " + static.Prefix, Role: frame.Anybody, Serve: s.frame.Files().ServeHTTP},
		{Pattern: "GET /healthz", Role: frame.Anybody, Serve: s.healthz},
		{Pattern: "GET /readyz", Role: frame.Anybody, Serve: s.readyz},
	}
	if s.config.Metrics != nil {
		metrics := promhttp.HandlerFor(s.config.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
		table = append(table, frame.Route{Pattern: "GET /metrics", Role: frame.Local, Serve: metrics.ServeHTTP})
	}
	return table
}

// areas makes the areas.
func (s *Server) areas() ([]Area, error) {
	c := &s.config
	who, err := people.New(people.Config{Frame: s.frame, Sessions: s.sessions, SignIn: c.SignIn, Bearer: c.Bearer, Provider: c.SSO.name(), SignedOut: c.SSO.signedOut})
	if err != nil {
		return nil, err
	}
	s.visitor = who.Visitor
	views, more, err := s.views()
	if err != nil {
		return nil, err
	}
	what, err := posture.New(posture.Config{Frame: s.frame, Posture: c.Posture, Catalogue: c.Catalogue, Detections: c.Detections, Lists: c.Lists, Parts: c.Parts, Waived: c.Waived, Glance: c.Glance, Requests: c.Requests, Exported: c.Exported, Views: views, Decides: c.Decide != nil})
	if err != nil {
		return nil, err
	}
	rules, err := seen.New(seen.Config{Frame: s.frame, Detections: c.Detections, Lists: c.Lists})
	if err != nil {
		return nil, err
	}
	invite, err := join.New(join.Config{Frame: s.frame, NewHost: c.NewHost, Invite: c.Invite, Tokens: c.Tokens, Withdraw: c.Withdraw, Requests: c.Requests, Decide: c.Decide})
	if err != nil {
		return nil, err
	}
	changed, err := changes.New(changes.Config{Frame: s.frame, Changes: c.Lists.Changes})
	if err != nil {
		return nil, err
	}
	updates, err := patches.New(patches.Config{Frame: s.frame, Packages: c.Lists.Packages, Results: c.Catalogue.Results, Advisories: c.Advisories, Exported: c.Exported})
	if err != nil {
		return nil, err
	}
	beside, err := compare.New(compare.Config{Frame: s.frame, Lists: c.Lists, Host: c.Posture.Host, Timeline: c.Posture.Timeline})
	if err != nil {
		return nil, err
	}
	provided, err := s.signOn(who)
	if err != nil {
		return nil, err
	}
	s.calls = rpc.New(rpc.Config{Frame: s.frame, Visitor: s.visitor, Timeline: c.Posture.Timeline, Within: c.Parts.Within, Subscribe: c.Feed.Subscribe,
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) })})
	given, err := c.Areas(s.frame)
	if err != nil {
		return nil, fmt.Errorf("areas: %w", err)
	}
	return slices.Concat([]Area{who, what, rules, changed, updates, beside, invite, s.calls}, more, given, provided), nil
}

// views returns what stands above the list of hosts, and the area that saves it.
func (s *Server) views() (func(context.Context, frame.Visitor, list.HostFilter) (list.Views, error), []Area, error) {
	if s.config.Views == nil {
		return func(context.Context, frame.Visitor, list.HostFilter) (list.Views, error) { return list.Views{}, nil }, nil, nil
	}
	pages, err := saved.New(saved.Config{Frame: s.frame, Data: s.config.Views})
	if err != nil {
		return nil, nil, err
	}
	return pages.Bar, []Area{pages}, nil
}

// route returns the handler of all routes.
func (s *Server) route() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes {
		mux.Handle(r.Pattern, s.guard(r))
	}
	return mux
}

// healthz says that the server answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer.Text(w, http.StatusOK, "ok\n")
}

// readyz says whether the store takes writes.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.config.Ready(r.Context()); err != nil {
		s.log.Warn("not ready", "err", err)
		answer.Text(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	answer.Text(w, http.StatusOK, "ready\n")
}
