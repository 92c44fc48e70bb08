package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/page"
	"seawall/pkg/finding"
)

// writeJSON answers with v, encoded before anything is sent.
func writeJSON(w http.ResponseWriter, code int, v any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		http.Error(w, `{"error":"the answer could not be encoded"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the reader is gone if it fails
}

func (s *Server) apiOverview(w http.ResponseWriter, r *http.Request) {
	o, err := s.config.Posture.Overview(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	plainEvents(o.Recent)
	o.Worst, o.Recent, o.Days = list(o.Worst), list(o.Recent), list(o.Days)
	writeJSON(w, http.StatusOK, o)
}

func (s *Server) apiHosts(w http.ResponseWriter, r *http.Request) {
	hosts, err := s.config.Posture.Hosts(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for i := range hosts {
		plainHost(&hosts[i])
	}
	writeJSON(w, http.StatusOK, map[string]any{"hosts": list(hosts)})
}

func (s *Server) apiHost(w http.ResponseWriter, r *http.Request) {
	d, err := s.host(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	plainHost(&d.Host)
	plainStates(d.States)
	d.States = list(d.States)
	writeJSON(w, http.StatusOK, d)
}

func (s *Server) apiChecks(w http.ResponseWriter, r *http.Request) {
	checks, err := s.config.Catalogue.Checks(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"checks": list(checks)})
}

func (s *Server) apiCheck(w http.ResponseWriter, r *http.Request) {
	d, err := s.config.Catalogue.Check(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, fmt.Errorf("check: %w", err))
		return
	}
	plainStates(d.States)
	d.States = list(d.States)
	writeJSON(w, http.StatusOK, d)
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
	plainEvents(events)
	writeJSON(w, http.StatusOK, map[string]any{"events": list(events), "next": next})
}

// list returns rows, never nil: a list is [] in JSON, not null.
func list[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}

// The plain functions replace what JSON cannot say: a host may send any number,
// and one that is not finite or a year beyond 9999 would fail the whole answer.

func plainHost(h *fleet.Host) {
	for _, f := range []*float64{&h.Labels.Load1, &h.Labels.Load5, &h.Labels.Load15, &h.Agent.CPUSeconds} {
		if math.IsNaN(*f) || math.IsInf(*f, 0) {
			*f = 0
		}
	}
	plainTime(&h.Labels.BootTime)
	plainTime(&h.FirstSeen)
	plainTime(&h.LastSeen)
}

func plainStates(states []fleet.State) {
	for i := range states {
		plainResult(&states[i].Result)
		plainTime(&states[i].Since)
	}
}

func plainEvents(events []fleet.Event) {
	for i := range events {
		plainResult(&events[i].Change.Result)
		plainTime(&events[i].Received)
	}
}

func plainResult(r *finding.Result) {
	plainTime(&r.Time)
	if r.Cause == nil {
		return
	}
	if c := *r.Cause; c.Time.Year() < 0 || c.Time.Year() > 9999 {
		plainTime(&c.Time)
		r.Cause = &c // not the source's own
	}
}

func plainTime(t *time.Time) {
	if y := t.Year(); y < 0 || y > 9999 {
		*t = time.Time{}
	}
}
