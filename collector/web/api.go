package web

import (
	"fmt"
	"net/http"

	"seawall/collector/fleet"
	"seawall/collector/web/answer"
	"seawall/collector/web/page"
	"seawall/collector/web/pending"
)

func (s *Server) apiOverview(w http.ResponseWriter, r *http.Request) {
	o, err := s.config.Posture.Overview(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PlainEvents(o.Recent)
	answer.PlainDetections(o.Detections)
	o.Detections = answer.List(o.Detections)
	o.Worst, o.Recent, o.Days = answer.List(o.Worst), answer.List(o.Recent), answer.List(o.Days)
	answer.JSON(w, http.StatusOK, o)
}

func (s *Server) apiHosts(w http.ResponseWriter, r *http.Request) {
	hosts, err := s.config.Posture.Hosts(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for i := range hosts {
		answer.PlainHost(&hosts[i])
	}
	answer.JSON(w, http.StatusOK, map[string]any{"hosts": answer.List(hosts)})
}

// apiHost answers with a host, its results, and its pending updates put together.
func (s *Server) apiHost(w http.ResponseWriter, r *http.Request) {
	d, err := s.host(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PlainHost(&d.Host)
	answer.PlainStates(d.States)
	d.States = answer.List(d.States)
	answer.JSON(w, http.StatusOK, struct {
		fleet.HostDetail
		Updates []pending.Group `json:"updates"`
	}{d, pending.Groups(s.config.Now(), d.States)})
}

func (s *Server) apiRequests(w http.ResponseWriter, r *http.Request) {
	requests, err := s.config.Requests(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PlainRequests(requests)
	answer.JSON(w, http.StatusOK, map[string]any{"requests": answer.List(requests)})
}

func (s *Server) apiChecks(w http.ResponseWriter, r *http.Request) {
	checks, err := s.config.Catalogue.Checks(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.JSON(w, http.StatusOK, map[string]any{"checks": answer.List(checks)})
}

func (s *Server) apiCheck(w http.ResponseWriter, r *http.Request) {
	d, err := s.config.Catalogue.Check(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, fmt.Errorf("check: %w", err))
		return
	}
	answer.PlainStates(d.States)
	d.States = answer.List(d.States)
	answer.JSON(w, http.StatusOK, d)
}

// apiTimeline answers with events, newest first, and next, the cursor for the
// parameter before that gives the events after them; 0 when there are none.
func (s *Server) apiTimeline(w http.ResponseWriter, r *http.Request) {
	q := timelineQuery(r, page.PageSize)
	events, err := s.config.Posture.Timeline(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := int64(0)
	if len(events) == q.Limit {
		next = events[len(events)-1].ID
	}
	answer.PlainEvents(events)
	answer.JSON(w, http.StatusOK, map[string]any{"events": answer.List(events), "next": next})
}
