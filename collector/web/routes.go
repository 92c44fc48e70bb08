package web

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"seawall/collector/web/answer"
	"seawall/collector/web/gate"
	"seawall/collector/web/static"
)

// access says who may use a route.
type access int

const (
	member access = iota // with a session
	anybody
	local // from this machine, or with a session
)

// route is one entry of the dashboard's table of paths.
type route struct {
	pattern string
	access  access
	serve   http.HandlerFunc
}

// routes is every path that the dashboard answers. What is not in it is not
// found, after signing in.
func (s *Server) routes() []route {
	table := []route{
		{"GET /{$}", member, s.overviewPage},
		{"GET /hosts", member, s.hostsPage},
		{"GET /hosts/new", member, s.newHostPage},
		{"POST /hosts/new", member, s.newHost},
		{"GET /hosts/{id}", member, s.hostPage},
		{"GET /hosts/{id}/detections/{storm}", member, s.detectionPage},
		{"GET /detections", member, s.detectionsPage},
		{"GET /checks", member, s.checksPage},
		{"GET /checks/{id}", member, s.checkPage},
		{"GET /events", member, s.events},
		{"GET /api/v1/overview", member, s.apiOverview},
		{"GET /api/v1/hosts", member, s.apiHosts},
		{"GET /api/v1/hosts/{id}", member, s.apiHost},
		{"GET /api/v1/hosts/{id}/detections/{storm}", member, s.apiDetection},
		{"GET /api/v1/detections", member, s.apiDetections},
		{"GET /api/v1/requests", member, s.apiRequests},
		{"GET /api/v1/checks", member, s.apiChecks},
		{"GET /api/v1/checks/{id}", member, s.apiCheck},
		{"GET /api/v1/timeline", member, s.apiTimeline},
		{"POST /logout", member, s.logout},
		{"POST /theme", member, s.switchTheme},
		{"/", member, s.notFound},
		{"GET /login", anybody, s.showLogin},
		{"POST /login", anybody, s.login},
		{"GET " + static.Prefix, anybody, s.files.ServeHTTP},
		{"GET /healthz", anybody, s.healthz},
		{"GET /readyz", anybody, s.readyz},
	}
	if s.config.Metrics != nil {
		metrics := promhttp.HandlerFor(s.config.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
		table = append(table, route{"GET /metrics", local, metrics.ServeHTTP})
	}
	return table
}

// router returns the handler of all routes.
func (s *Server) router() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		var h http.Handler = r.serve
		switch r.access {
		case member:
			h = s.signedIn(h)
		case local:
			open, closed := h, s.signedIn(h)
			h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if gate.FromHere(r) {
					open.ServeHTTP(w, r)
					return
				}
				closed.ServeHTTP(w, r)
			})
		case anybody:
		}
		mux.Handle(r.pattern, h)
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
