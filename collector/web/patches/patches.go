// Package patches has the pages of pending security updates across the fleet: the
// packages, those pending on most hosts first, and the hosts of one; and the advisories
// and CVEs that the updates are for, the worst first, and the hosts of one.
//
// Who has a scope sees hosts of it alone.
package patches

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seawall/collector/advisory"
	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/pending"
	"seawall/pkg/finding"
)

//go:embed templates/*.html
var files embed.FS

// Advisories answers for names of advisories and CVEs, within a scope.
type Advisories interface {
	Advisories(ctx context.Context, q advisory.Query) (advisory.Page, error)
	Advised(ctx context.Context, q advisory.HostQuery) (fleet.StatePage, error)
}

// Config is what [Pages] works with. All fields must be set.
type Config struct {
	Frame    *frame.Frame
	Packages func(ctx context.Context, q fleet.PackageQuery) (fleet.PackagePage, error)
	Results  func(ctx context.Context, q fleet.CheckQuery) (fleet.StatePage, error)
	// Advisories are the names in what is pending.
	Advisories Advisories
	// Exported is told who takes which list as a file, before it begins, and may refuse it.
	Exported func(ctx context.Context, who, what string) error
}

// Pages are the pages.
type Pages struct {
	config Config
	pages  *frame.Templates
}

const (
	path    = "/patches"
	one     = "/patches/hosts" // of the package that the address names
	size    = 100
	maxWord = 200 // bytes of a text; a name may be as long as a resource
	maxName = 4096
)

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, template.FuncMap{
		"hostsof": hostsOf,
		"since":   func(s fleet.State) time.Time { return pending.Since(&s) },
		"names":   namesOf, "hostsofadvisory": hostsOfAdvisory,
		"kind": func(cves bool) string {
			if cves {
				return "cves"
			}
			return "advisories"
		},
	}, "patches", "package", "advisories", "advisory")
	if err != nil {
		return nil, fmt.Errorf("patches: %w", err)
	}
	return &Pages{c, pages}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET " + path, Role: frame.Viewer, Serve: s.packagesPage, Scoped: true},
		{Pattern: "GET " + one, Role: frame.Viewer, Serve: s.hostsPage, Scoped: true},
		{Pattern: "GET " + advisoriesPath, Role: frame.Viewer, Serve: s.advisoriesPage, Scoped: true},
		{Pattern: "GET " + advisoryPath, Role: frame.Viewer, Serve: s.advisoryPage, Scoped: true},
		{Pattern: "GET " + exportPath, Role: frame.Viewer, Serve: s.export, Scoped: true, File: true},
	}
}

// number reads the page, counted from 1 in an address and from 0 here.
func number(v url.Values) int {
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 && n < 1e6 {
		return n - 1
	}
	return 0
}

// address returns a path with a word and a page, and what else is kept.
func address(path, key, word string, page int, kept ...url.Values) string {
	v := url.Values{}
	for _, k := range kept {
		maps.Copy(v, k)
	}
	if word != "" {
		v.Set(key, word)
	}
	if page > 0 {
		v.Set("page", strconv.Itoa(page+1))
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// ages are the spans of the overview, shortest first: for how long updates are pending.
func ages() []span {
	return []span{{"week", "7 days or less", 0, 7}, {"month", "8 to 30 days", 7, 30}, {"quarter", "31 to 90 days", 30, 90}, {"longer", "over 90 days", 90, 0}}
}

// span is a time for which updates are pending: days, over the first and up to the
// second; 0 for no bound.
type span struct {
	word, label string
	over, upTo  int
}

// Ages returns the words for how long updates are pending, shortest first, as [Within]
// takes them.
func Ages() []string {
	var words []string
	for _, a := range ages() {
		words = append(words, a.word)
	}
	return words
}

// hostsOf returns the address of the hosts of a package: of all, or of those on which it is
// pending for as long as a word of [Ages] says.
func hostsOf(name, age string) string {
	v := url.Values{"package": {name}}
	if age != "" {
		v.Set("age", age)
	}
	return one + "?" + v.Encode()
}

// Within narrows a query to what is pending for as long as a word of [Ages] says. Any
// other word leaves the query as it is.
func Within(q *fleet.PackageQuery, age string, now time.Time) {
	for _, a := range ages() {
		if a.word == age {
			q.From, q.To = a.bounds(now)
		}
	}
}

// bounds returns since when what is pending for that long is: since from or later, and
// since before to.
func (s span) bounds(now time.Time) (from, to time.Time) {
	if s.over > 0 {
		to = now.AddDate(0, 0, -s.over)
	}
	if s.upTo > 0 {
		from = now.AddDate(0, 0, -s.upTo)
	}
	return from, to
}

// packagesBody is the model of the list of packages.
type packagesBody struct {
	Text     string
	Age      string // for how long, in words; empty for all
	Word     string // the same as addresses have it
	Ages     []list.Option
	Packages []fleet.Package
	Pages    list.Pages
	Most     int // hosts of the package that is pending on most
}

func (s *Pages) packagesPage(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	if len(text) > maxWord {
		text = strings.ToValidUTF8(text[:maxWord], "")
	}
	q := fleet.PackageQuery{Text: text, Scope: frame.Of(r).Scope, Page: number(r.URL.Query()), Size: size}
	b := packagesBody{Text: text, Most: 1, Ages: list.Options("any time", r.URL.Query().Get("age"))}
	kept := url.Values{}
	for _, a := range ages() {
		chosen := a.word == r.URL.Query().Get("age")
		b.Ages = append(b.Ages, list.Option{Value: a.word, Label: a.label, Chosen: chosen})
		if chosen {
			q.From, q.To = a.bounds(s.config.Frame.Now())
			b.Age, b.Word = a.label, a.word
			kept.Set("age", a.word)
		}
	}
	p, err := s.config.Packages(r.Context(), q)
	if err != nil {
		s.config.Frame.Fail(w, r, err)
		return
	}
	b.Packages = p.Packages
	for i := range p.Packages {
		b.Most = max(b.Most, p.Packages[i].Hosts)
	}
	b.Pages = list.Place(q.Page, size, len(p.Packages), p.Total, func(page int) string { return address(path, "q", text, page, kept) })
	s.config.Frame.Show(w, r, s.pages, "patches", frame.Page{Title: "Patches", Section: "patches", Body: b})
}

// hostsBody is the model of the hosts on which a package is pending.
type hostsBody struct {
	Name           string
	Age            string // for how long, in words; empty for all
	All            string // the address without Age
	List           string // of the list of packages that leads here
	States         []fleet.State
	Previous, Next string
}

func (s *Pages) hostsPage(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("package")
	if name == "" || len(name) > maxName {
		s.config.Frame.NotFound(w, r)
		return
	}
	q := fleet.CheckQuery{
		Check: pending.Check, Resource: name, Status: finding.StatusFail, Scope: frame.Of(r).Scope, Page: number(r.URL.Query()), Size: size,
	}
	b := hostsBody{Name: name, All: hostsOf(name, ""), List: path}
	kept := url.Values{}
	for _, a := range ages() {
		if a.word == r.URL.Query().Get("age") {
			q.From, q.To = a.bounds(s.config.Frame.Now())
			b.Age = a.label
			kept.Set("age", a.word)
			b.List = path + "?" + kept.Encode()
		}
	}
	p, err := s.config.Results(r.Context(), q)
	if err != nil {
		s.config.Frame.Fail(w, r, err)
		return
	}
	b.States = p.States
	if q.Page > 0 {
		b.Previous = address(one, "package", name, q.Page-1, kept)
	}
	if p.More {
		b.Next = address(one, "package", name, q.Page+1, kept)
	}
	s.config.Frame.Show(w, r, s.pages, "package", frame.Page{Title: name, Section: "patches", Body: b})
}
