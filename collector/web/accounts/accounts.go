// Package accounts is the part of the API about the people who use the collector: users,
// what each may do, the browsers in which they are signed in, and their API tokens. It is
// for administrators' tokens. See package rest.
//
// What one token may do must not outlive it in another, so none makes an administrator,
// an API token, or a password for who is there already: these are a person's to make, on
// the page of users or by a command.
//
// Each change is in the audit trail in the transaction that makes it, under the token's
// id and its user. What a user may do changes at once: the sessions end.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/plain"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
	"seawall/collector/web/session"
)

// Config is what the endpoints work with. All fields must be set.
type Config struct {
	Accounts *account.Accounts
	Tokens   *apitoken.Tokens
	EndUser  func(user string) // ends a user's sessions
	// Sessions returns a user's open sessions. EndSession ends one of them, for the trail
	// by whom trail.By names, in one transaction; there need not be one.
	Sessions   func(ctx context.Context, user string) ([]session.Open, error)
	EndSession func(ctx context.Context, user, id string) error
}

type server struct{ Config }

type (
	userList struct {
		Users []account.User `json:"users"`
	}
	newUser struct {
		Name     string       `json:"name"`
		Role     account.Role `json:"role"`               // viewer or operator
		Scope    []string     `json:"scope,omitempty"`    // tags of hosts; none: all hosts
		Password string       `json:"password,omitempty"` // none: signs in through a provider alone
	}
	newRole struct {
		Role  account.Role `json:"role"`
		Scope []string     `json:"scope,omitempty"`
	}
	access struct {
		Disabled bool `json:"disabled"`
	}
	open struct {
		ID      string    `json:"id"`
		Born    time.Time `json:"born"`
		Used    time.Time `json:"used"`
		Address string    `json:"address"`
		Agent   string    `json:"agent"` // what the browser calls itself
	}
	sessionList struct {
		Sessions []open `json:"sessions"`
	}
	tokenList struct {
		Tokens []apitoken.Token `json:"tokens"`
	}
)

// Endpoints returns the API's endpoints.
func Endpoints(c Config) []rest.Endpoint {
	s := &server{c}
	name := rest.Parameter{Name: "name", InPath: true, About: "The user's name."}
	of, all := []rest.Parameter{name}, []rest.Endpoint{
		{Path: "/api/v1/users", ID: "users", Summary: "Users, by name", Answer: userList{}, Serve: s.list},
		{Method: http.MethodPost, Path: "/api/v1/users", ID: "addUser", Summary: "Make a viewer or an operator. The name is new. Without a password the user signs in through a provider of identities alone.",
			Body: newUser{}, Answer: account.User{}, Serve: s.add},
	}
	one := func(e rest.Endpoint, more ...rest.Parameter) {
		e.Path, e.Parameters = "/api/v1/users/{name}"+e.Path, append(of[:1:1], more...)
		all = append(all, e)
	}
	id := func(about string) rest.Parameter { return rest.Parameter{Name: "id", InPath: true, About: about} }
	one(rest.Endpoint{ID: "user", Summary: "A user", Answer: account.User{}, Serve: s.one})
	one(rest.Endpoint{Method: http.MethodDelete, ID: "removeUser", Summary: "Remove a user, with the API tokens and saved views", Serve: s.remove})
	one(rest.Endpoint{Method: http.MethodPut, Path: "/role", ID: "setUserRole", Summary: "Say what a user may do, and of which hosts. Sessions end.", Body: newRole{}, Answer: account.User{}, Serve: s.role})
	one(rest.Endpoint{Method: http.MethodPut, Path: "/access", ID: "setUserAccess", Summary: "Take a user the right to sign in and to use tokens, or give it back. Sessions end.", Body: access{}, Answer: account.User{}, Serve: s.access})
	one(rest.Endpoint{Path: "/sessions", ID: "userSessions", Summary: "Browsers in which a user is signed in, the one used last first", Answer: sessionList{}, Serve: s.sessions})
	one(rest.Endpoint{Method: http.MethodDelete, Path: "/sessions", ID: "endUserSessions", Summary: "Sign a user out everywhere", Serve: s.endAll})
	one(rest.Endpoint{Method: http.MethodDelete, Path: "/sessions/{id}", ID: "endUserSession", Summary: "Sign a user out of one browser. There need not be one.", Serve: s.endOne}, id("The session's id."))
	one(rest.Endpoint{Path: "/tokens", ID: "userTokens", Summary: "API tokens of a user, without their secrets", Answer: tokenList{}, Serve: s.tokens})
	one(rest.Endpoint{Method: http.MethodDelete, Path: "/tokens/{id}", ID: "revokeUserToken", Summary: "End an API token of a user", Serve: s.revoke}, id("The token's id."))
	for i := range all {
		all[i].Role = frame.Admin
	}
	return all
}

// refuse makes of err what the asker can do about it.
func refuse(err error) error {
	switch {
	case errors.Is(err, account.ErrExists):
		return rest.Refuse(http.StatusConflict, "A user of this name exists already.")
	case errors.Is(err, account.ErrLastAdmin):
		return rest.Refuse(http.StatusConflict, "This is the last administrator who can sign in: make another one first.")
	case errors.Is(err, account.ErrInvalid):
		return rest.Refuse(http.StatusUnprocessableEntity, strings.ReplaceAll(strings.TrimSuffix(err.Error(), ": "+account.ErrInvalid.Error()), "\n", "; ")+".")
	}
	return err
}

// may refuses to make an administrator.
func may(role account.Role) error {
	if role == account.Admin {
		return rest.Refuse(http.StatusForbidden, "A token makes no administrators: a person does, on the page of users or by the command.")
	}
	return nil
}

func (s *server) list(r *rest.Request) (any, error) {
	all, err := s.Accounts.List(r.Context())
	return userList{plain.List(all)}, err
}

func (s *server) one(r *rest.Request) (any, error) {
	return s.Accounts.Get(r.Context(), r.Text("name"))
}

func (s *server) add(r *rest.Request) (any, error) {
	b, ok := r.Body.(*newUser)
	if !ok {
		return nil, errors.New("add a user: no body")
	}
	if err := may(b.Role); err != nil {
		return nil, err
	}
	if err := s.Accounts.Add(r.Context(), r.Who(), b.Name, b.Password, b.Role, b.Scope); err != nil {
		return nil, refuse(err)
	}
	u, err := s.Accounts.Get(r.Context(), b.Name)
	return rest.Created{At: "/api/v1/users/" + url.PathEscape(b.Name), What: u}, err
}

// changed ends a user's sessions after a change, and answers with the user.
func (s *server) changed(r *rest.Request, err error) (any, error) {
	if err != nil {
		return nil, refuse(err)
	}
	s.EndUser(r.Text("name"))
	return s.one(r)
}

func (s *server) role(r *rest.Request) (any, error) {
	b, ok := r.Body.(*newRole)
	if !ok {
		return nil, errors.New("role of a user: no body")
	}
	if err := may(b.Role); err != nil {
		return nil, err
	}
	return s.changed(r, s.Accounts.SetRole(r.Context(), r.Who(), r.Text("name"), b.Role, b.Scope))
}

func (s *server) access(r *rest.Request) (any, error) {
	b, ok := r.Body.(*access)
	if !ok {
		return nil, errors.New("access of a user: no body")
	}
	return s.changed(r, s.Accounts.Disable(r.Context(), r.Who(), r.Text("name"), b.Disabled))
}

func (s *server) remove(r *rest.Request) (any, error) {
	if err := s.Accounts.Remove(r.Context(), r.Who(), r.Text("name")); err != nil {
		return nil, refuse(err)
	}
	s.EndUser(r.Text("name"))
	return nil, nil
}

// of returns the sessions of a user who must exist.
func (s *server) of(r *rest.Request) ([]session.Open, error) {
	if _, err := s.one(r); err != nil {
		return nil, err
	}
	return s.Sessions(r.Context(), r.Text("name"))
}

func (s *server) sessions(r *rest.Request) (any, error) {
	all, err := s.of(r)
	list := sessionList{Sessions: []open{}}
	for _, o := range all {
		list.Sessions = append(list.Sessions, open{o.ID, o.Born, o.Used, o.Address, o.Agent})
	}
	return list, err
}

func (s *server) endOne(r *rest.Request) (any, error) {
	if _, err := s.one(r); err != nil {
		return nil, err
	}
	return nil, s.EndSession(trail.As(r.Context(), r.Who()), r.Text("name"), r.Text("id"))
}

func (s *server) endAll(r *rest.Request) (any, error) {
	all, err := s.of(r)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if err := s.EndSession(trail.As(r.Context(), r.Who()), r.Text("name"), o.ID); err != nil {
			return nil, fmt.Errorf("end the sessions of %s: %w", r.Text("name"), err)
		}
	}
	return nil, nil
}

func (s *server) tokens(r *rest.Request) (any, error) {
	if _, err := s.one(r); err != nil {
		return nil, err
	}
	all, err := s.Tokens.List(r.Context(), r.Text("name"))
	return tokenList{plain.List(all)}, err
}

func (s *server) revoke(r *rest.Request) (any, error) {
	return nil, s.Tokens.Revoke(r.Context(), r.Who(), r.Text("name"), r.Text("id"))
}
