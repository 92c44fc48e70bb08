// Package api answers with the data of the pages as JSON.
package api

import (
	"context"
	"fmt"
	"net/http"

	"seawall/collector/fleet"
	"seawall/collector/web/answer"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/pending"
)

// Config is what an [API] works with.
type Config struct {
	Frame      *frame.Frame
	Posture    frame.Posture
	Catalogue  frame.Catalogue
	Detections frame.Detections
	Requests   func(ctx context.Context) ([]fleet.Request, error) // hosts that asked to be admitted
}

// API answers with JSON.
type API struct {
	config Config
	frame  *frame.Frame
}

// New returns an API.
func New(c Config) *API { return &API{c, c.Frame} }

// Routes returns its paths.
func (s *API) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /api/v1/overview", Role: frame.Viewer, Serve: s.overviewJSON},
		{Pattern: "GET /api/v1/hosts", Role: frame.Viewer, Serve: s.hostsJSON},
		{Pattern: "GET /api/v1/hosts/{id}", Role: frame.Viewer, Serve: s.hostJSON},
		{Pattern: "GET /api/v1/hosts/{id}/detections/{storm}", Role: frame.Viewer, Serve: s.detectionJSON},
		{Pattern: "GET /api/v1/detections", Role: frame.Viewer, Serve: s.detectionsJSON},
		{Pattern: "GET /api/v1/requests", Role: frame.Viewer, Serve: s.requestsJSON},
		{Pattern: "GET /api/v1/checks", Role: frame.Viewer, Serve: s.checksJSON},
		{Pattern: "GET /api/v1/checks/{id}", Role: frame.Viewer, Serve: s.checkJSON},
		{Pattern: "GET /api/v1/timeline", Role: frame.Viewer, Serve: s.timelineJSON},
	}
}

func (s *API) overviewJSON(w http.ResponseWriter, r *http.Request) {
	o, err := s.config.Posture.Overview(r.Context())
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	answer.PlainEvents(o.Recent)
	answer.PlainDetections(o.Detections)
	o.Detections = answer.List(o.Detections)
	o.Worst, o.Recent, o.Days = answer.List(o.Worst), answer.List(o.Recent), answer.List(o.Days)
	answer.JSON(w, http.StatusOK, o)
}

func (s *API) hostsJSON(w http.ResponseWriter, r *http.Request) {
	hosts, err := s.config.Posture.Hosts(r.Context())
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	for i := range hosts {
		answer.PlainHost(&hosts[i])
	}
	answer.JSON(w, http.StatusOK, map[string]any{"hosts": answer.List(hosts)})
}

// hostJSON answers with a host, its results, and its pending updates put together.
func (s *API) hostJSON(w http.ResponseWriter, r *http.Request) {
	d, err := s.host(r)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	answer.PlainHost(&d.Host)
	answer.PlainStates(d.States)
	d.States = answer.List(d.States)
	answer.JSON(w, http.StatusOK, struct {
		fleet.HostDetail
		Updates []pending.Group `json:"updates"`
	}{d, pending.Groups(s.frame.Now(), d.States)})
}

func (s *API) requestsJSON(w http.ResponseWriter, r *http.Request) {
	requests, err := s.config.Requests(r.Context())
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	answer.PlainRequests(requests)
	answer.JSON(w, http.StatusOK, map[string]any{"requests": answer.List(requests)})
}

func (s *API) checksJSON(w http.ResponseWriter, r *http.Request) {
	checks, err := s.config.Catalogue.Checks(r.Context())
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	answer.JSON(w, http.StatusOK, map[string]any{"checks": answer.List(checks)})
}

func (s *API) checkJSON(w http.ResponseWriter, r *http.Request) {
	d, err := s.config.Catalogue.Check(r.Context(), r.PathValue("id"))
	if err != nil {
		s.frame.Fail(w, r, fmt.Errorf("check: %w", err))
		return
	}
	answer.PlainStates(d.States)
	d.States = answer.List(d.States)
	answer.JSON(w, http.StatusOK, d)
}

// timelineJSON answers with events, newest first, and next, the cursor for the
// parameter before that gives the events after them; 0 when there are none.
func (s *API) timelineJSON(w http.ResponseWriter, r *http.Request) {
	q := list.Timeline(r.URL.Query(), frame.PageSize)
	events, err := s.config.Posture.Timeline(r.Context(), q)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	next := int64(0)
	if len(events) == q.Limit {
		next = events[len(events)-1].ID
	}
	answer.PlainEvents(events)
	answer.JSON(w, http.StatusOK, map[string]any{"events": answer.List(events), "next": next})
}

// host returns the host that the path names.
func (s *API) host(r *http.Request) (fleet.HostDetail, error) {
	id, err := frame.HostID(r)
	if err != nil {
		return fleet.HostDetail{}, err
	}
	d, err := s.config.Posture.Host(r.Context(), id)
	if err != nil {
		return fleet.HostDetail{}, fmt.Errorf("host %s: %w", id, err)
	}
	return d, nil
}

// detection returns the detection that the path names.
func (s *API) detection(r *http.Request) (fleet.Detection, error) {
	id, err := frame.HostID(r)
	if err != nil {
		return fleet.Detection{}, err
	}
	d, err := s.config.Detections.Detection(r.Context(), id, r.PathValue("storm"))
	if err != nil {
		return d, fmt.Errorf("detection of host %s: %w", id, err)
	}
	return d, nil
}

func (s *API) detectionJSON(w http.ResponseWriter, r *http.Request) {
	d, err := s.detection(r)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	all := []fleet.Detection{d}
	answer.PlainDetections(all)
	answer.JSON(w, http.StatusOK, all[0])
}

// detectionsJSON answers with detections, newest first, and next, the cursor for the
// parameter before that gives those after them; 0 when there are none.
func (s *API) detectionsJSON(w http.ResponseWriter, r *http.Request) {
	q := list.Detections(r.URL.Query(), frame.PageSize)
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	next := int64(0)
	if len(all) == q.Limit {
		next = all[len(all)-1].Place
	}
	answer.PlainDetections(all)
	answer.JSON(w, http.StatusOK, map[string]any{"detections": answer.List(all), "next": next})
}
