package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"seawall/collector/web/answer"
	"seawall/collector/web/gate"
	"seawall/collector/web/page"
	"seawall/collector/web/session"
)

// visitor is who sends a request.
type visitor struct {
	session *session.Session
	cookie  string // the session's token
}

type visitorKey struct{}

// of returns the visitor that [Server.signedIn] let through.
func of(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// visitor looks the request's session up; its session is nil when there is none.
func (s *Server) visitor(r *http.Request) visitor {
	c, err := r.Cookie(s.cookieName("session"))
	if err != nil {
		return visitor{}
	}
	found := s.sessions.Find(c.Value)
	if found == nil {
		return visitor{}
	}
	return visitor{found, c.Value}
}

// signedIn lets only requests with a session through, and of POSTs only those
// with the session's form token.
func (s *Server) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visitor(r)
		if v.session == nil {
			s.askToSignIn(w, r)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
		if r.Method == http.MethodPost && !s.sessions.FormValid(v.cookie, r.PostFormValue("form")) {
			s.failure(w, r, http.StatusForbidden, "This form is out of date", "Go back, reload the page and try again.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// askToSignIn sends a person to the login page and tells a program that it may
// not.
func (s *Server) askToSignIn(w http.ResponseWriter, r *http.Request) {
	program := r.Method != http.MethodGet || strings.HasPrefix(r.URL.Path, "/api/") ||
		r.URL.Path == "/events" || r.URL.Path == "/metrics" || r.URL.Query().Has("fragment")
	if program {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	to := "/login"
	if next := r.URL.RequestURI(); gate.LocalPath(next) && next != "/" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fail answers a request that met err: not found, gone, or our fault, which is
// logged and not shown.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.failure(w, r, http.StatusNotFound, "There is no such page", "The address is wrong, or what it showed was removed.")
	case errors.Is(err, context.Canceled):
		w.WriteHeader(http.StatusServiceUnavailable) // nobody reads it
	default:
		s.log.Error("a page could not be made", "path", r.URL.Path, "err", err)
		s.failure(w, r, http.StatusInternalServerError, "This page could not be made", "The collector's log says why.")
	}
}

// failure answers with a page, or a line of JSON where no person reads it.
func (s *Server) failure(w http.ResponseWriter, r *http.Request, code int, title, message string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		answer.JSON(w, code, map[string]string{"error": strings.ToLower(title)})
		return
	}
	p := page.Page{Title: title, Body: page.Failure{Code: code, Title: title, Message: message}}
	p.Chrome = s.chrome(r)
	body, err := s.pages.Page("error", p)
	if err != nil {
		s.log.Error("the page for errors could not be made", "err", err)
		http.Error(w, title, code)
		return
	}
	answer.HTML(w, code, body)
}
