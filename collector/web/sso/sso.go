package sso

import (
	"context"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"seawall/collector/account"
	"seawall/collector/account/identity"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/session"
)

//go:embed templates/*.html
var files embed.FS

const (
	tripLife = 10 * time.Minute
	maxNext  = 1024
	// exchanges bounds the codes that are exchanged at a time.
	exchanges = 4
	// who is in the trail for what the provider's word causes.
	who = "single sign-on"
)

// Config is what [Pages] work with.
type Config struct {
	Frame      *frame.Frame
	Settings   *Settings
	Accounts   *account.Accounts
	Identities *identity.Identities
	// Begin starts the session of somebody who has signed in.
	Begin func(http.ResponseWriter, *http.Request, account.User) error
	// EndUser ends the sessions of a user whom the provider says to be something else now,
	// or nothing.
	EndUser func(name string)
}

// Pages are the pages.
type Pages struct {
	config   Config
	frame    *frame.Frame
	pages    *frame.Templates
	provider *provider
	attempts *session.Limiter
	busy     chan struct{}
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "signed", "out")
	if err != nil {
		return nil, fmt.Errorf("sso: %w", err)
	}
	return &Pages{config: c, frame: c.Frame, pages: pages, provider: newProvider(c.Settings, c.Frame.Now),
		attempts: session.NewLimiter(c.Frame.Now), busy: make(chan struct{}, exchanges)}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /login/sso", Role: frame.Anybody, Serve: s.leave},
		{Pattern: "GET " + Back, Role: frame.Anybody, Serve: s.back},
		{Pattern: "GET " + Out, Role: frame.Anybody, Serve: s.out},
	}
}

// leave sends the browser to the provider.
func (s *Pages) leave(w http.ResponseWriter, r *http.Request) {
	t := trip{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Next: r.URL.Query().Get("next")}
	if len(t.Next) > maxNext || !gate.LocalPath(t.Next) {
		t.Next = "/"
	}
	if !s.enter(w, r) {
		return
	}
	defer func() { <-s.busy }()
	away, err := s.provider.away(r.Context(), t)
	cookie, encoding := t.encode()
	if err = errors.Join(err, encoding); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.frame.SetTripCookie(w, "sso", cookie, tripLife)
	http.Redirect(w, r, away, http.StatusSeeOther)
}

// enter takes one of the few places in which the provider is asked. Without one it
// answers, and returns false.
func (s *Pages) enter(w http.ResponseWriter, r *http.Request) bool {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	select {
	case s.busy <- struct{}{}:
		return true
	case <-ctx.Done():
		s.wait(w, r, time.Second)
		return false
	}
}

func (s *Pages) wait(w http.ResponseWriter, r *http.Request, long time.Duration) {
	seconds := int(math.Ceil(long.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	s.frame.Failure(w, r, http.StatusTooManyRequests, "Too many attempts", fmt.Sprintf("Wait %d seconds, and begin again.", seconds))
}

// back takes the browser back in.
func (s *Pages) back(w http.ResponseWriter, r *http.Request) {
	t, err := decodeTrip(s.frame.Cookie(r, "sso"))
	s.frame.SetTripCookie(w, "sso", "", 0) // it is good once
	q := r.URL.Query()
	if err != nil || len(t.State) != len(oauth2.GenerateVerifier()) || subtle.ConstantTimeCompare([]byte(t.State), []byte(q.Get("state"))) != 1 {
		s.frame.Log().Warn("a sign-on did not begin in this browser", "remote", gate.Remote(r))
		s.frame.Failure(w, r, http.StatusForbidden, "This sign-in is out of date", "Go to the sign-in page and begin again.")
		return
	}
	if err := s.answer(q); err != nil {
		s.refuse(w, r, err)
		return
	}
	if wait, ok := s.attempts.Allow(gate.Remote(r)); !ok {
		s.wait(w, r, wait)
		return
	}
	if !s.enter(w, r) {
		return
	}
	defer func() { <-s.busy }()
	if err := s.begin(w, r, q.Get("code"), t); err != nil {
		s.refuse(w, r, err)
		return
	}
	if !gate.LocalPath(t.Next) {
		t.Next = "/"
	}
	w.Header().Set("Refresh", "0; url="+t.Next)
	s.frame.Show(w, r, s.pages, "signed", frame.Page{Title: "Signed in", Body: t.Next})
}

// signedOut is the model of the page for who has signed out here.
type signedOut struct{ Provider, Away string } // Away: where to sign out there, too, or ""

// out says to who has signed out here that the provider was not, and leads there.
func (s *Pages) out(w http.ResponseWriter, r *http.Request) {
	if !s.enter(w, r) {
		return
	}
	defer func() { <-s.busy }()
	body := signedOut{Provider: s.config.Settings.Name}
	known, err := s.provider.ready(r.Context())
	switch {
	case err != nil:
		s.frame.Log().Warn("where to sign out at the provider is not known", "err", err)
	case known.signOut != nil:
		body.Away = known.signOut.String()
	}
	s.frame.Show(w, r, s.pages, "out", frame.Page{Title: "Signed out", Body: body})
}

// answer says what keeps the provider's answer from having a code of ours in it.
func (s *Pages) answer(q url.Values) error {
	if code := q.Get("error"); code != "" || q.Get("code") == "" || len(q.Get("code")) > 4096 {
		return fmt.Errorf("the provider says %.64q: %w", code, fs.ErrPermission)
	}
	// RFC 9207: an answer that says whose it is must say our provider's name.
	if iss := q.Get("iss"); iss != "" && iss != s.config.Settings.Issuer {
		return fmt.Errorf("an answer of another provider: %w", fs.ErrPermission)
	}
	return nil
}

// begin begins a session of whom the code stands for.
func (s *Pages) begin(w http.ResponseWriter, r *http.Request, code string, t trip) error {
	said, err := s.provider.redeem(r.Context(), code, t)
	if err != nil {
		return err
	}
	user, err := s.user(r.Context(), said)
	if err != nil {
		return err
	}
	return s.config.Begin(w, r, user)
}

// refuse answers that nobody was signed in. What was wrong is for the log alone.
func (s *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.frame.Log().Warn("a sign-on was refused", "remote", gate.Remote(r), "err", err)
	if errors.Is(err, fs.ErrPermission) {
		s.frame.Failure(w, r, http.StatusForbidden, "You were not signed in", "You have no account here, or may not use it. Ask an administrator.")
		return
	}
	s.frame.Failure(w, r, http.StatusBadGateway, "You were not signed in", s.config.Settings.Name+" gave no answer that is good. Try again, or sign in with a password.")
}

// user is the account of whom the provider vouches for.
func (s *Pages) user(ctx context.Context, c *claims) (u account.User, err error) {
	name, err := s.config.Identities.Find(ctx, s.config.Settings.Issuer, c.subject)
	tied := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		name, err = s.name(c)
	}
	if err != nil {
		return u, err
	}
	rule, err := s.rule(c, name)
	if err != nil {
		if tied {
			s.config.EndUser(name)
		}
		return u, err
	}
	if u, err = s.known(ctx, name, rule); err != nil {
		return u, err
	}
	if err := s.config.Identities.Tie(ctx, s.config.Settings.Issuer, c.subject, u.Name, u.Created); err != nil {
		return u, err
	}
	if rule != nil && (u.Role != rule.Role || !slices.Equal(u.Scope, rule.Tags)) {
		// The last admin stays one, whatever the provider says.
		if err := s.config.Accounts.SetRole(ctx, who, name, rule.Role, rule.Tags); err == nil {
			s.config.EndUser(name)
		} else if !errors.Is(err, account.ErrLastAdmin) {
			return u, err
		}
	}
	return s.config.Accounts.Known(ctx, name)
}

// rule is the first one that holds for what the provider says, nil where there are none at all.
func (s *Pages) rule(c *claims, name string) (*Rule, error) {
	rules := s.config.Settings.Roles
	i := slices.IndexFunc(rules, func(r Rule) bool { return c.has(r.Claim, r.Value) })
	switch {
	case i >= 0:
		return &rules[i], nil
	case len(rules) > 0:
		return nil, fmt.Errorf("%q has none of the roles: %w", name, fs.ErrPermission)
	}
	return nil, nil
}

// known is the account of a name, made where a rule says what it may do.
func (s *Pages) known(ctx context.Context, name string, rule *Rule) (account.User, error) {
	u, err := s.config.Accounts.Get(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && rule != nil:
		if err := s.config.Accounts.Add(ctx, who, name, "", rule.Role, rule.Tags); err != nil {
			return u, err
		}
		return s.config.Accounts.Get(ctx, name)
	case errors.Is(err, fs.ErrNotExist):
		return u, fmt.Errorf("%q is no user here: %w", name, fs.ErrPermission)
	case err == nil && u.Password:
		return u, fmt.Errorf("%q has a password here, and signs in with that alone: %w", name, fs.ErrPermission)
	}
	return u, err
}

// name is what somebody is called who comes for the first time.
func (s *Pages) name(c *claims) (string, error) {
	claim := s.config.Settings.UserClaim
	name := strings.ToLower(c.text(claim))
	if verified, is := c.all["email_verified"].(bool); claim == "email" && (!is || !verified) {
		return "", fmt.Errorf("the address %q is not verified: %w", name, fs.ErrPermission)
	}
	if err := account.CheckName(name); err != nil {
		return "", fmt.Errorf("the claim %s: %w: %w", claim, err, fs.ErrPermission)
	}
	return name, nil
}
