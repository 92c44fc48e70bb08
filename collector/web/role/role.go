// Package role says who may use what of the dashboard. It is apart from package frame,
// which has its names too, since sessions know roles and no pages.
package role

// Role says who may use a route. Those from Viewer on are ordered: who has one may do
// what those below it may.
type Role int

// The roles.
const (
	Anybody  Role = iota // without signing in
	Local                // from this machine itself, or with any role below
	Viewer               // reads
	Operator             // also invites, triages, waives, approves and revokes hosts
	Admin                // also users, others' tokens, settings, retention, alert routes
)

// String returns the role's word.
func (r Role) String() string {
	return [...]string{"anybody", "local", "viewer", "operator", "admin"}[min(max(r, Anybody), Admin)]
}

// Parse returns the role of an account's word, Anybody for one that is none.
func Parse(word string) Role {
	for r := Viewer; r <= Admin; r++ {
		if r.String() == word {
			return r
		}
	}
	return Anybody
}
