// Package decide is the part of the API by which programs read and make what people
// decide: waivers, who looks after a finding, which machines may deliver, rules of alerts,
// exports; and read the audit trail. See package rest.
//
// Every change is in the audit trail under the token's id and its user. Sent twice, each
// does the same as sent once: what is named by its path is put there or taken away, and a
// waiver that stands already, word for word, is found again.
//
// Who has a scope decides about hosts of it alone, as on the pages.
package decide

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"seawall/collector/account/apitoken"
	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/trail"
	"seawall/collector/triage"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
	"seawall/collector/web/role"
)

// Config is what the endpoints work with. All fields must be set.
type Config struct {
	Data   db.DB
	Outbox *outbox.Outbox
	Tokens *apitoken.Tokens
	Now    func() time.Time
	// Routes returns the routes of messages, and when the process that delivers was heard
	// of last.
	Routes func() ([]alert.Route, time.Time)
	// Rules and Exports are called when those have changed.
	Rules, Exports func()

	// Change and Decide write a line in the audit trail with what they do, under the name
	// that the context has ([trail.As]).

	// Change revokes, releases or archives a host. One that cannot be is an error that is
	// fs.ErrPermission.
	Change func(ctx context.Context, host fleet.HostID, change, reason string) (fleet.Member, error)
	// Decide approves or rejects a machine that waits. One that is not known is an error
	// that is fs.ErrNotExist.
	Decide func(ctx context.Context, id string, d fleet.Decision) (fleet.Request, error)
}

// Endpoints returns the API's endpoints.
func Endpoints(c Config) []rest.Endpoint {
	s := &server{c}
	return slices.Concat(s.waivers(), s.members(), s.alerts(), s.exports(), s.tokens(), []rest.Endpoint{
		{Path: "/api/v1/trail", ID: "trail", Summary: "The audit trail, newest first", Role: frame.Admin, Answer: entryList{}, Serve: s.trail, Parameters: []rest.Parameter{
			{Name: "who", About: "Of this user, token or command."}, {Name: "action", About: "Of this noun, or noun and verb."}, before(), limit(1000, 50)}},
	})
}

type server struct{ Config }

func before() rest.Parameter {
	return rest.Parameter{Name: "before", Kind: rest.Cursor, About: "Those before: next of the page before."}
}

func limit(most, normal int) rest.Parameter {
	return rest.Parameter{Name: "limit", Kind: rest.Number, Most: most, Normal: normal, About: "How many at most."}
}

type entryList struct {
	Entries []trail.Entry `json:"entries"`
	Next    int64         `json:"next"` // the parameter before of the next page, or 0
}

func (s *server) trail(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	list := entryList{Entries: []trail.Entry{}}
	q := trail.Query{Who: r.Text("who"), Action: r.Text("action"), Before: r.Number("before"), Limit: int(r.Number("limit"))}
	err := s.Data.Read(r.Context(), func(tx db.Querier) error {
		all, err := trail.List(r.Context(), tx, q)
		if len(all) > 0 {
			list.Entries = all
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	if n := len(list.Entries); n == q.Limit && list.Entries[n-1].Seq > 1 {
		list.Next = list.Entries[n-1].Seq
	}
	return list, nil
}

// record does something in a transaction, with its line in the audit trail.
func (s *server) record(r *rest.Request, action, target, detail string, do func(db.Writer) error) error {
	return s.Data.Write(r.Context(), func(w db.Writer) error {
		if err := do(w); err != nil {
			return err
		}
		_, err := trail.Record(w, s.Now(), trail.Entry{Who: r.Who(), Action: action, Target: target, Detail: detail})
		return err
	})
}

// sees reports with an error that is fs.ErrNotExist that a host is outside of the
// visitor's scope.
func (s *server) sees(r *rest.Request, id fleet.HostID) error {
	if len(r.Visitor.Scope) == 0 {
		return nil
	}
	tags, err := triage.Tags(r.Context(), s.Data, id)
	if err == nil && !r.Visitor.Sees(tags) {
		err = rest.NotFound("host")
	}
	return err
}

// members are the endpoints about who may deliver.
func (s *server) members() []rest.Endpoint {
	id := rest.Parameter{Name: "id", InPath: true, Kind: rest.HostID, About: "The host's id."}
	return []rest.Endpoint{
		{Method: http.MethodPut, Path: "/api/v1/hosts/{id}/membership", ID: "changeHost", Summary: "Revoke a host for ever, release it from quarantine, or archive it",
			Role: frame.Operator, Parameters: []rest.Parameter{id}, Body: hostChange{}, Answer: fleet.Member{}, Serve: s.change},
		{Method: http.MethodPut, Path: "/api/v1/requests/{id}", ID: "decideRequest", Summary: "Approve or reject a machine that waits",
			Role: frame.Operator, Parameters: []rest.Parameter{{Name: "id", InPath: true, About: "The request's id."}}, Body: decision{}, Answer: fleet.Request{}, Serve: s.decide},
	}
}

type (
	hostChange struct {
		Change string `json:"change"` // revoke, release or archive
		Reason string `json:"reason,omitempty"`
	}
	decision struct {
		Decision fleet.Decision `json:"decision"` // approved or rejected
	}
)

func (s *server) change(r *rest.Request) (any, error) {
	b, ok := r.Body.(*hostChange)
	if !ok || !slices.Contains([]string{"revoke", "release", "archive"}, b.Change) || len(b.Reason) > 256 {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, "change is one of revoke, release and archive, and reason has at most 256 bytes.")
	}
	id := r.Host("id")
	if err := s.sees(r, id); err != nil {
		return nil, err
	}
	m, err := s.Change(trail.As(r.Context(), r.Who()), id, b.Change, b.Reason)
	if errors.Is(err, fs.ErrPermission) {
		return nil, rest.Refuse(http.StatusConflict, "The host is as it is: "+err.Error())
	}
	return m, err
}

func (s *server) decide(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	b, ok := r.Body.(*decision)
	if !ok || b.Decision != fleet.Approved && b.Decision != fleet.Rejected {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, "decision is approved or rejected.")
	}
	return s.Decide(trail.As(r.Context(), r.Who()), r.Text("id"), b.Decision)
}

type tokenList struct {
	Tokens []apitoken.Token `json:"tokens"`
}

// tokens are the endpoints about the API tokens of the visitor's own user. None is made
// here: what one token may do must not outlive it in another.
func (s *server) tokens() []rest.Endpoint {
	return []rest.Endpoint{
		{Path: "/api/v1/tokens", ID: "tokens", Summary: "The API tokens of the user whose token or session this is, without their secrets", Answer: tokenList{}, Serve: s.listTokens},
		{Method: http.MethodDelete, Path: "/api/v1/tokens/{id}", ID: "revokeToken", Summary: "End this API token, or one of the same user that may do no more than this one", Serve: s.revokeToken,
			Parameters: []rest.Parameter{{Name: "id", InPath: true, About: "The token's id."}}},
	}
}

func (s *server) listTokens(r *rest.Request) (any, error) {
	all, err := s.Tokens.List(r.Context(), r.Visitor.User)
	return tokenList{plain.List(all)}, err
}

// revokeToken ends a token. Who comes by one that may do little ends none that may do more.
func (s *server) revokeToken(r *rest.Request) (any, error) {
	all, err := s.Tokens.List(r.Context(), r.Visitor.User)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == r.Text("id") && all[i].ID != r.Visitor.Session && !covers(r.Visitor, &all[i]) {
			return nil, rest.Refuse(http.StatusForbidden, "A token ends itself, and those that may do no more than it.")
		}
	}
	return nil, s.Tokens.Revoke(r.Context(), r.Who(), r.Visitor.User, r.Text("id"))
}

// covers reports whether a visitor may do all that a token may.
func covers(v frame.Visitor, t *apitoken.Token) bool {
	if !v.May(role.Parse(string(t.Role))) || len(v.Scope) > 0 && len(t.Scope) == 0 {
		return false
	}
	return len(v.Scope) == 0 || !slices.ContainsFunc(t.Scope, func(tag string) bool { return !slices.Contains(v.Scope, tag) })
}
