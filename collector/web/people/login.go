// Package people is where people sign in and out.
package people

import (
	"embed"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/session"
)

// passwordBytes is the longest password that is looked at.
const passwordBytes = 1024

//go:embed templates/*.html
var files embed.FS

// The bounds of signing in.
const (
	sessionLifetime = 12 * time.Hour
	verifiers       = 2 // password hashes computed at a time: each takes memory
)

// Config is what [Pages] works with.
type Config struct {
	Frame    *frame.Frame
	Sessions *session.Store
	// Verify reports whether password is the administrator's. It takes the same
	// time whatever the password. At most two calls run at a time.
	Verify func(password string) bool
}

// Pages are the pages.
type Pages struct {
	config    Config
	frame     *frame.Frame
	pages     *frame.Templates
	attempts  *session.Limiter
	verifying chan struct{}
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "login")
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	return &Pages{c, c.Frame, pages, session.NewLimiter(c.Frame.Now), make(chan struct{}, verifiers)}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /login", Role: frame.Anybody, Serve: s.showLogin},
		{Pattern: "POST /login", Role: frame.Anybody, Serve: s.login},
		{Pattern: "POST /logout", Role: frame.Viewer, Serve: s.logout},
	}
}

// Visitor returns who sends r, the zero Visitor when it has no session.
func (s *Pages) Visitor(r *http.Request) frame.Visitor {
	token := s.frame.Cookie(r, "session")
	found := s.config.Sessions.Find(token)
	if found == nil {
		return frame.Visitor{}
	}
	return frame.Visitor{User: "admin", Role: frame.Admin, Form: s.config.Sessions.Form(token), Done: found.Done()}
}

// showLogin answers the login page. Its form is tied to a cookie of its own, so
// that no other site can sign a browser in.
func (s *Pages) showLogin(w http.ResponseWriter, r *http.Request) {
	if s.Visitor(r).May(frame.Viewer) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.loginPage(w, r, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (s *Pages) loginPage(w http.ResponseWriter, r *http.Request, code int, next, failed string) {
	cookie := session.Token()
	if had := s.frame.Cookie(r, "login"); len(had) == len(cookie) {
		cookie = had // other tabs' forms stay good; it is worth nothing after
	}
	s.frame.SetCookie(w, "login", cookie, time.Hour)
	if !gate.LocalPath(next) {
		next = "/"
	}
	p := frame.Page{Title: "Sign in", Body: struct{ Next, Failed string }{next, failed}}
	p.Form = s.config.Sessions.Form(cookie)
	s.frame.ShowCode(w, r, code, s.pages, "login", p)
}

// login takes the password. Every refusal but those of form and rate looks the
// same and takes as long.
func (s *Pages) login(w http.ResponseWriter, r *http.Request) {
	next := r.PostFormValue("next")
	if !s.config.Sessions.FormValid(s.frame.Cookie(r, "login"), r.PostFormValue("form")) {
		s.loginPage(w, r, http.StatusForbidden, next, "This form is out of date. Please try again.")
		return
	}
	if wait, ok := s.attempts.Allow(gate.Remote(r)); !ok {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		s.loginPage(w, r, http.StatusTooManyRequests, next, fmt.Sprintf("Too many attempts. Wait %d seconds.", seconds))
		return
	}
	password := r.PostFormValue("password")
	right, err := s.verify(r, password)
	if err != nil {
		s.loginPage(w, r, http.StatusServiceUnavailable, next, "The collector is busy. Please try again.")
		return
	}
	if !right {
		s.frame.Log().Warn("wrong dashboard password", "remote", gate.Remote(r))
		s.loginPage(w, r, http.StatusUnauthorized, next, "That password is not right.")
		return
	}
	if old := s.config.Sessions.Find(s.frame.Cookie(r, "session")); old != nil {
		s.config.Sessions.End(old)
	}
	s.frame.Log().Info("signed in to the dashboard", "remote", gate.Remote(r))
	s.frame.SetCookie(w, "session", s.config.Sessions.Start(), sessionLifetime)
	s.frame.SetCookie(w, "login", "", 0)
	s.frame.Redirect(w, r, next, "")
}

// verify asks whether the password is right, few at a time. The error says that
// too many wait.
func (s *Pages) verify(r *http.Request, password string) (bool, error) {
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	case <-r.Context().Done():
		return false, r.Context().Err()
	case <-patience.C:
		return false, fmt.Errorf("%d passwords are being verified", verifiers)
	}
	fits := len(password) <= passwordBytes
	if !fits {
		password = password[:passwordBytes]
	}
	return s.config.Verify(password) && fits, nil
}

// logout ends the session and its streams.
func (s *Pages) logout(w http.ResponseWriter, r *http.Request) {
	if old := s.config.Sessions.Find(s.frame.Cookie(r, "session")); old != nil {
		s.config.Sessions.End(old)
	}
	s.frame.SetCookie(w, "session", "", 0)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
