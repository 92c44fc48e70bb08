package frame

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/answer"
	"seawall/collector/web/gate"
	"seawall/collector/web/static"
)

// Config is what a [Frame] works with. Now and Log must be set.
type Config struct {
	Version string // the collector's, shown at the foot of each page
	Secure  bool   // browsers come by https: cookies are for it alone
	Log     *slog.Logger
	Now     func() time.Time
	// Away reports whether an error says that the database cannot be used now; nil: none
	// does.
	Away func(error) bool
}

// Frame answers requests with an area's pages. It is safe for concurrent use once
// [Frame.Menu] was called.
type Frame struct {
	config  Config
	files   *static.Set
	own     *Templates // the page of errors
	row     *template.Template
	items   []entitled
	account bool
}

// New returns a frame with an empty menu.
func New(c Config) (*Frame, error) {
	set, err := static.Load()
	if err != nil {
		return nil, fmt.Errorf("frame: %w", err)
	}
	shared, err := base(nil)
	if err != nil {
		return nil, err
	}
	own, err := Parse(files, nil, "error")
	if err != nil {
		return nil, err
	}
	return &Frame{config: c, files: set, own: own, row: shared.Lookup("event")}, nil
}

// Files returns the handler of the static files.
func (f *Frame) Files() http.Handler { return f.files }

// Now returns the time.
func (f *Frame) Now() time.Time { return f.config.Now() }

// Log returns the dashboard's log.
func (f *Frame) Log() *slog.Logger { return f.config.Log }

// Away reports whether an error says that the database cannot be used now.
func (f *Frame) Away(err error) bool { return f.config.Away != nil && f.config.Away(err) }

// chrome returns what stands around the content of page p that answers r.
func (f *Frame) chrome(w http.ResponseWriter, r *http.Request, p *Page) Chrome {
	v := Of(r)
	c := Chrome{
		Now:      f.config.Now(),
		Visitor:  v,
		SignedIn: v.Role >= Viewer,
		Path:     r.URL.RequestURI(),
		Form:     v.Form,
		Theme:    f.Theme(r),
		Version:  f.config.Version,
		Style:    f.files.Address("seawall.css"),
		Code:     []string{f.files.Address("seawall.js")},
		Icon:     f.files.Address("icon.svg"),
	}
	if p.Form != "" { // a page before signing in brings its own
		c.Form = p.Form
	}
	for _, name := range p.Scripts {
		c.Code = append(c.Code, f.files.Address(name))
	}
	if !c.SignedIn {
		return c
	}
	c.Flash, c.Account = f.flash(w, r), f.account
	for _, i := range f.items {
		if v.May(i.to.Role) && (len(v.Scope) == 0 || i.to.Scoped) {
			c.Menu = append(c.Menu, i.Item)
		}
	}
	return c
}

// Show answers with page name of t, or the fragment of it that r asks for.
func (f *Frame) Show(w http.ResponseWriter, r *http.Request, t *Templates, name string, p Page) {
	fragment := r.URL.Query().Get("fragment")
	if fragment == "" {
		f.ShowCode(w, r, http.StatusOK, t, name, p)
		return
	}
	p.Chrome = f.chrome(nil, r, &p)
	if p.Live != nil {
		w.Header().Set("Seawall-Since", strconv.FormatInt(p.Live.Since, 10))
	}
	body, err := t.Fragment(name, fragment, p)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	answer.HTML(w, http.StatusOK, body)
}

// ShowCode answers with the whole of page name and a status of its own, as for a form
// that was not right.
func (f *Frame) ShowCode(w http.ResponseWriter, r *http.Request, code int, t *Templates, name string, p Page) {
	p.Chrome = f.chrome(w, r, &p)
	body, err := t.Page(name, p)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	answer.HTML(w, code, body)
}

// Fail answers a request that met err: not found, gone, a database that is away, or our
// fault, which are logged and not shown.
func (f *Frame) Fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Failure(w, r, http.StatusNotFound, "There is no such page", "The address is wrong, or what it showed was removed.")
	case errors.Is(err, context.Canceled):
		w.WriteHeader(http.StatusServiceUnavailable) // nobody reads it
	case f.Away(err):
		f.config.Log.Warn("a page waits for the database", "path", r.URL.Path, "err", err)
		w.Header().Set("Retry-After", "5")
		f.Failure(w, r, http.StatusServiceUnavailable, "The database cannot be used now", "It is down, full, or being started. "+
			"The collector goes on by itself as soon as it can be used again; what hosts have to tell waits on them until then, and nothing is lost.")
	default:
		f.config.Log.Error("a page could not be made", "path", r.URL.Path, "err", err)
		f.Failure(w, r, http.StatusInternalServerError, "This page could not be made", "The collector's log says why.")
	}
}

// Failure answers with a page, or a line of JSON where no person reads it.
func (f *Frame) Failure(w http.ResponseWriter, r *http.Request, code int, title, message string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		answer.Problem(w, code, title+". "+message)
		return
	}
	p := Page{Title: title, Body: struct {
		Code           int
		Title, Message string
	}{code, title, message}}
	p.Chrome = f.chrome(nil, r, &p)
	body, err := f.own.Page("error", p)
	if err != nil {
		f.config.Log.Error("the page for errors could not be made", "err", err)
		http.Error(w, title, code)
		return
	}
	answer.HTML(w, code, body)
}

// NotFound answers that there is no such page.
func (f *Frame) NotFound(w http.ResponseWriter, r *http.Request) {
	f.Fail(w, r, fmt.Errorf("path: %w", fs.ErrNotExist))
}

// Redirect leads on to another page of ours after a POST, which shows done, a
// sentence, once. A path that leads elsewhere leads to the overview.
func (f *Frame) Redirect(w http.ResponseWriter, r *http.Request, path, done string) {
	if !gate.LocalPath(path) {
		path = "/"
	}
	if done != "" {
		f.setFlash(w, r, done)
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// SignIn returns the address of the page to sign in on that leads back to r's.
func (f *Frame) SignIn(r *http.Request) string {
	if next := r.URL.RequestURI(); gate.LocalPath(next) && next != "/" {
		return "/login?" + url.Values{"next": {next}}.Encode()
	}
	return "/login"
}

// Row renders one entry of a timeline.
func (f *Frame) Row(now time.Time, e fleet.Event) (string, error) {
	var b strings.Builder
	if err := f.row.Execute(&b, newEntry(now, e)); err != nil {
		return "", fmt.Errorf("render event %d: %w", e.ID, err)
	}
	return strings.TrimSpace(b.String()), nil
}
