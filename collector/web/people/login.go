package people

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/session"
)

//go:embed templates/*.html
var files embed.FS

// The bounds of signing in.
const (
	sessionLifetime = 12 * time.Hour
	deviceLife      = 90 * 24 * time.Hour
	verifiers       = 2 // password hashes computed at a time: each takes memory
	passwordBytes   = 1024
	userBytes       = 64
)

// Attempt is what someone who signs in says.
type Attempt struct {
	User, Password string
	Remote         netip.Addr
}

// name is as much of the name as a name can have: what is logged and counted.
func (a Attempt) name() string { return a.User[:min(len(a.User), userBytes)] }

// SignIn returns who an attempt comes from. One that is not right is an error that
// errors.Is [fs.ErrPermission], and takes the same time whatever is wrong with it.
type SignIn func(ctx context.Context, a Attempt) (session.Who, error)

// Alone returns the SignIn of a collector with one account, the administrator, whose
// password verify knows.
func Alone(verify func(password string) bool) SignIn {
	return func(_ context.Context, a Attempt) (session.Who, error) {
		if right := verify(a.Password); !right || a.User != "admin" {
			return session.Who{}, fmt.Errorf("user %q: %w", a.User, fs.ErrPermission)
		}
		return session.Who{User: "admin", Role: frame.Admin}, nil
	}
}

// Config is what [Pages] works with.
type Config struct {
	Frame    *frame.Frame
	Sessions *session.Store
	SignIn   SignIn // at most two calls run at a time
	// Bearer returns who comes with an API token. One that is none is an error that
	// errors.Is fs.ErrNotExist. Nil: there are no API tokens.
	Bearer func(ctx context.Context, token string) (session.Who, error)
	// Provider is what people call the provider of identities that they may sign in
	// through (package sso). Empty: there is none.
	Provider string
	// SignedOut returns the path to which a user is led who has signed out. Nil: /login.
	SignedOut func(ctx context.Context, user string) string
}

// Pages are the pages.
type Pages struct {
	config    Config
	frame     *frame.Frame
	pages     *frame.Templates
	attempts  *session.Limiter // by address
	names     *session.Limiter
	devices   *session.Limiter // by the name that a device cookie is for
	verifying chan struct{}
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	pages, err := frame.Parse(files, nil, "login")
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	return &Pages{
		config: c, frame: c.Frame, pages: pages, verifying: make(chan struct{}, verifiers),
		attempts: session.NewLimiter(c.Frame.Now), names: session.NewLimiter(c.Frame.Now), devices: session.NewLimiter(c.Frame.Now),
	}, nil
}

// Routes returns the pages' paths.
func (s *Pages) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /login", Role: frame.Anybody, Serve: s.showLogin},
		{Pattern: "POST /login", Role: frame.Anybody, Serve: s.login},
		{Pattern: "POST /logout", Role: frame.Viewer, Serve: s.logout, Scoped: true},
	}
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

// form is the model of the login page.
type form struct{ User, Next, Failed, Provider string }

func (s *Pages) loginPage(w http.ResponseWriter, r *http.Request, code int, next, failed string) {
	cookie := session.Token()
	if had := s.frame.Cookie(r, "login"); len(had) == len(cookie) {
		cookie = had // other tabs' forms stay good; it is worth nothing after
	}
	s.frame.SetCookie(w, "login", cookie, time.Hour)
	if !gate.LocalPath(next) {
		next = "/"
	}
	user := r.PostFormValue("username")
	if user == "" || len(user) > userBytes {
		user = "admin" // the account that every collector begins with
	}
	p := frame.Page{Title: "Sign in", Body: form{user, next, failed, s.config.Provider}}
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
	a := Attempt{User: r.PostFormValue("username"), Password: r.PostFormValue("password"), Remote: gate.Remote(r)}
	if a.User == "" {
		a.User = "admin"
	}
	if wait := s.wait(r, a); wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		s.loginPage(w, r, http.StatusTooManyRequests, next, fmt.Sprintf("Too many attempts. Wait %d seconds.", seconds))
		return
	}
	who, err := s.verify(r.Context(), a)
	switch {
	case errors.Is(err, fs.ErrPermission):
		s.frame.Log().Warn("a sign-in was refused", "user", a.name(), "remote", a.Remote)
		s.loginPage(w, r, http.StatusUnauthorized, next, "That name or password is not right.")
	case err != nil:
		s.frame.Log().Warn("a sign-in could not be decided", "user", a.name(), "remote", a.Remote, "err", err)
		s.loginPage(w, r, http.StatusServiceUnavailable, next, "The collector is busy. Please try again.")
	default:
		if err := s.Begin(w, r, who); err != nil {
			s.frame.Log().Warn("a session could not begin", "user", a.User, "remote", a.Remote, "err", err)
			s.loginPage(w, r, http.StatusServiceUnavailable, next, "The collector is busy. Please try again.")
			return
		}
		s.frame.Redirect(w, r, next, "")
	}
}

// wait takes an attempt of its address and of its name, and returns how long to wait
// when there is none left. A browser on which the name has signed in before has attempts
// of its own, which nobody else can use up: not from many addresses, nor for many names.
func (s *Pages) wait(r *http.Request, a Attempt) time.Duration {
	name := a.name()
	if s.config.Sessions.DeviceOf(name, s.frame.Cookie(r, "device")) {
		wait, _ := s.devices.AllowName(name)
		return wait
	}
	if wait, ok := s.attempts.Allow(a.Remote); !ok {
		return wait
	}
	wait, _ := s.names.AllowName(name)
	return wait
}

// Begin starts a session of who. The one that the browser had ends: what it sent
// before is never adopted. Without a session there is an error, and nothing is answered.
func (s *Pages) Begin(w http.ResponseWriter, r *http.Request, who session.Who) error {
	if err := s.endOld(r); err != nil {
		return err
	}
	token, err := s.config.Sessions.Start(r.Context(), who, session.From{Address: gate.Remote(r), Agent: r.UserAgent()})
	if err != nil {
		return err
	}
	s.frame.Log().Info("signed in to the dashboard", "user", who.User, "role", who.Role.String(), "remote", gate.Remote(r))
	s.frame.SetCookie(w, "session", token, sessionLifetime)
	s.frame.SetCookie(w, "device", s.config.Sessions.Device(who.User), deviceLife)
	s.frame.SetCookie(w, "login", "", 0)
	return nil
}

// endOld ends the session that a browser has, if any.
func (s *Pages) endOld(r *http.Request) error {
	old := s.config.Sessions.Find(r.Context(), s.frame.Cookie(r, "session"))
	if old == nil {
		return nil
	}
	return s.config.Sessions.End(r.Context(), old)
}

// verify asks whether the password is right, few at a time. An error that is no refusal
// says that too many wait, or that nobody can say now.
func (s *Pages) verify(ctx context.Context, a Attempt) (session.Who, error) {
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	case <-ctx.Done():
		return session.Who{}, ctx.Err()
	case <-patience.C:
		return session.Who{}, fmt.Errorf("%d passwords are being verified", verifiers)
	}
	fits := len(a.Password) <= passwordBytes && len(a.User) <= userBytes
	if !fits {
		a.Password, a.User = a.Password[:min(len(a.Password), passwordBytes)], a.User[:min(len(a.User), userBytes)]
	}
	who, err := s.config.SignIn(ctx, a)
	if err == nil && !fits {
		err = fmt.Errorf("a password of more than %d bytes: %w", passwordBytes, fs.ErrPermission)
	}
	return who, err
}

// logout ends the session and its streams.
func (s *Pages) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.endOld(r); err != nil { // the browser keeps its cookie, and can try again
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.SetCookie(w, "session", "", 0)
	to := "/login"
	if s.config.SignedOut != nil {
		to = s.config.SignedOut(r.Context(), frame.Of(r).User)
	}
	s.frame.Redirect(w, r, to, "")
}
