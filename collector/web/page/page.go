// Package page makes the dashboard's pages out of the fleet's data: a model for
// each page (what is shown, grouped, sorted and paged) and its html/template.
//
// A page consists of parts, elements with an id and the attribute data-part. A
// fragment of a page is some of its parts and nothing around them; the script
// puts them in the place of those with the same id. The timeline is a part of
// its own, since its entries also come one by one ([Renderer.Row]).
//
// Templates get all text through html/template's escaping; the package makes no
// markup itself and uses none of html/template's types that switch escaping off.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/chart"
	"seawall/collector/web/format"
	"seawall/collector/web/pending"
	"seawall/pkg/finding"
)

//go:embed templates/*.html
var files embed.FS

// Page is what every page's template gets.
type Page struct {
	Title   string
	Section string // of the navigation: overview, hosts, checks, detections or ""
	API     string // the path of the same as JSON, or ""
	Live    *Live  // nil: the page does not change by itself
	Body    any    // the page's own model
	Chrome
}

// Chrome is what stands around a page's content.
type Chrome struct {
	Now      time.Time
	SignedIn bool
	Path     string // of this page with its query, to come back to
	Form     string // the token that forms must carry
	Theme    string // light, dark or "": the reader's system decides
	Version  string
	Style    string // address of the style sheet
	Script   string // address of the script
	Icon     string // address of the icon
}

// Live says which events concern a page.
type Live struct {
	Host  fleet.HostID
	Check string
	// Since is the newest event that the page shows; -1 when it shows none and
	// wants none that happened before it listens.
	Since int64
}

// Renderer holds the parsed templates. It is safe for concurrent use.
type Renderer struct {
	pages map[string]*template.Template
	row   *template.Template
}

// names are the pages, each with a file of that name in templates.
func names() []string {
	return []string{"overview", "hosts", "host", "checks", "check", "detections", "detection", "join", "login", "error"}
}

// NewRenderer parses the templates.
func NewRenderer() (*Renderer, error) {
	base, err := template.New("base").Funcs(funcs()).ParseFS(files, "templates/base.html", "templates/part.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	r := &Renderer{pages: make(map[string]*template.Template)}
	for _, name := range names() {
		t, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		if t, err = t.ParseFS(files, "templates/"+name+".html"); err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		r.pages[name] = t
	}
	r.row = base.Lookup("event")
	return r, nil
}

// Page renders the whole of page name.
func (r *Renderer) Page(name string, p Page) ([]byte, error) {
	return r.render(name, "page", p)
}

// The fragments of a page.
const (
	FragmentLive = "live" // the parts that follow from the data
	FragmentAll  = "all"  // those and the timeline
)

// Fragment renders only the parts of page name.
func (r *Renderer) Fragment(name, fragment string, p Page) ([]byte, error) {
	if fragment != FragmentLive && fragment != FragmentAll {
		return nil, fmt.Errorf("page %s has no fragment %q", name, fragment)
	}
	return r.render(name, fragment, p)
}

func (r *Renderer) render(name, block string, p Page) ([]byte, error) {
	t := r.pages[name]
	if t == nil || t.Lookup(block) == nil {
		return nil, fmt.Errorf("no page %s, %s", name, block)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, block, p); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Row renders one entry of a timeline.
func (r *Renderer) Row(now time.Time, e fleet.Event) (string, error) {
	var b strings.Builder
	if err := r.row.Execute(&b, newEntry(now, e)); err != nil {
		return "", fmt.Errorf("render event %d: %w", e.ID, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// moment is a time as the "time" template takes it.
type moment struct{ Stamp, Full, Ago string }

func at(now, t time.Time) moment {
	return moment{format.Stamp(t), format.Full(t), format.Ago(now, t)}
}

// wait is at with a length of time in place of a point in it.
func wait(now, t time.Time) moment {
	m := at(now, t)
	m.Ago = format.For(now, t)
	return m
}

// label returns the words for why an upgrade does not just install a fix.
func label(s string) string {
	switch s {
	case "esm not enabled":
		return "ESM not enabled"
	case "masked": // an upgrade installs something newer
		return "Superseded"
	}
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

// funcs are what the templates may call.
func funcs() template.FuncMap {
	return template.FuncMap{
		"line":     format.Line,
		"lines":    format.Lines,
		"head":     func(n int, s string) string { return format.Head(n, format.Line(s)) },
		"long":     format.Long,
		"link":     format.Link,
		"note":     func(line string) bool { return strings.HasPrefix(line, "#") }, // a comment of the shell
		"at":       at,
		"wait":     wait,
		"label":    label,
		"from":     func(now time.Time, g pending.Group) update { return update{now, g} },
		"seconds":  format.Seconds,
		"cpu":      format.CPU,
		"load":     format.Load,
		"bytes":    format.Bytes,
		"count":    format.Count[int],
		"countu":   format.Count[uint64],
		"status":   format.Status,
		"was":      was,
		"severity": format.Severity,
		"user":     format.User,
		"session":  format.Session,
		"unset":    func(n uint32) bool { return n == finding.Unset },
		"share":    chart.Share,
		"severityBar": func(width float64, by [6]int) []chart.Segment {
			return chart.Bar(width, severityParts(by))
		},
		"countsBar": func(width float64, c fleet.Counts) []chart.Segment {
			return chart.Bar(width, countsParts(c))
		},
		"severities": severityParts,
		"badges":     badges,
		"expiry":     expiry,
		"pathseg":    url.PathEscape,
		"chain":      chain,
		"plain":      plain,
		"bars":       func() []int { return []int{1, 2, 3, 4} },
		"less":       func(s finding.Severity, n int) bool { return int(s)-1 < n },
		"barx":       func(n int) int { return (n - 1) * 4 },
		"bary":       func(n int) int { return 10 - 2*n - 1 },
		"barh":       func(n int) int { return 2*n + 1 },
	}
}

// plain returns each of the texts on one line.
func plain(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = format.Line(s)
	}
	return out
}

// severityParts returns the failed results by severity, worst first.
func severityParts(by [6]int) []chart.Segment {
	parts := make([]chart.Segment, 0, len(by))
	for s := len(by) - 1; s >= 0; s-- {
		word := format.Severity(finding.Severity(s))
		parts = append(parts, chart.Segment{Class: "sev-" + word, Label: word, Value: by[s]})
	}
	return parts
}

// countsParts returns results by status, what needs a person first.
func countsParts(c fleet.Counts) []chart.Segment {
	return []chart.Segment{
		{Class: "st-fail", Label: "fail", Value: c.Fail},
		{Class: "st-error", Label: "error", Value: c.Error},
		{Class: "st-unknown", Label: "unknown", Value: c.Unknown},
		{Class: "st-waived", Label: "waived", Value: c.Waived},
		{Class: "st-pass", Label: "pass", Value: c.Pass},
		{Class: "st-not_applicable", Label: "not applicable", Value: c.NotApplicable},
	}
}
