package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"seawall/collector/fleet"
	"seawall/collector/web/answer"
	"seawall/collector/web/list"
	"seawall/collector/web/live"
	"seawall/collector/web/page"
)

// chrome returns what stands around the content of a page that answers r.
func (s *Server) chrome(r *http.Request) page.Chrome {
	v := of(r)
	c := page.Chrome{
		Now:      s.config.Now(),
		SignedIn: v.session != nil,
		Path:     r.URL.RequestURI(),
		Theme:    s.theme(r),
		Version:  s.config.Version,
		Style:    s.files.Address("seawall.css"),
		Script:   s.files.Address("seawall.js"),
		Icon:     s.files.Address("icon.svg"),
	}
	if c.SignedIn {
		c.Form = s.sessions.Form(v.cookie)
	}
	return c
}

// show answers with page name, or the fragment of it that r asks for.
func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, p page.Page) {
	p.Chrome = s.chrome(r)
	var body []byte
	var err error
	switch fragment := r.URL.Query().Get("fragment"); fragment {
	case "":
		body, err = s.pages.Page(name, p)
	case page.FragmentLive, page.FragmentAll:
		if p.Live != nil {
			w.Header().Set("Seawall-Since", strconv.FormatInt(p.Live.Since, 10))
		}
		body, err = s.pages.Fragment(name, fragment, p)
	default:
		err = fmt.Errorf("fragment: %w", fs.ErrNotExist)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.HTML(w, http.StatusOK, body)
}

func (s *Server) overviewPage(w http.ResponseWriter, r *http.Request) {
	o, err := s.config.Posture.Overview(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, "overview", page.Overview(s.config.Now(), o))
}

func (s *Server) hostsPage(w http.ResponseWriter, r *http.Request) {
	hosts, err := s.config.Posture.Hosts(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	requests, err := s.config.Requests(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q := list.Parse("/hosts", r.URL.Query())
	s.show(w, r, "hosts", page.Hosts(s.config.Now(), q, hosts, requests))
}

func (s *Server) hostPage(w http.ResponseWriter, r *http.Request) {
	d, err := s.host(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q := timelineQuery(r, page.PageSize+1)
	q.Host, q.Check = d.Host.ID, ""
	events, err := s.config.Posture.Timeline(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	detections, err := s.config.Detections.Detections(r.Context(), fleet.DetectionQuery{Host: d.Host.ID, Limit: page.DetectionsShown})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, "host", page.Host(s.config.Now(), d, q.Before, events, detections))
}

// host returns the host that the path names.
func (s *Server) host(r *http.Request) (fleet.HostDetail, error) {
	id := fleet.HostID(r.PathValue("id"))
	if !id.Valid() {
		return fleet.HostDetail{}, fmt.Errorf("host id: %w", fs.ErrNotExist)
	}
	d, err := s.config.Posture.Host(r.Context(), id)
	if err != nil {
		return fleet.HostDetail{}, fmt.Errorf("host %s: %w", id, err)
	}
	return d, nil
}

func (s *Server) checksPage(w http.ResponseWriter, r *http.Request) {
	checks, err := s.config.Catalogue.Checks(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q := list.Parse("/checks", r.URL.Query())
	s.show(w, r, "checks", page.Checks(s.config.Now(), q, checks))
}

func (s *Server) checkPage(w http.ResponseWriter, r *http.Request) {
	d, err := s.config.Catalogue.Check(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q := timelineQuery(r, page.PageSize+1)
	q.Host, q.Check = "", d.Check.Info.ID
	events, err := s.config.Posture.Timeline(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	path := "/checks/" + url.PathEscape(d.Check.Info.ID)
	s.show(w, r, "check", page.Check(s.config.Now(), d, path, q.Before, events))
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, fmt.Errorf("path: %w", fs.ErrNotExist))
}

// timelineQuery reads host, check, before and limit from the address; what is
// not understood selects nothing less.
func timelineQuery(r *http.Request, limit int) fleet.TimelineQuery {
	v := r.URL.Query()
	q := fleet.TimelineQuery{Check: v.Get("check"), Limit: limit}
	if id := fleet.HostID(v.Get("host")); id.Valid() {
		q.Host = id
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		q.Before = n
	}
	if n, err := strconv.Atoi(v.Get("limit")); err == nil && n > 0 {
		q.Limit = min(n, missedAtMost)
	}
	return q
}

// change is the data of a change event, see package live.
type change struct {
	ID     int64        `json:"id"`
	Host   fleet.HostID `json:"host"`
	Name   string       `json:"name"`
	Check  string       `json:"check"`
	Status string       `json:"status"`
	Row    string       `json:"row"`
}

// changeData renders e for the stream: one line, since JSON escapes newlines.
func (s *Server) changeData(e fleet.Event) ([]byte, error) {
	row, err := s.pages.Row(s.config.Now(), e)
	if err != nil {
		s.log.Error("an event could not be rendered", "id", e.ID, "err", err)
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is read by the script, never by an HTML parser
	c := change{
		ID: e.ID, Host: e.Host, Name: e.HostName, Check: e.Change.Result.Check,
		Status: e.Change.Result.Status.String(), Row: row,
	}
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("event %d: %w", e.ID, err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// events answers with the stream of a page: host and check select, since is the
// newest event that it has.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	f := live.Filter{Host: fleet.HostID(v.Get("host")), Check: v.Get("check")}
	since, err := strconv.ParseInt(v.Get("since"), 10, 64)
	listen := err != nil || since < 0
	if f.Host != "" && !f.Host.Valid() || len(f.Check) > 512 || strings.ContainsAny(f.Check, "\r\n") {
		http.Error(w, "bad filter", http.StatusBadRequest)
		return
	}
	err = s.hub.Stream(w, r, f, of(r).session.Done(), func() ([]fleet.Event, bool, error) {
		if listen {
			return nil, true, nil
		}
		return s.missed(r.Context(), f, since)
	})
	if err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "no stream now", http.StatusServiceUnavailable)
	}
}
