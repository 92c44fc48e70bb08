// Package join is the page that adds a host: it asks what host, and answers with the
// text with which a machine becomes one. The text holds a token, and is in the answer
// and nowhere else. The token carries the tags that the host is to have: they are not in
// the text, and a machine has no say in them. The page is for operators of the whole
// fleet, who may see a host of any tag; nobody with a scope opens it.
//
// Below the form are the tokens that were made, wherever that was, and what ends each.
//
// What a person decides about a host that waits for approval comes here, too; the form
// stands on the list of hosts. A name is what a machine says of itself, and two may say the
// same: who admits one says that its key was compared.
package join

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"seawall/collector/account"
	"seawall/collector/bootstrap"
	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/list"
)

//go:embed templates/*.html
var files embed.FS

// Config is what a [Page] works with.
type Config struct {
	Frame *frame.Frame
	// NewHost is what new machines are told: where the collector is, and where
	// packages come from.
	NewHost func() bootstrap.Host
	// Invite returns the text with which a machine becomes a host, and the new token
	// in it. Nil: the dashboard invites nobody, and shows the command that does.
	Invite func(ctx context.Context, o bootstrap.Order) (string, bootstrap.Token, error)
	// Tokens returns the tokens that were made, the newest first. Nil: none are listed.
	Tokens func(ctx context.Context) ([]fleet.Token, error)
	// Withdraw ends a token. One that is not there is an error that is fs.ErrNotExist.
	// Nil: the page ends none.
	Withdraw func(ctx context.Context, id string) error
	// Requests returns the hosts that asked to be admitted.
	Requests func(ctx context.Context) ([]fleet.Request, error)
	// Decide admits one of them, or turns it away. One that is not there is an error that
	// is fs.ErrNotExist. Nil: the dashboard decides about none.
	Decide func(ctx context.Context, id string, d fleet.Decision) error
}

// Page is the page.
type Page struct {
	config Config
	frame  *frame.Frame
	pages  *frame.Templates
}

// New returns the page.
func New(c Config) (*Page, error) {
	pages, err := frame.Parse(files, nil, "join")
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	return &Page{c, c.Frame, pages}, nil
}

// Routes returns the page's paths.
func (s *Page) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /hosts/new", Role: frame.Operator, Serve: s.newHostPage},
		{Pattern: "POST /hosts/new", Role: frame.Operator, Serve: s.newHost},
		{Pattern: "POST /hosts/new/tokens/{id}/end", Role: frame.Operator, Serve: s.endToken},
		{Pattern: "POST /hosts/requests/{id}/approve", Role: frame.Operator, Serve: s.approve},
		{Pattern: "POST /hosts/requests/{id}/reject", Role: frame.Operator, Serve: s.reject},
	}
}

// lives are how long an invitation may be good for, the usual one first.
func lives() []time.Duration {
	return []time.Duration{time.Hour, 15 * time.Minute, 4 * time.Hour, 24 * time.Hour}
}

// newHostPage asks what host is to be added.
func (s *Page) newHostPage(w http.ResponseWriter, r *http.Request) {
	o := bootstrap.Order{Host: s.config.NewHost(), Format: bootstrap.CloudConfig, Life: lives()[0]}
	o.Host.Family = bootstrap.Debian
	s.join(w, r, http.StatusOK, o, body{})
}

// newHost makes the text for it. It is in the answer and nowhere else.
func (s *Page) newHost(w http.ResponseWriter, r *http.Request) {
	o := s.order(r)
	tags, err := account.Tags(o.Tags)
	if err := errors.Join(o.Host.Check(), err); err != nil {
		s.join(w, r, http.StatusUnprocessableEntity, o, body{Problems: strings.Split(err.Error(), "\n")})
		return
	}
	o.Tags = tags
	if s.config.Invite == nil {
		s.join(w, r, http.StatusOK, o, body{Command: o.Command()})
		return
	}
	text, token, err := s.config.Invite(trail.As(r.Context(), frame.Of(r).User), o)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Log().Info("token made on the dashboard", "token", token.ID, "remote", gate.Remote(r))
	s.join(w, r, http.StatusOK, o, body{
		Text: text, Shell: o.Format == bootstrap.Shell, Token: token.ID, Given: o.Tags, Expires: token.Expires, Left: left(token.Expires.Sub(s.frame.Now())), Approval: token.Approval,
	})
}

// order reads the form. What may only be one of a few is one of them.
func (s *Page) order(r *http.Request) bootstrap.Order {
	o := bootstrap.Order{Host: s.config.NewHost(), Format: bootstrap.CloudConfig, Life: lives()[0], Approval: r.PostFormValue("approval") == "yes"}
	o.Host.Family = bootstrap.Family(r.PostFormValue("family"))
	o.Host.Collector = strings.TrimSpace(r.PostFormValue("collector"))
	o.Host.Labels = strings.Fields(r.PostFormValue("labels"))
	o.Tags = strings.Fields(r.PostFormValue("tags"))
	if file := strings.TrimSpace(r.PostFormValue("package")); file != "" {
		o.Host.Package, o.Host.Repo, o.Host.Key = file, "", ""
	}
	if r.PostFormValue("format") == string(bootstrap.Shell) {
		o.Format = bootstrap.Shell
	}
	if d, err := time.ParseDuration(r.PostFormValue("life")); err == nil && slices.Contains(lives(), d) {
		o.Life = d
	}
	return o
}

func (s *Page) join(w http.ResponseWriter, r *http.Request, code int, o bootstrap.Order, j body) {
	j.Collector, j.Package = o.Host.Collector, o.Host.Package
	j.Labels, j.Tags = strings.Join(o.Host.Labels, " "), strings.Join(o.Tags, " ")
	j.Repo, j.Approval, j.Own = s.config.NewHost().Repo, o.Approval, s.config.Invite == nil
	j.Families = []list.Option{
		{Value: string(bootstrap.Debian), Label: "Debian or Ubuntu", Chosen: o.Host.Family == bootstrap.Debian},
		{Value: string(bootstrap.RHEL), Label: "RHEL, Rocky, Alma or Fedora", Chosen: o.Host.Family == bootstrap.RHEL},
	}
	j.Formats = []list.Option{
		{Value: string(bootstrap.CloudConfig), Label: "as user-data, when it is made", Chosen: o.Format == bootstrap.CloudConfig},
		{Value: string(bootstrap.Shell), Label: "as a script, in a root shell", Chosen: o.Format == bootstrap.Shell},
	}
	var err error
	if j.Tokens, j.All, err = s.tokens(r.Context()); err != nil && j.Text == "" { // what was made is shown once, whatever fails
		s.frame.Fail(w, r, err)
		return
	}
	j.Ends = s.config.Withdraw != nil
	now := s.frame.Now()
	for _, d := range lives() {
		j.Lives = append(j.Lives, list.Option{Value: d.String(), Label: format.For(now, now.Add(-d)), Chosen: d == o.Life})
	}
	s.frame.ShowCode(w, r, code, s.pages, "join", frame.Page{Title: "Add a host", Section: "hosts", Body: j})
}

// body is the model of the page that adds a host.
type body struct {
	Families, Formats, Lives []list.Option
	Collector, Repo          string
	Package, Labels, Tags    string
	Approval                 bool
	Problems                 []string // with what was asked for
	Tokens                   []invited
	All                      int  // tokens, shown or not
	Ends                     bool // the page ends tokens

	Own     bool   // the collector's own command invites, and the dashboard does not
	Command string // then that command
	Text    string // the user-data, or the script
	Shell   bool   // it is a script
	Token   string // its id
	Given   []string
	Expires time.Time
	Left    string
}
