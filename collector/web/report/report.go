// Package report has the page of posture reports: of the fleet, of the hosts with a tag,
// or of one host, to read, to print, and as files (CSV of each table, JSON of the whole).
//
// The address says what it is about: tag or host, and days, how far its trends look back.
// Who has a scope sees reports of hosts of it alone; another host is not found. That a
// report left as a file is in the audit trail.
package report

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/report"
	"seawall/collector/triage"
	"seawall/collector/triage/cover"
	"seawall/collector/web/chart"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame   *frame.Frame
	Data    db.DB
	Posture frame.Posture
	Lists   frame.Lists
	Checks  func(ctx context.Context) ([]fleet.Check, error)
}

// Pages are the pages.
type Pages struct {
	config  Config
	frame   *frame.Frame
	reports *report.Reports
	pages   *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, template.FuncMap{
		"plus":  func(a, b int) int { return a + b },
		"shown": func(all []report.Check) []report.Check { return all[:min(len(all), maxShown)] },
	}, "report")
	if err != nil {
		return nil, fmt.Errorf("reports: %w", err)
	}
	return &Pages{c, c.Frame, report.New(report.Config{Data: c.Data, Checks: c.Checks, Hosts: c.Lists.HostPage}), pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /reports", Role: frame.Viewer, Serve: s.page, Scoped: true},
		{Pattern: "GET /reports/export", Role: frame.Viewer, Serve: s.export, Scoped: true, File: true},
	}
}

// Examples returns paths that tests look at.
func (s *Pages) Examples() []string { return []string{"/reports", "/reports?days=90"} }

// subject is what an address asks for.
type subject struct {
	cover.Hosts
	Days int
}

const (
	maxTag   = 200 // bytes
	maxShown = 50  // checks on a page
)

// parse reads the subject from the address. What is not understood means the default.
func parse(v url.Values, scope []string) subject {
	q := subject{Hosts: cover.Hosts{Scope: scope}, Days: 30}
	if tag := strings.TrimSpace(v.Get("tag")); len(tag) <= maxTag {
		q.Tag = tag
	}
	if id := fleet.HostID(strings.ToLower(strings.TrimSpace(v.Get("host")))); id.Valid() {
		q.Host, q.Tag = id, ""
	}
	if n, err := strconv.Atoi(v.Get("days")); err == nil && slices.Contains(periods(), n) {
		q.Days = n
	}
	return q
}

func periods() []int { return []int{7, 30, 90, 365} }

// address returns a path with the subject in it.
func (q subject) address(path string, more ...string) string {
	v := url.Values{"days": {strconv.Itoa(q.Days)}}
	if q.Tag != "" {
		v.Set("tag", q.Tag)
	}
	if q.Host != "" {
		v.Set("host", string(q.Host))
	}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return path + "?" + v.Encode()
}

// document is a report with what is only on paper or in a file of all.
type document struct {
	*report.Report
	Name     string           `json:"name,omitempty"` // of the host
	Findings []row            `json:"findings,omitempty"`
	Waivers  []triage.Waiver  `json:"waivers"` // that stand for its hosts
	labels   fleet.HostDetail // of the host
}

// row is a bad result of the host that a report is about.
type row struct {
	triage.Finding
	Title       string    `json:"title"`
	Actual      string    `json:"actual"`
	Expected    string    `json:"expected"`
	Remediation string    `json:"remediation,omitempty"`
	Until       time.Time `json:"waived_until,omitzero"`
}

// make makes the report that an address asks for. A host that the visitor may not see is
// an error that is fs.ErrNotExist.
func (s *Pages) make(ctx context.Context, now time.Time, q subject) (*document, error) {
	d := new(document)
	if q.Host != "" {
		if err := s.host(ctx, now, q, d); err != nil {
			return nil, err
		}
	}
	var err error
	if d.Report, err = s.reports.Make(ctx, now, q.Hosts, q.Days); err != nil {
		return nil, err
	}
	all, err := triage.Waivers(ctx, s.config.Data, now, false)
	if err != nil {
		return nil, err
	}
	until := make(map[string]time.Time, len(all))
	for _, w := range all {
		until[w.ID] = w.Expires
		if q.shows(w, d) {
			d.Waivers = append(d.Waivers, w)
		}
	}
	for i, f := range d.Findings {
		d.Findings[i].Until = until[f.Waiver]
	}
	return d, nil
}

// shows reports whether a waiver is in the report. One for another host is its business
// alone; of a host those that stand for a finding of it are shown.
func (q subject) shows(w triage.Waiver, d *document) bool {
	switch {
	case q.Host != "":
		return slices.ContainsFunc(d.Findings, func(f row) bool { return f.Waiver == w.ID })
	case len(q.Scope) > 0:
		return w.Host == "" && (w.Tag == "" || slices.Contains(q.Scope, w.Tag)) && (q.Tag == "" || w.Tag == "" || w.Tag == q.Tag)
	case q.Tag != "":
		return w.Host == "" && (w.Tag == "" || w.Tag == q.Tag)
	}
	return true
}

const maxFindings = 1000

// host adds what is only said of one host.
func (s *Pages) host(ctx context.Context, now time.Time, q subject, d *document) error {
	if len(q.Scope) > 0 {
		tags, err := triage.Tags(ctx, s.config.Data, q.Host)
		if err != nil {
			return err
		}
		if v := (frame.Visitor{Scope: q.Scope}); !v.Sees(tags) {
			return fmt.Errorf("host %s is out of scope: %w", q.Host, fs.ErrNotExist)
		}
	}
	var err error
	if d.labels, err = s.config.Posture.Host(ctx, q.Host); err != nil {
		return err
	}
	d.Name = d.labels.Host.Labels.Name
	all, err := triage.OfHost(ctx, s.config.Data, now, q.Host, maxFindings)
	if err != nil {
		return err
	}
	type key struct{ check, resource string }
	states := make(map[key]fleet.State, len(d.labels.States))
	for _, st := range d.labels.States {
		states[key{st.Result.Check, st.Result.Resource}] = st
	}
	for _, f := range all {
		st, info := states[key{f.Check, f.Resource}], d.labels.Checks[f.Check]
		d.Findings = append(d.Findings, row{Finding: f, Title: info.Title, Actual: st.Result.Actual, Expected: st.Result.Expected, Remediation: info.Remediation})
	}
	return nil
}

// body is the page's model.
type body struct {
	*document
	Subject       subject
	Now           time.Time
	Title         string
	By            string
	Before, After int // failed results, before and after waivers
	Percent       int
	Scored        bool
	Undecided     int
	Score, Fails  chart.Plot
	Drawn         bool
	Tags          []list.Option
	Periods       []list.Option
	Exports       []list.Option
	Hosts         string // address of the list of hosts
}

func (s *Pages) page(w http.ResponseWriter, r *http.Request) {
	v, now := frame.Of(r), s.frame.Now()
	q := parse(r.URL.Query(), v.Scope)
	d, err := s.make(r.Context(), now, q)
	var facets fleet.Facets
	if err == nil {
		facets, err = s.config.Lists.Facets(r.Context(), v.Scope)
	}
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	b := bodyOf(now, q, d, v)
	b.Tags = tags(q.Tag, facets.Tags)
	s.frame.Show(w, r, s.pages, "report", frame.Page{Title: b.Title, Section: "reports", API: q.address("/reports/export", "format", "json"), Body: b})
}

func bodyOf(now time.Time, q subject, d *document, v frame.Visitor) body {
	b := body{document: d, Subject: q, Now: now, Title: "Posture report: " + d.about(), By: v.User, Hosts: "/hosts", Undecided: d.Counts.Error + d.Counts.Unknown}
	if q.Tag != "" {
		b.Hosts += "?" + url.Values{"tag": {q.Tag}}.Encode()
	}
	b.Before, b.After = d.Fails()
	b.Percent, b.Scored = d.Counts.Score()
	score, fails := make([]chart.Point, len(d.Days)), make([]chart.Point, len(d.Days))
	for i, day := range d.Days {
		n, ok := day.Counts.Score()
		score[i] = chart.Point{Day: day.Day, Value: n, None: !ok}
		fails[i] = chart.Point{Day: day.Day, Value: day.Counts.Fail}
	}
	b.Fails, b.Drawn = chart.NewPlot("Failing results", "", 0, fails)
	b.Score, _ = chart.NewPlot("Score", " %", 100, score)
	b.Fails.Caption, b.Score.Caption, b.Score.Class = "failing results, before waivers", "score, percent", "of-pass"
	for _, n := range periods() {
		b.Periods = append(b.Periods, list.Option{Value: strconv.Itoa(n), Label: fmt.Sprintf("%d days", n), Chosen: n == q.Days})
	}
	for _, part := range parts() {
		if part.of(d) {
			b.Exports = append(b.Exports, list.Option{Value: q.address("/reports/export", "format", "csv", "part", part.name), Label: "CSV of " + part.name})
		}
	}
	b.Exports = append(b.Exports, list.Option{Value: q.address("/reports/export", "format", "json"), Label: "JSON of all"})
	return b
}

// about says what the report is about.
func (d *document) about() string {
	switch {
	case d.Host != "" && d.Name != "":
		return "host " + d.Name
	case d.Host != "":
		return "host " + string(d.Host)
	case d.Tag != "":
		return "hosts with tag " + d.Tag
	case len(d.Scope) > 0:
		return "hosts with tag " + strings.Join(d.Scope, " or ")
	}
	return "the fleet"
}

// Sampled returns at most some twelve of the days, the last among them: a table of the
// trend for who cannot see the drawing, or wants numbers.
func (d *document) Sampled() (out []day) {
	step := max(1, (len(d.Days)+11)/12)
	for i := (len(d.Days) - 1) % step; i >= 0 && i < len(d.Days); i += step {
		n, ok := d.Days[i].Counts.Score()
		out = append(out, day{d.Days[i], n, ok})
	}
	return out
}

// day is a day of the trend's table.
type day struct {
	fleet.Day
	Percent int
	Scored  bool
}

// tags are the choices of a tag.
func tags(chosen string, all []fleet.Facet) []list.Option {
	values := make([]string, 0, len(all)+1)
	for _, t := range all {
		values = append(values, t.Value)
	}
	if chosen != "" && !slices.Contains(values, chosen) {
		values = append(values, chosen)
	}
	return list.Options("all hosts", chosen, values...)
}
