// Package changes has the page of what changed on all hosts, newest first, with who did
// it. The address says what is shown: host, check and family select, severity is the
// least, status the new one, actor the login user or the user of the cause, caused=1
// leaves out what nobody explains, since and until are days (UTC, both included), before
// is the page's cursor. What is not understood selects nothing less.
//
// Who has a scope sees changes of hosts of it alone.
package changes

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/pkg/finding"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame   *frame.Frame
	Changes func(ctx context.Context, q fleet.ChangeQuery) (fleet.ChangePage, error)
}

// Pages are the pages.
type Pages struct {
	config Config
	pages  *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "changes")
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	return &Pages{c, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{{Pattern: "GET " + path, Role: frame.Viewer, Serve: s.page, Scoped: true}}
}

const (
	path    = "/changes"
	maxWord = 200 // bytes of a word of the address
	day     = "2006-01-02"
)

// body is the page's model.
type body struct {
	Filter     filter
	Severities []list.Option
	Statuses   []list.Option
	Timeline   frame.Timeline
	Newest     string    // address of the first page, on another
	Older      string    // address of the next page, if any
	Reached    time.Time // the oldest that was looked at, where the page is not full
}

// filter is a query with what its address says of days.
type filter struct {
	fleet.ChangeQuery
	From, To string
}

// parse reads the filter from the page's address.
func parse(v url.Values) filter {
	word := func(name string) string {
		if s := strings.TrimSpace(v.Get(name)); len(s) <= maxWord {
			return s
		}
		return ""
	}
	f := filter{ChangeQuery: fleet.ChangeQuery{
		Check: word("check"), Family: word("family"), Actor: word("actor"), Caused: v.Get("caused") == "1", Limit: frame.PageSize,
	}}
	if id := fleet.HostID(v.Get("host")); id.Valid() {
		f.Host = id
	}
	if err := f.Severity.UnmarshalText([]byte(v.Get("severity"))); err != nil {
		f.Severity = finding.SeverityUnknown
	}
	if err := f.Status.UnmarshalText([]byte(v.Get("status"))); err != nil {
		f.Status = finding.StatusUnspecified
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		f.Before = n
	}
	if t, err := time.Parse(day, v.Get("since")); err == nil {
		f.Since, f.From = t, t.Format(day)
	}
	if t, err := time.Parse(day, v.Get("until")); err == nil {
		f.Until, f.To = t.AddDate(0, 0, 1), t.Format(day)
	}
	return f
}

// Any reports whether the filter leaves anything out.
func (f filter) Any() bool {
	f.Before = 0
	return f.address() != path
}

// address returns the page's address.
func (f filter) address() string {
	v := url.Values{}
	for name, value := range map[string]string{
		"host": string(f.Host), "check": f.Check, "family": f.Family, "actor": f.Actor, "since": f.From, "until": f.To,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.Caused {
		v.Set("caused", "1")
	}
	if f.Severity != finding.SeverityUnknown {
		v.Set("severity", f.Severity.String())
	}
	if f.Status != finding.StatusUnspecified {
		v.Set("status", f.Status.String())
	}
	if f.Before != 0 {
		v.Set("before", strconv.FormatInt(f.Before, 10))
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

func (s *Pages) page(w http.ResponseWriter, r *http.Request) {
	f := parse(r.URL.Query())
	f.Scope = frame.Of(r).Scope
	p, err := s.config.Changes(r.Context(), f.ChangeQuery)
	if err != nil {
		s.config.Frame.Fail(w, r, err)
		return
	}
	s.config.Frame.Show(w, r, s.pages, "changes", show(s.config.Frame.Now(), f, p))
}

// show returns the page of the changes that f selects.
func show(now time.Time, f filter, p fleet.ChangePage) frame.Page {
	b := body{Filter: f, Timeline: frame.NewTimeline(now, path, f.Before, frame.PageSize, p.Events)}
	// New ones come by themselves only where all are shown: the script does not know
	// the filter.
	live := !f.Any() && f.Before == 0 && len(f.Scope) == 0
	b.Timeline.Title, b.Timeline.Newest = "What changed", true // its pager is the page's own
	if f.Any() {
		b.Timeline.Empty = "No change matches."
	}
	if f.Before != 0 {
		first := f
		first.Before = 0
		b.Newest = first.address()
	}
	if p.Next != 0 {
		next := f
		next.Before = p.Next
		b.Older = next.address()
		if len(p.Events) < frame.PageSize {
			b.Reached = p.Reached
		}
	}
	b.Severities = []list.Option{{Label: "any severity", Chosen: f.Severity == finding.SeverityUnknown}}
	for v := finding.SeverityCritical; v > finding.SeverityUnknown; v-- {
		b.Severities = append(b.Severities, list.Option{Value: v.String(), Label: format.Severity(v), Chosen: v == f.Severity})
	}
	b.Statuses = []list.Option{{Label: "any result", Chosen: f.Status == finding.StatusUnspecified}}
	for _, v := range []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown, finding.StatusPass, finding.StatusNotApplicable} {
		b.Statuses = append(b.Statuses, list.Option{Value: v.String(), Label: format.Status(v), Chosen: v == f.Status})
	}
	out := frame.Page{Title: "Changes", Section: "changes", API: "/api/v1/timeline", Body: b}
	if live {
		out.Live = &frame.Live{Since: b.Timeline.Since()}
	}
	return out
}
