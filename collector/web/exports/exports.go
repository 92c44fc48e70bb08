// Package exports is the dashboard's pages about what goes to other programs as it
// happens: the exports that there are, how far each got, and the form that changes one.
//
// An administrator makes them, everybody who may see all hosts sees them. What is changed
// is in the audit trail, in the transaction that does it.
package exports

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/pkg/finding"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] work with. All fields must be set.
type Config struct {
	Frame *frame.Frame
	Data  db.DB
	// Routes returns the routes that there are, and when the process that delivers was
	// heard of last.
	Routes func() ([]alert.Route, time.Time)
	// Changed is called when exports have changed.
	Changed func()
}

// Pages are the pages.
type Pages struct {
	Config
	pages *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, template.FuncMap{"many": format.Count[int64], "plural": plural}, "exports", "export")
	if err != nil {
		return nil, fmt.Errorf("exports: %w", err)
	}
	return &Pages{c, pages}, nil
}

// Routes returns the pages' paths.
func (p *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /exports", Role: frame.Viewer, Serve: p.index},
		{Pattern: "GET /exports/new", Role: frame.Admin, Serve: p.fresh},
		{Pattern: "POST /exports/new", Role: frame.Admin, Serve: p.save},
		{Pattern: "GET /exports/of/{name}", Role: frame.Admin, Serve: p.one},
		{Pattern: "POST /exports/of/{name}", Role: frame.Admin, Serve: p.save},
		{Pattern: "POST /exports/of/{name}/delete", Role: frame.Admin, Serve: p.remove},
	}
}

// Examples returns paths of the pages for tests that walk them.
func (p *Pages) Examples() []string { return []string{"/exports", "/exports/new"} }

// row is an export as the page shows it.
type row struct {
	order.Progress
	Path  string
	Known bool // the route, by the process that delivers
}

func (p *Pages) index(w http.ResponseWriter, r *http.Request) {
	all, err := order.List(r.Context(), p.Data)
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	known, seen := p.Config.Routes()
	body := struct {
		Now   time.Time
		Rows  []row
		Edit  bool
		Never bool // the process that delivers was not heard of
	}{Now: p.Frame.Now(), Edit: frame.Of(r).Administers(), Never: seen.IsZero()}
	for _, one := range all {
		body.Rows = append(body.Rows, row{one, path(one.Name), slices.ContainsFunc(known, func(k alert.Route) bool { return k.Name == one.Route })})
	}
	p.Frame.Show(w, r, p.pages, "exports", frame.Page{Title: "Exports", Section: "alerts", Body: body})
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func path(name string) string { return "/exports/of/" + url.PathEscape(name) }

// formBody is the model of the form.
type formBody struct {
	Order      order.Order
	Path       string
	Old        bool
	Problems   []string
	What       []list.Option
	Formats    []list.Option
	Severities []list.Option
	Routes     []list.Option
	Families   string
	Tags       string
	NoRoutes   bool
}

func (p *Pages) fresh(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, order.Order{Enabled: true, Format: order.OCSF, What: []string{order.Changes, order.Detections}}, false, nil)
}

func (p *Pages) one(w http.ResponseWriter, r *http.Request) {
	found, err := order.Get(r.Context(), p.Data, r.PathValue("name"))
	if err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	p.form(w, r, http.StatusOK, found.Order, true, nil)
}

// form shows an export's form.
func (p *Pages) form(w http.ResponseWriter, r *http.Request, code int, s order.Order, old bool, problems []string) {
	b := formBody{Order: s, Path: "/exports/new", Old: old, Problems: problems, Families: strings.Join(s.Families, " "), Tags: strings.Join(s.Tags, " ")}
	title := "New export"
	if old {
		b.Path, title = path(s.Name), "Export "+s.Name
	}
	labels := map[string]string{order.Changes: "Changes of results, and what else the timeline has", order.Detections: "Detections", order.Findings: "All results that stand, once in so many hours",
		order.OCSF: "OCSF 1.3, a line each", order.ECS: "Elastic Common Schema, a line each", order.OTLP: "OpenTelemetry logs (OTLP)"}
	for _, v := range order.Kinds() {
		b.What = append(b.What, list.Option{Value: v, Label: labels[v], Chosen: slices.Contains(s.What, v)})
	}
	for _, v := range order.Formats() {
		b.Formats = append(b.Formats, list.Option{Value: v, Label: labels[v], Chosen: v == s.Format})
	}
	b.Severities = append(b.Severities, list.Option{Value: "0", Label: "any"})
	for v := finding.SeverityInformational; v <= finding.SeverityCritical; v++ {
		b.Severities = append(b.Severities, list.Option{Value: strconv.Itoa(int(v)), Label: v.String(), Chosen: v == s.MinSeverity})
	}
	var names []string
	if s.Route != "" {
		names = append(names, s.Route)
	}
	known, _ := p.Config.Routes()
	for _, k := range known {
		if slices.Contains([]string{"webhook", "syslog", "otlp", "file"}, k.Kind) { // the others are for people
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		b.Routes = append(b.Routes, list.Option{Value: name, Label: name, Chosen: name == s.Route})
	}
	b.NoRoutes = len(b.Routes) == 0
	p.Frame.ShowCode(w, r, code, p.pages, "export", frame.Page{Title: title, Section: "alerts", Body: b})
}

// read reads the form, and says which of its fields cannot be read.
func read(r *http.Request) (s order.Order, problems []string) {
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	s = order.Order{Name: field("name"), Enabled: field("enabled") == "yes", Route: field("route"), Format: field("format"),
		Families: strings.Fields(field("families")), Tags: strings.Fields(field("tags"))}
	s.What = slices.Clone(r.PostForm["what"])
	number := func(name string) int {
		n, err := strconv.Atoi(field(name))
		if err != nil || n < 0 {
			problems = append(problems, name+": not a number")
			return 0
		}
		return n
	}
	s.MinSeverity = finding.Severity(min(number("severity"), 255))
	if slices.Contains(s.What, order.Findings) {
		s.EveryHours = number("every")
	}
	return s, problems
}

// save writes an export of a form.
func (p *Pages) save(w http.ResponseWriter, r *http.Request) {
	s, problems := read(r)
	old := r.PathValue("name")
	if old != "" {
		s.Name = old
	}
	if err := s.Check(); err != nil {
		problems = append(problems, strings.Split(err.Error(), "\n")...)
	}
	_, err := order.Get(r.Context(), p.Data, s.Name)
	switch {
	case old != "" && err != nil:
		p.Frame.Fail(w, r, err)
		return
	case old == "" && err == nil:
		problems = append(problems, "name: another export has this one")
	}
	if len(problems) > 0 {
		p.form(w, r, http.StatusUnprocessableEntity, s, old != "", problems)
		return
	}
	_, err = order.Put(r.Context(), p.Data, p.Frame.Now(), frame.Of(r).User, s)
	switch {
	case errors.Is(err, order.ErrFull):
		p.form(w, r, http.StatusUnprocessableEntity, s, false, []string{err.Error()})
		return
	case err != nil:
		p.Frame.Fail(w, r, err)
		return
	}
	p.Changed()
	p.Frame.Redirect(w, r, "/exports", "The export "+s.Name+" is saved.")
}

// remove deletes an order.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := order.Drop(r.Context(), p.Data, p.Frame.Now(), frame.Of(r).User, name); err != nil {
		p.Frame.Fail(w, r, err)
		return
	}
	p.Changed()
	p.Frame.Redirect(w, r, "/exports", "The export "+name+" is deleted.")
}
