// Package seen has the pages of what rules saw on hosts: the list of detections, newest
// first, and one of them with the processes that led to it.
//
// Who has a scope sees detections on hosts of it alone.
package seen

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame      *frame.Frame
	Detections frame.Detections
	Lists      frame.Lists
}

// Pages are the pages.
type Pages struct {
	config Config
	frame  *frame.Frame
	pages  *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, template.FuncMap{"chain": chain}, "detections", "detection")
	if err != nil {
		return nil, fmt.Errorf("seen: %w", err)
	}
	return &Pages{c, c.Frame, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /hosts/{id}/detections/{storm}", Role: frame.Viewer, Serve: s.detectionPage, Scoped: true},
		{Pattern: "GET /detections", Role: frame.Viewer, Serve: s.detectionsPage, Scoped: true},
	}
}

func (s *Pages) detectionsPage(w http.ResponseWriter, r *http.Request) {
	q := list.Detections(r.URL.Query(), frame.PageSize+1)
	q.Limit, q.Scope = frame.PageSize+1, frame.Of(r).Scope
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	var hosts []fleet.Host
	if r.URL.Query().Get("fragment") == "" { // the filter is in no fragment
		if hosts, err = s.detected(r, q.Host); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	s.frame.Show(w, r, s.pages, "detections", detectionsOf(s.frame.Now(), q, all, hosts))
}

// detected returns the hosts to choose from: those with detections, and the one that is
// chosen whether or not it is among them.
func (s *Pages) detected(r *http.Request, chosen fleet.HostID) ([]fleet.Host, error) {
	scope := frame.Of(r).Scope
	p, err := s.config.Lists.HostPage(r.Context(), fleet.HostQuery{Detected: true, Scope: scope, Size: mostHosts})
	if err != nil {
		return nil, fmt.Errorf("hosts with detections: %w", err)
	}
	if chosen == "" || slices.ContainsFunc(p.Hosts, func(h fleet.Host) bool { return h.ID == chosen }) {
		return p.Hosts, nil
	}
	one, err := s.config.Lists.HostPage(r.Context(), fleet.HostQuery{Only: []fleet.HostID{chosen}, Scope: scope, Size: 1})
	if err != nil {
		return nil, fmt.Errorf("the host of detections: %w", err)
	}
	return append(p.Hosts, one.Hosts...), nil
}

// detection returns the detection that the path names.
func (s *Pages) detection(r *http.Request) (fleet.Detection, error) {
	id, err := frame.HostID(r)
	if err != nil {
		return fleet.Detection{}, err
	}
	if err := frame.See(r.Context(), s.config.Lists, frame.Of(r), id); err != nil {
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
	s.frame.Show(w, r, s.pages, "detection", detectionOf(s.frame.Now(), d))
}
