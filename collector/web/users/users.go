package users

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/trail"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/session"
)

//go:embed templates/*.html
var files embed.FS

// Config is what [Pages] works with. All must be set.
type Config struct {
	Frame    *frame.Frame
	Accounts *account.Accounts
	Tokens   *apitoken.Tokens
	DB       db.DB             // holds the trail
	EndUser  func(user string) // ends a user's sessions
	// Sessions returns a user's open sessions, and EndSession ends one of them. Nil: they
	// are not listed.
	Sessions   func(ctx context.Context, user string) ([]session.Open, error)
	EndSession func(ctx context.Context, user, id string) error
}

// Pages are the pages.
type Pages struct {
	config   Config
	frame    *frame.Frame
	pages    *frame.Templates
	attempts *session.Limiter // at the old password
	checked  *trail.Checked
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, funcs(), "account", "users", "user", "trail")
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	return &Pages{c, c.Frame, pages, session.NewLimiter(c.Frame.Now), new(trail.Checked)}, nil
}

// Routes returns the pages' paths.
func (p *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /account", Role: frame.Viewer, Serve: p.person(p.own), Scoped: true},
		{Pattern: "POST /account", Role: frame.Viewer, Serve: p.person(p.changeOwn), Scoped: true},
		{Pattern: "GET /users", Role: frame.Admin, Serve: p.person(p.list)},
		{Pattern: "POST /users", Role: frame.Admin, Serve: p.person(p.add)},
		{Pattern: "GET /users/{name}", Role: frame.Admin, Serve: p.person(p.one)},
		{Pattern: "POST /users/{name}", Role: frame.Admin, Serve: p.person(p.change)},
		{Pattern: "GET /trail", Role: frame.Admin, Serve: p.person(p.trail)},
	}
}

// Examples returns a path for each page.
func (p *Pages) Examples() []string { return []string{"/account", "/users", "/users/admin", "/trail"} }

// tokenList is a table of API tokens, as its template takes it.
type tokenList struct {
	Page   frame.Page
	Path   string // where they are revoked
	Tokens []apitoken.Token
}

// browserList is a table of signed-in browsers, likewise.
type browserList struct {
	Page frame.Page
	Path string // where they are signed out
	Here string // the one of the page
	Open []session.Open
}

// funcs are what the templates may call.
func funcs() template.FuncMap {
	return template.FuncMap{
		"tokens": func(p frame.Page, path string, all []apitoken.Token) tokenList { return tokenList{p, path, all} },
		"browsers": func(p frame.Page, path, here string, all []session.Open) browserList {
			return browserList{p, path, here, all}
		},
		"userPath": func(name string) string { return "/users/" + url.PathEscape(name) },
		"count64":  format.Count[int64],
	}
}

// person lets only people through.
func (p *Pages) person(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if frame.Of(r).Program {
			p.frame.Failure(w, r, http.StatusForbidden, "This is for people", "An API token cannot be used here.")
			return
		}
		next(w, r)
	}
}

// problem returns what a person can do about err, or "" where it is nothing of theirs.
func problem(err error) string {
	switch {
	case errors.Is(err, account.ErrExists):
		return "A user of this name exists already."
	case errors.Is(err, account.ErrLastAdmin):
		return "This is the last administrator who can sign in: make another one first."
	case errors.Is(err, apitoken.ErrTooMany):
		return apitoken.ErrTooMany.Error() + "."
	case errors.Is(err, account.ErrInvalid):
		text := strings.TrimSuffix(err.Error(), ": "+account.ErrInvalid.Error())
		return strings.ToUpper(text[:1]) + text[1:] + "."
	}
	return ""
}

// options are the roles to choose from.
func options(chosen account.Role) (out []list.Option) {
	words := map[account.Role]string{account.Viewer: "viewer: reads", account.Operator: "operator: also decides about hosts and findings", account.Admin: "admin: also decides about people and settings"}
	for _, r := range account.Roles() {
		out = append(out, list.Option{Value: string(r), Label: words[r], Chosen: r == chosen})
	}
	return out
}

// listBody is the model of the list of users.
type listBody struct {
	Users   []account.User
	Problem string
	Roles   []list.Option
	Name    string
	Scope   string
}

func (p *Pages) list(w http.ResponseWriter, r *http.Request) {
	p.showList(w, r, http.StatusOK, listBody{Roles: options(account.Viewer)})
}

func (p *Pages) showList(w http.ResponseWriter, r *http.Request, code int, b listBody) {
	all, err := p.config.Accounts.List(r.Context())
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	b.Users = all
	p.frame.ShowCode(w, r, code, p.pages, "users", frame.Page{Title: "Users", Section: "users", Body: b})
}

// add makes a user.
func (p *Pages) add(w http.ResponseWriter, r *http.Request) {
	b := listBody{Name: strings.TrimSpace(r.PostFormValue("name")), Scope: r.PostFormValue("scope")}
	role := account.Role(r.PostFormValue("role"))
	b.Roles = options(role)
	err := p.config.Accounts.Add(r.Context(), frame.Of(r).User, b.Name, r.PostFormValue("password"), role, strings.Fields(b.Scope))
	if b.Problem = problem(err); b.Problem != "" {
		p.showList(w, r, http.StatusUnprocessableEntity, b)
		return
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Redirect(w, r, "/users", "The user "+b.Name+" was made.")
}

// userBody is the model of the page of one user.
type userBody struct {
	User    account.User
	Tokens  []apitoken.Token
	Roles   []list.Option
	Problem string
	Self    bool
	Open    []session.Open
	Here    string // the session of who looks
}

func (p *Pages) one(w http.ResponseWriter, r *http.Request) {
	p.showOne(w, r, http.StatusOK, "")
}

func (p *Pages) showOne(w http.ResponseWriter, r *http.Request, code int, problem string) {
	b := userBody{Problem: problem}
	var err error
	if b.User, err = p.config.Accounts.Get(r.Context(), r.PathValue("name")); err == nil {
		b.Tokens, err = p.config.Tokens.List(r.Context(), b.User.Name)
	}
	if b.Here = frame.Of(r).Session; err == nil && p.config.Sessions != nil {
		b.Open, err = p.config.Sessions(r.Context(), b.User.Name)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	b.Roles, b.Self = options(b.User.Role), b.User.Name == frame.Of(r).User
	p.frame.ShowCode(w, r, code, p.pages, "user", frame.Page{Title: b.User.Name, Section: "users", Body: b})
}

// change does one thing to a user, and ends the sessions that may now do too much.
func (p *Pages) change(w http.ResponseWriter, r *http.Request) {
	who, name, ctx := frame.Of(r).User, r.PathValue("name"), r.Context()
	a := p.config.Accounts
	back, done, ends := "/users/"+url.PathEscape(name), "", true
	var err error
	switch r.PostFormValue("do") {
	case "role":
		err = a.SetRole(ctx, who, name, account.Role(r.PostFormValue("role")), strings.Fields(r.PostFormValue("scope")))
		done = "What " + name + " may do was changed. " + name + " has to sign in again."
	case "password":
		err = a.SetPassword(ctx, who, name, r.PostFormValue("password"))
		done = "The password of " + name + " was changed."
	case "disable":
		err = a.Disable(ctx, who, name, true)
		done = name + " can no longer sign in."
	case "enable":
		err = a.Disable(ctx, who, name, false)
		done = name + " can sign in again."
	case "remove":
		err = a.Remove(ctx, who, name)
		back, done = "/users", "The user "+name+" was removed, and its API tokens."
	case "end-one":
		p.endOne(w, r, name, back)
		return
	case "revoke":
		ends = false
		err = p.config.Tokens.Revoke(ctx, who, name, r.PostFormValue("id"))
		done = "The API token was revoked."
	default:
		err = fmt.Errorf("what to do: %w", fs.ErrNotExist)
	}
	if text := problem(err); text != "" {
		p.showOne(w, r, http.StatusUnprocessableEntity, text)
		return
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Redirect(w, r, back, done)
	if ends {
		p.config.EndUser(name)
	}
}
