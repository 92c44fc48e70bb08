package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"seawall/collector/fleet"
	"seawall/collector/web/answer"
	"seawall/collector/web/page"
	"seawall/pkg/finding"
)

// maxRule is the longest name of a rule.
const maxRule = 64

// detectionQuery reads host, rule, severity, before and limit from the address; what
// is not understood selects nothing less.
func detectionQuery(r *http.Request, limit int) fleet.DetectionQuery {
	v := r.URL.Query()
	q := fleet.DetectionQuery{Limit: limit}
	if id := fleet.HostID(v.Get("host")); id.Valid() {
		q.Host = id
	}
	if rule := v.Get("rule"); len(rule) <= maxRule {
		q.Rule = rule
	}
	if err := q.Severity.UnmarshalText([]byte(v.Get("severity"))); err != nil {
		q.Severity = finding.SeverityUnknown
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		q.Before = n
	}
	if n, err := strconv.Atoi(v.Get("limit")); err == nil && n > 0 {
		q.Limit = min(n, missedAtMost)
	}
	return q
}

func (s *Server) detectionsPage(w http.ResponseWriter, r *http.Request) {
	q := detectionQuery(r, page.PageSize+1)
	q.Limit = page.PageSize + 1
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var hosts []fleet.Host
	if r.URL.Query().Get("fragment") == "" { // the filter is in no fragment
		if hosts, err = s.config.Posture.Hosts(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.show(w, r, "detections", page.Detections(s.config.Now(), q, all, hosts))
}

// detection returns the detection that the path names.
func (s *Server) detection(r *http.Request) (fleet.Detection, error) {
	id := fleet.HostID(r.PathValue("id"))
	if !id.Valid() {
		return fleet.Detection{}, fmt.Errorf("host id: %w", fs.ErrNotExist)
	}
	d, err := s.config.Detections.Detection(r.Context(), id, r.PathValue("storm"))
	if err != nil {
		return d, fmt.Errorf("detection of host %s: %w", id, err)
	}
	return d, nil
}

func (s *Server) detectionPage(w http.ResponseWriter, r *http.Request) {
	d, err := s.detection(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, "detection", page.Detection(s.config.Now(), d))
}

func (s *Server) apiDetection(w http.ResponseWriter, r *http.Request) {
	d, err := s.detection(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all := []fleet.Detection{d}
	answer.PlainDetections(all)
	answer.JSON(w, http.StatusOK, all[0])
}

// apiDetections answers with detections, newest first, and next, the cursor for the
// parameter before that gives those after them; 0 when there are none.
func (s *Server) apiDetections(w http.ResponseWriter, r *http.Request) {
	q := detectionQuery(r, page.PageSize)
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := int64(0)
	if len(all) == q.Limit {
		next = all[len(all)-1].Place
	}
	answer.PlainDetections(all)
	answer.JSON(w, http.StatusOK, map[string]any{"detections": answer.List(all), "next": next})
}
