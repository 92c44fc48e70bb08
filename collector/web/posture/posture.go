// Package posture answers with the pages of what is: the fleet, its hosts, the checks. Of each it has a model (what is shown, grouped, sorted and
// paged), made out of the store's answer, and its html/template.
package posture

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

// Config is what [Pages] works with.
type Config struct {
	Frame      *frame.Frame
	Posture    frame.Posture
	Catalogue  frame.Catalogue
	Detections frame.Detections
	Lists      frame.Lists
	Parts      frame.Parts
	Waived     frame.Waived // nil: there are no waivers
	Glance     func(ctx context.Context, scope []string) (fleet.Glance, error)
	Requests   func(ctx context.Context) ([]fleet.Request, error) // hosts that asked to be admitted
	Decides    bool                                               // what a person decides about them can be posted
	// Exported is told who takes what as a file, before it begins, and may refuse it.
	Exported func(ctx context.Context, who, what string) error
	// Views returns what a visitor saved of the list of hosts, above the one of q.
	Views func(ctx context.Context, v frame.Visitor, q list.HostFilter) (list.Views, error)
}

// Pages are the pages.
type Pages struct {
	config Config
	frame  *frame.Frame
	pages  *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := templates()
	if err != nil {
		return nil, fmt.Errorf("posture: %w", err)
	}
	return &Pages{c, c.Frame, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /{$}", Role: frame.Viewer, Serve: s.overviewPage, Scoped: true},
		{Pattern: "GET /hosts", Role: frame.Viewer, Serve: s.hostsPage, Scoped: true},
		{Pattern: "GET /hosts/export", Role: frame.Viewer, Serve: s.exportHosts, Scoped: true, File: true},
		{Pattern: "GET /hosts/{id}", Role: frame.Viewer, Serve: s.hostPage, Scoped: true},
		{Pattern: "GET /checks", Role: frame.Viewer, Serve: s.checksPage, Scoped: true},
		{Pattern: "GET /checks/{id}", Role: frame.Viewer, Serve: s.checkPage, Scoped: true},
	}
}

func (s *Pages) overviewPage(w http.ResponseWriter, r *http.Request) {
	g, err := s.config.Glance(r.Context(), frame.Of(r).Scope)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Show(w, r, s.pages, "overview", overviewOf(s.frame.Now(), g))
}

func (s *Pages) hostPage(w http.ResponseWriter, r *http.Request) {
	d, err := s.host(r)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	h, err := s.history(r, &d)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	detections, err := s.config.Detections.Detections(r.Context(), fleet.DetectionQuery{Host: d.Host.ID, Limit: detectionsShown})
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	decided, err := s.cares(r.Context(), "", d.States)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Show(w, r, s.pages, "host", hostOf(s.frame.Now(), d, h, detections, decided))
}

// host returns the host that the path names.
func (s *Pages) host(r *http.Request) (fleet.HostDetail, error) {
	id, err := frame.HostID(r)
	if err != nil {
		return fleet.HostDetail{}, err
	}
	if err := frame.See(r.Context(), s.config.Lists, frame.Of(r), id); err != nil {
		return fleet.HostDetail{}, err
	}
	d, err := s.config.Posture.Host(r.Context(), id)
	if err != nil {
		return fleet.HostDetail{}, fmt.Errorf("host %s: %w", id, err)
	}
	return d, nil
}

func (s *Pages) checksPage(w http.ResponseWriter, r *http.Request) {
	checks, err := s.config.Parts.ChecksOf(r.Context(), frame.Of(r).Scope)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	var waived map[string]int
	if s.config.Waived != nil {
		if waived, err = s.config.Waived.ByCheck(r.Context(), frame.Of(r).Scope); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	q := list.Parse("/checks", r.URL.Query())
	s.frame.Show(w, r, s.pages, "checks", checksOf(s.frame.Now(), q, checks, waived))
}

func (s *Pages) checkPage(w http.ResponseWriter, r *http.Request) {
	scope := frame.Of(r).Scope
	d, err := s.config.Parts.CheckOf(r.Context(), r.PathValue("id"), scope)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	q := list.Timeline(r.URL.Query(), frame.PageSize+1)
	q.Host, q.Check = "", d.Check.Info.ID
	events, err := s.config.Parts.TimelineOf(r.Context(), q, scope)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	decided, err := s.cares(r.Context(), d.Check.Info.ID, d.States)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	path := "/checks/" + url.PathEscape(d.Check.Info.ID)
	s.frame.Show(w, r, s.pages, "check", checkOf(s.frame.Now(), d, path, q.Before, events, decided))
}
