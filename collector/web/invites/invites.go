// Package invites is the part of the API about who comes to the fleet, and to whom they
// belong there: tokens with which machines enrol, and the tags that administrators give
// hosts. See package rest.
//
// The text of a new token is in the answer to the request that made it and nowhere else.
// Where the collector's own command is to make all tokens, the API makes none. Tags are
// what scopes go by, so only administrators set those of a host that is there. Who may
// invite hosts says with what tags they come: operators of the whole fleet, who see all
// of it anyway; nobody with a scope invites. Each change is in the audit trail in the
// transaction that makes it.
package invites

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"seawall/collector/account"
	"seawall/collector/account/tag"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
)

// Config is what the endpoints work with. All fields must be set but Commanded.
type Config struct {
	Data   db.DB
	Tokens func(context.Context) ([]fleet.Token, error)
	// Invite makes a token with the label, uses, scope, tags and approval of as, zeros meaning
	// the default, and returns its text. What cannot be one is an error that is
	// fs.ErrInvalid; where there is no room, fs.ErrPermission.
	Invite func(ctx context.Context, as fleet.Token, life time.Duration) (text string, made fleet.Token, err error)
	// Withdraw ends a token. One that is not there is an error that is fs.ErrNotExist.
	Withdraw  func(ctx context.Context, id string) error
	Commanded bool // tokens are made by the collector's own command, and nowhere else
	Now       func() time.Time
}

type server struct{ Config }

type (
	tokenList struct {
		Tokens []fleet.Token `json:"tokens"`
	}
	newToken struct {
		Label    string         `json:"label,omitempty"`
		Seconds  int64          `json:"seconds,omitempty"`  // that it is good for; default: an hour
		Uses     int            `json:"uses,omitempty"`     // hosts that it may enrol; default: 1
		Approval bool           `json:"approval,omitempty"` // its hosts wait for a person
		Name     string         `json:"name,omitempty"`     // pattern of the names that hosts may claim
		Networks []netip.Prefix `json:"networks,omitempty"` // addresses to come from
		Clones   bool           `json:"clones,omitempty"`   // for copies of enrolled hosts, and no others
		Tags     []string       `json:"tags,omitempty"`     // that its hosts are given as they come
	}
	madeToken struct {
		Text  string      `json:"text"` // a secret; nothing tells it again
		Token fleet.Token `json:"token"`
	}
	tagList struct {
		Tags []string `json:"tags"`
	}
)

// Endpoints returns the API's endpoints.
func Endpoints(c Config) []rest.Endpoint {
	s := &server{c}
	host := []rest.Parameter{{Name: "id", InPath: true, Kind: rest.HostID, About: "The host's id."}}
	const path = "/api/v1/enrolment/tokens"
	return []rest.Endpoint{
		{Path: path, ID: "enrolmentTokens", Summary: "Tokens with which machines enrol, without their secrets, the newest first", Role: frame.Operator, Answer: tokenList{}, Serve: s.list},
		{Method: http.MethodPost, Path: path, ID: "addEnrolmentToken", Summary: "Make a token with which machines enrol. Its text is in this answer alone.", Role: frame.Operator,
			Body: newToken{}, Answer: madeToken{}, Secret: true, Serve: s.add},
		{Method: http.MethodDelete, Path: path + "/{id}", ID: "revokeEnrolmentToken", Summary: "End an enrolment token. Hosts that came with it stay.", Role: frame.Operator, Serve: s.revoke,
			Parameters: []rest.Parameter{{Name: "id", InPath: true, About: "The token's id."}}},
		{Path: "/api/v1/hosts/{id}/tags", ID: "hostTags", Summary: "Tags that a host was given: those that scopes go by", Answer: tagList{}, Serve: s.tags, Parameters: host},
		{Method: http.MethodPut, Path: "/api/v1/hosts/{id}/tags", ID: "setHostTags", Summary: "Give a host these tags and no others", Role: frame.Admin, Body: tagList{}, Answer: tagList{}, Serve: s.setTags, Parameters: host},
	}
}

func (s *server) list(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	all, err := s.Tokens(r.Context())
	return tokenList{plain.List(all)}, err
}

// life is how long a token is to be good. What is no life is beyond all bounds of one.
func life(seconds int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(max(-1, min(seconds, most))) * time.Second
}

func (s *server) add(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	b, ok := r.Body.(*newToken)
	switch {
	case !ok:
		return nil, errors.New("make a token: no body")
	case s.Commanded:
		return nil, rest.Refuse(http.StatusForbidden, "Tokens are made by the collector's own command here: the setting invites is off.")
	}
	as := fleet.Token{Uses: b.Uses, Label: b.Label, Tags: b.Tags, Approval: b.Approval, Scope: fleet.Scope{Name: b.Name, Networks: b.Networks, Clones: b.Clones}}
	for k, n := range b.Networks {
		if !n.IsValid() {
			return nil, rest.Refuse(http.StatusUnprocessableEntity, "Each of networks is like 192.0.2.0/24.")
		}
		as.Scope.Networks[k] = n.Masked()
	}
	text, made, err := s.Invite(trail.As(r.Context(), r.Who()), as, life(b.Seconds))
	switch {
	case errors.Is(err, fs.ErrInvalid):
		return nil, rest.Refuse(http.StatusUnprocessableEntity, "Not a token that can be made: "+strings.TrimPrefix(err.Error(), fs.ErrInvalid.Error()+": ")+".")
	case errors.Is(err, fs.ErrPermission):
		return nil, rest.Refuse(http.StatusConflict, "There are as many tokens as there may be: revoke some first.")
	case err != nil:
		return nil, err
	}
	return rest.Created{At: "/api/v1/enrolment/tokens/" + made.ID, What: madeToken{text, made}}, nil
}

func (s *server) revoke(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	return nil, s.Withdraw(trail.As(r.Context(), r.Who()), r.Text("id"))
}

func (s *server) tags(r *rest.Request) (any, error) {
	if err := r.May(r.Host("id")); err != nil {
		return nil, err
	}
	tags, err := tag.Of(r.Context(), s.Data, r.Host("id"))
	return tagList{plain.List(tags)}, err
}

func (s *server) setTags(r *rest.Request) (any, error) {
	b, ok := r.Body.(*tagList)
	if !ok {
		return nil, errors.New("tags: no body")
	}
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	var tags []string
	err := s.Data.Write(r.Context(), func(w db.Writer) (err error) {
		tags, err = tag.Set(w, s.Now(), r.Who(), string(r.Host("id")), b.Tags)
		return err
	})
	if errors.Is(err, account.ErrInvalid) {
		return nil, rest.Refuse(http.StatusUnprocessableEntity, "Not tags of a host: "+err.Error()+".")
	}
	if err != nil {
		return nil, fmt.Errorf("set tags: %w", err)
	}
	return tagList{plain.List(tags)}, nil
}
