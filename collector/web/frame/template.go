package frame

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/url"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/chart"
	"seawall/collector/web/format"
	"seawall/pkg/finding"
)

//go:embed templates/*.html
var files embed.FS

// Templates are the parsed pages of an area. They are safe for concurrent use.
type Templates struct {
	pages map[string]*template.Template
}

// base returns the templates that all pages share.
func base(more template.FuncMap) (*template.Template, error) {
	all := funcs()
	maps.Copy(all, more)
	t, err := template.New("base").Funcs(all).ParseFS(files, "templates/base.html", "templates/part.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	return t, nil
}

// Parse reads the pages of an area: each of names from the file templates/NAME.html of
// from, together with the shared templates and, where it is there, templates/part.html,
// the area's own. The templates may call more beside the shared functions.
func Parse(from fs.FS, more template.FuncMap, names ...string) (*Templates, error) {
	shared, err := base(more)
	if err != nil {
		return nil, err
	}
	if own, err := fs.Glob(from, "templates/part.html"); err == nil && len(own) > 0 {
		if shared, err = shared.ParseFS(from, own...); err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
	}
	out := &Templates{pages: make(map[string]*template.Template, len(names))}
	for _, name := range names {
		t, err := shared.Clone()
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		if t, err = t.ParseFS(from, "templates/"+name+".html"); err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		out.pages[name] = t
	}
	return out, nil
}

// Page renders the whole of page name.
func (t *Templates) Page(name string, p Page) ([]byte, error) {
	return t.render(name, "page", p)
}

// The fragments of a page.
const (
	FragmentLive = "live" // the parts that follow from the data
	FragmentAll  = "all"  // those and the timeline
)

// Fragment renders only the parts of page name.
func (t *Templates) Fragment(name, fragment string, p Page) ([]byte, error) {
	if fragment != FragmentLive && fragment != FragmentAll {
		return nil, fmt.Errorf("fragment %q of page %s: %w", fragment, name, fs.ErrNotExist)
	}
	return t.render(name, fragment, p)
}

func (t *Templates) render(name, block string, p Page) ([]byte, error) {
	page := t.pages[name]
	if page == nil || page.Lookup(block) == nil {
		return nil, fmt.Errorf("%s of page %s: %w", block, name, fs.ErrNotExist)
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, block, p); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	return b.Bytes(), nil
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

// funcs are what all templates may call.
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
		"pathseg":    url.PathEscape,
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
