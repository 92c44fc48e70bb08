// Package compare has the page that sets the results of a host beside those of another,
// or beside its own of another day: /hosts/{id}/compare, with=HOST or at=DAY (UTC; the
// end of that day).
//
// What was is today's results with the changes since undone, newest first. How far back
// that goes the retention of the timeline says; the page says where it ends.
//
// Who has a scope compares hosts of it alone; another is not found.
package compare

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame *frame.Frame
	Lists frame.Lists
	Host  func(ctx context.Context, id fleet.HostID) (fleet.HostDetail, error)
	// Timeline returns a host's changes, newest first.
	Timeline func(ctx context.Context, q fleet.TimelineQuery) ([]fleet.Event, error)
}

// Pages are the pages.
type Pages struct {
	config Config
	pages  *frame.Templates
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "compare")
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	return &Pages{c, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{{Pattern: "GET /hosts/{id}/compare", Role: frame.Viewer, Serve: s.page, Scoped: true}}
}

const (
	day = "2006-01-02"
	// shown bounds the differences on the page; the others are counted.
	shown = 1000
	// choices bounds the hosts to choose from: those with a like name.
	choices = 50
)

// side is a result on one side. There is none where Status is unspecified.
type side struct {
	Status finding.Status
	Actual string
	Known  bool // the value is kept
}

// There reports whether there is a result.
func (s side) There() bool { return s.Status != finding.StatusUnspecified }

// difference is a result that is not the same on both sides.
type difference struct {
	Check, Title, Resource string
	Severity               finding.Severity
	Left, Right            side
}

// body is the page's model.
type body struct {
	Host        fleet.Host
	Other       *fleet.Host // beside whom, or
	Day         string      // beside the host itself at the end of that day
	Name        string      // what was looked for
	Found       []fleet.Host
	Wrong       string // what is wrong with the question
	Title       string // the host's name
	Left, Right string // headings
	Same        int
	Unsure      int // of the same verdict, with a value that is not kept
	Differences []difference
	More        int
	Today       string
	Reached     time.Time // the past is no older than that
	Nothing     bool      // no change is kept, so that the past is as today
	Bound       int       // changes that are undone, at most
}

// Asked reports whether there is something to compare with.
func (b body) Asked() bool { return b.Other != nil || b.Day != "" }

func (s *Pages) page(w http.ResponseWriter, r *http.Request) {
	b := body{Bound: maxEvents, Today: s.config.Frame.Now().UTC().Format(day)}
	d, err := s.host(r, fleet.HostID(r.PathValue("id")))
	if err == nil {
		b.Host, b.Title, b.Left = d.Host, name(d.Host), name(d.Host)
		err = s.fill(r, d, &b)
	}
	if err != nil {
		s.config.Frame.Fail(w, r, err)
		return
	}
	s.config.Frame.Show(w, r, s.pages, "compare", frame.Page{Title: "Compare " + name(d.Host), Section: "hosts", Body: b})
}

// fill answers the question.
func (s *Pages) fill(r *http.Request, d fleet.HostDetail, b *body) error {
	v := r.URL.Query()
	switch at, with := v.Get("at"), v.Get("with"); {
	case at != "":
		end, err := time.Parse(day, at)
		if err != nil || end.After(s.config.Frame.Now()) {
			b.Wrong = "That is no day that is over: write it as 2026-01-31."
			return nil
		}
		if b.Left, b.Right = "at the end of "+at, "now"; d.Host.FirstSeen.After(end.AddDate(0, 0, 1)) {
			b.Wrong = "The host was not known then."
			return nil
		}
		p, err := rollBack(r.Context(), s.config.Timeline, d.Host.ID, results(d.States), end.AddDate(0, 0, 1))
		if err != nil {
			return err
		}
		b.Day, b.Reached, b.Nothing = at, p.reached, p.nothing
		b.compare(p, past{results: keyed(d.States)}, d.Checks)
	case fleet.HostID(with).Valid():
		o, err := s.host(r, fleet.HostID(with))
		if err != nil {
			return err
		}
		for id, info := range d.Checks {
			o.Checks[id] = info
		}
		b.Other, b.Right = &o.Host, name(o.Host)
		b.compare(past{results: keyed(d.States)}, past{results: keyed(o.States)}, o.Checks)
	case with != "":
		b.Name = strings.ToValidUTF8(with[:min(len(with), 100)], "")
		found, err := s.config.Lists.HostPage(r.Context(), fleet.HostQuery{Text: b.Name, Scope: frame.Of(r).Scope, Size: choices})
		if err != nil {
			return fmt.Errorf("hosts like %q: %w", b.Name, err)
		}
		b.Found = slices.DeleteFunc(found.Hosts, func(h fleet.Host) bool { return h.ID == d.Host.ID })
		if len(b.Found) == 0 {
			b.Wrong = "There is no other host whose name or id has this."
		}
	}
	return nil
}

// host returns a host that the visitor may see.
func (s *Pages) host(r *http.Request, id fleet.HostID) (fleet.HostDetail, error) {
	if err := frame.See(r.Context(), s.config.Lists, frame.Of(r), id); err != nil {
		return fleet.HostDetail{}, err
	}
	d, err := s.config.Host(r.Context(), id)
	if err != nil {
		return d, fmt.Errorf("host %s: %w", id, err)
	}
	return d, nil
}

func name(h fleet.Host) string { return cmp.Or(h.Labels.Name, string(h.ID)) }

func results(states []fleet.State) []finding.Result {
	all := make([]finding.Result, len(states))
	for i := range states {
		all[i] = states[i].Result
	}
	return all
}

func keyed(states []fleet.State) map[finding.Key]finding.Result {
	all := make(map[finding.Key]finding.Result, len(states))
	for i := range states {
		all[states[i].Result.Key()] = states[i].Result
	}
	return all
}

// of returns the result of a side.
func (p past) of(key finding.Key) side {
	r, ok := p.results[key]
	if !ok {
		return side{Known: true}
	}
	return side{Status: r.Status, Actual: r.Actual, Known: !p.unknown[key]}
}

// differ reports whether two sides differ, and whether that is known: of the same verdict
// a value may not be kept.
func differ(a, b side) (differs, known bool) {
	if a.Status != b.Status {
		return true, true
	}
	return a.Actual != b.Actual, a.Known && b.Known
}

// compare sets two sides beside each other, what is worse on one of them first.
func (b *body) compare(left, right past, checks map[string]finding.CheckInfo) {
	all := make(map[finding.Key]finding.Result, len(left.results))
	for key, r := range left.results {
		all[key] = r
	}
	for key, r := range right.results {
		all[key] = r
	}
	for key, r := range all {
		l, o := left.of(key), right.of(key)
		switch differs, known := differ(l, o); {
		case !known:
			b.Unsure++
			continue
		case !differs:
			b.Same++
			continue
		}
		info := checks[r.Check]
		b.Differences = append(b.Differences, difference{Check: r.Check, Title: cmp.Or(info.Title, r.Check), Resource: r.Resource, Severity: cmp.Or(r.Severity, info.Severity), Left: l, Right: o})
	}
	verdict := func(d *difference) int {
		if d.Left.Status.Bad() != d.Right.Status.Bad() {
			return 0
		}
		return 1
	}
	slices.SortFunc(b.Differences, func(x, y difference) int {
		return cmp.Or(cmp.Compare(verdict(&x), verdict(&y)), cmp.Compare(y.Severity, x.Severity), strings.Compare(x.Check, y.Check), strings.Compare(x.Resource, y.Resource))
	})
	b.More = max(len(b.Differences)-shown, 0)
	b.Differences = b.Differences[:len(b.Differences)-b.More]
}
