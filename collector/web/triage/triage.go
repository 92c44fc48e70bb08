// Package triage has the pages on which people decide about findings: a finding with who
// looks after it, a check with what is bad before and after waivers, and the waivers.
//
// Who has a scope sees and decides about hosts of it alone: a host outside is not found,
// and a waiver may not reach beyond. What is decided is in the audit trail, in the
// transaction that does it.
package triage

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/collector/triage"
	"seawall/collector/web/frame"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame *frame.Frame
	Data  db.DB
	// Host returns what a host told, the text of its checks with it.
	Host func(ctx context.Context, id fleet.HostID) (fleet.HostDetail, error)
}

// Pages are the pages.
type Pages struct {
	data  db.DB
	host  func(ctx context.Context, id fleet.HostID) (fleet.HostDetail, error)
	frame *frame.Frame
	pages *frame.Templates
}

// shown is how many findings a page lists.
const shown = 200

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, template.FuncMap{"waivers": newTable}, "waivers", "waive", "finding", "check", "host")
	if err != nil {
		return nil, fmt.Errorf("triage: %w", err)
	}
	return &Pages{c.Data, c.Host, c.Frame, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /waivers", Role: frame.Viewer, Serve: s.waiversPage, Scoped: true},
		{Pattern: "GET /waivers/new", Role: frame.Operator, Serve: s.waivePage, Scoped: true},
		{Pattern: "POST /waivers/new", Role: frame.Operator, Serve: s.waive, Scoped: true},
		{Pattern: "POST /waivers/{id}/end", Role: frame.Operator, Serve: s.end, Scoped: true},
		{Pattern: "GET /hosts/{id}/finding", Role: frame.Viewer, Serve: s.findingPage, Scoped: true},
		{Pattern: "POST /hosts/{id}/finding", Role: frame.Operator, Serve: s.assign, Scoped: true},
		{Pattern: "GET /hosts/{id}/triage", Role: frame.Viewer, Serve: s.hostPage, Scoped: true},
		{Pattern: "GET /checks/{id}/triage", Role: frame.Viewer, Serve: s.checkPage, Scoped: true},
	}
}

// Examples returns pages to look at that any dashboard has.
func (s *Pages) Examples() []string { return []string{"/waivers", "/waivers/new"} }

// Path returns the address of a finding's page.
func Path(k triage.Key) string {
	return "/hosts/" + string(k.Host) + "/finding?" + url.Values{"check": {k.Check}, "resource": {k.Resource}}.Encode()
}

// WaivePath returns the address of the form for a waiver of findings.
func WaivePath(k triage.Key) string {
	return "/waivers/new?" + url.Values{"check": {k.Check}, "host": {string(k.Host)}, "resource": {k.Resource}}.Encode()
}

// row is a finding as lists show it.
type row struct {
	triage.Finding
	Now         time.Time
	Path, Waive string
}

func rows(now time.Time, all []triage.Finding) (out []row) {
	for _, f := range all {
		out = append(out, row{f, now, Path(f.Key), WaivePath(f.Key)})
	}
	return out
}

// sees reports with an error that is fs.ErrNotExist that a host is outside of the
// visitor's scope.
func (s *Pages) sees(ctx context.Context, v frame.Visitor, id fleet.HostID) error {
	if len(v.Scope) == 0 {
		return nil
	}
	tags, err := triage.Tags(ctx, s.data, id)
	if err == nil && !v.Sees(tags) {
		err = fmt.Errorf("host %s is out of the scope of %s: %w", id, v.User, fs.ErrNotExist)
	}
	return err
}

// record writes what the visitor did into the trail.
func record(w db.Writer, now time.Time, v frame.Visitor, action, target, detail string) error {
	who := v.User
	if v.Program {
		who = "token " + v.Session + " of " + v.User
	}
	_, err := trail.Record(w, now, trail.Entry{Who: who, Action: action, Target: target, Detail: detail})
	return err
}

// hostBody is the model of a host's triage.
type hostBody struct {
	ID       fleet.HostID
	Findings []row
	Covered  int
	More     bool // there are more
}

// Left returns how many of the findings are bad after waivers.
func (b hostBody) Left() int { return len(b.Findings) - b.Covered }

// hostPage shows what is bad on a host, with what people say of it.
func (s *Pages) hostPage(w http.ResponseWriter, r *http.Request) {
	id, err := frame.HostID(r)
	if err == nil {
		err = s.sees(r.Context(), frame.Of(r), id)
	}
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	now := s.frame.Now()
	all, err := triage.OfHost(r.Context(), s.data, now, id, shown+1)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	b := hostBody{ID: id, More: len(all) > shown, Findings: rows(now, all[:min(len(all), shown)])}
	for _, f := range b.Findings {
		if f.Waiver != "" {
			b.Covered++
		}
	}
	s.frame.Show(w, r, s.pages, "host", frame.Page{Title: "Triage", Section: "hosts", Body: b})
}

// checkBody is the model of a check's triage.
type checkBody struct {
	Now      time.Time
	ID       string
	Findings []row
	Bad      int // of those
	Covered  int
	More     bool // there are more
	Waivers  []waiver
	May      bool
	Waive    string
}

// Left returns how many of the findings are bad after waivers.
func (b checkBody) Left() int { return b.Bad - b.Covered }

// checkPage shows what is bad of a check, with what people say of it.
func (s *Pages) checkPage(w http.ResponseWriter, r *http.Request) {
	id, now, v := r.PathValue("id"), s.frame.Now(), frame.Of(r)
	all, err := triage.FindingsOf(r.Context(), s.data, now, id, v.Scope, shown+1)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	waivers, err := triage.OfCheck(r.Context(), s.data, now, id)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	b := checkBody{Now: now, ID: id, More: len(all) > shown, May: v.May(frame.Operator), Waive: WaivePath(triage.Key{Check: id})}
	b.Findings = rows(now, all[:min(len(all), shown)])
	if b.Waivers, err = s.visible(r.Context(), v, now, waivers); err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	for _, f := range b.Findings {
		b.Bad++
		if f.Waiver != "" {
			b.Covered++
		}
	}
	s.frame.Show(w, r, s.pages, "check", frame.Page{Title: "Triage of " + id, Section: "checks", Body: b})
}
