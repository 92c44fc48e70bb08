package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"seawall/collector/web/answer"
	"seawall/collector/web/gate"
	"seawall/collector/web/page"
	"seawall/collector/web/session"
)

// passwordBytes is the longest password that is looked at.
const passwordBytes = 1024

// cookieName returns the name of a cookie. Over https the prefix makes browsers
// refuse one that another host or an unencrypted page tries to set.
func (s *Server) cookieName(name string) string {
	if s.config.Secure {
		return "__Host-seawall-" + name
	}
	return "seawall-" + name
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/",
		HttpOnly: true, Secure: s.config.Secure, SameSite: http.SameSiteStrictMode,
		MaxAge: int(life.Seconds()),
	}
	if life <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// showLogin answers the login page. Its form is tied to a cookie of its own, so
// that no other site can sign a browser in.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	if s.visitor(r).session != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.loginPage(w, r, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request, code int, next, failed string) {
	cookie := session.Token()
	if c, err := r.Cookie(s.cookieName("login")); err == nil && len(c.Value) == len(cookie) {
		cookie = c.Value // other tabs' forms stay good; it is worth nothing after
	}
	s.setCookie(w, "login", cookie, time.Hour)
	if !gate.LocalPath(next) {
		next = "/"
	}
	p := page.Page{Title: "Sign in", Body: page.Login{Next: next, Failed: failed}}
	p.Chrome = s.chrome(r)
	p.Form = s.sessions.Form(cookie)
	body, err := s.pages.Page("login", p)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.HTML(w, code, body)
}

// login takes the password. Every refusal but those of form and rate looks the
// same and takes as long.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	next := r.PostFormValue("next")
	c, err := r.Cookie(s.cookieName("login"))
	if err != nil || !s.sessions.FormValid(c.Value, r.PostFormValue("form")) {
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
		s.log.Warn("wrong dashboard password", "remote", gate.Remote(r))
		s.loginPage(w, r, http.StatusUnauthorized, next, "That password is not right.")
		return
	}
	if old := s.visitor(r).session; old != nil {
		s.sessions.End(old)
	}
	s.log.Info("signed in to the dashboard", "remote", gate.Remote(r))
	s.setCookie(w, "session", s.sessions.Start(), sessionLifetime)
	s.setCookie(w, "login", "", 0)
	if !gate.LocalPath(next) {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// verify asks whether the password is right, few at a time. The error says that
// too many wait.
func (s *Server) verify(r *http.Request, password string) (bool, error) {
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
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	s.sessions.End(of(r).session)
	s.setCookie(w, "session", "", 0)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// switchTheme keeps the other of light and dark in a cookie, for browsers
// without script. From the system's own choice it goes to dark.
func (s *Server) switchTheme(w http.ResponseWriter, r *http.Request) {
	theme := "dark"
	if s.theme(r) == "dark" {
		theme = "light"
	}
	http.SetCookie(w, &http.Cookie{
		Name: themeCookie, Value: theme, Path: "/", MaxAge: 365 * 24 * 60 * 60,
		Secure: s.config.Secure, SameSite: http.SameSiteStrictMode, // the script sets it too
	})
	next := r.PostFormValue("next")
	if !gate.LocalPath(next) {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

const themeCookie = "seawall-theme"

func (s *Server) theme(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || c.Value != "light" && c.Value != "dark" {
		return ""
	}
	return c.Value
}
