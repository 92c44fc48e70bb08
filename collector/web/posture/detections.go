package posture

import (
	"fmt"
	"net/http"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/page"
)

func (s *Pages) detectionsPage(w http.ResponseWriter, r *http.Request) {
	q := list.Detections(r.URL.Query(), frame.PageSize+1)
	q.Limit = frame.PageSize + 1
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	var hosts []fleet.Host
	if r.URL.Query().Get("fragment") == "" { // the filter is in no fragment
		if hosts, err = s.config.Posture.Hosts(r.Context()); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	s.frame.Show(w, r, s.pages, "detections", page.Detections(s.frame.Now(), q, all, hosts))
}

// detection returns the detection that the path names.
func (s *Pages) detection(r *http.Request) (fleet.Detection, error) {
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

func (s *Pages) detectionPage(w http.ResponseWriter, r *http.Request) {
	d, err := s.detection(r)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Show(w, r, s.pages, "detection", page.Detection(s.frame.Now(), d))
}
