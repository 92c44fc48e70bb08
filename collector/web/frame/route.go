package frame

import (
	"context"
	"net/http"
	"slices"

	"seawall/collector/web/role"
)

// Role says who may use a route, see package role.
type Role = role.Role

// The roles, as package role explains them.
const (
	Anybody  = role.Anybody
	Local    = role.Local
	Viewer   = role.Viewer
	Operator = role.Operator
	Admin    = role.Admin
)

// Route is one entry of the dashboard's table of paths. Pattern is one of
// [http.ServeMux], with its method.
type Route struct {
	Pattern string
	Role    Role
	Serve   http.HandlerFunc
	// Scoped says that Serve shows and changes nothing outside of the visitor's scope.
	// Without it, who has a scope is refused: a route that nobody thought about shows
	// nobody another's hosts.
	Scoped bool
	// File says that Serve makes a file of any size: few are made at a time.
	File bool
}

// Visitor is who sends a request.
type Visitor struct {
	User  string   // the account's name
	Role  Role     // Anybody: not signed in
	Scope []string // the tags of the hosts that the visitor may see; none: all hosts
	Form  string   // the token that a form must carry; "" for a program with a token
	// Program says that it came with an API token, not with a session.
	Program bool
	// Session is the session's or the API token's own id, no secret.
	Session string
	// Done is closed when the session is no more; nil when it has no end to wait for.
	Done <-chan struct{}
}

// May reports whether the visitor may do what takes role.
func (v Visitor) May(role Role) bool { return v.Role >= role }

// Operates reports whether the visitor may do what takes an operator, for templates.
func (v Visitor) Operates() bool { return v.May(Operator) }

// Administers reports whether the visitor may do what takes an administrator.
func (v Visitor) Administers() bool { return v.May(Admin) }

// Sees reports whether a host with tags is in the visitor's scope.
func (v Visitor) Sees(tags []string) bool {
	return len(v.Scope) == 0 || slices.ContainsFunc(tags, func(tag string) bool { return slices.Contains(v.Scope, tag) })
}

type visitorKey struct{}

// With returns r as a request of v.
func With(r *http.Request, v Visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

// Of returns the visitor who sends r, the zero Visitor when nobody is signed in.
func Of(r *http.Request) Visitor {
	v, _ := r.Context().Value(visitorKey{}).(Visitor)
	return v
}
