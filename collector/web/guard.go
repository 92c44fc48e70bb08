package web

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"seawall/collector/web/answer"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/rpc"
)

// guard lets only those requests through to a route that its role admits, and of a
// browser's POSTs only those with the session's form token.
func (s *Server) guard(route frame.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		need := route.Role
		if need == frame.Local && gate.FromHere(r) || need == frame.Anybody {
			route.Serve(w, r)
			return
		}
		v := s.visitor(r)
		if !v.May(frame.Viewer) {
			s.askToSignIn(w, r)
			return
		}
		r = frame.With(r, v)
		if !v.May(need) {
			s.log.Warn("a page was refused", "user", v.User, "role", v.Role.String(), "needs", need.String(), "path", r.URL.Path, "remote", gate.Remote(r))
			s.frame.Failure(w, r, http.StatusForbidden, "This is not for your role", "It takes the role "+need.String()+"; yours is "+v.Role.String()+".")
			return
		}
		if len(v.Scope) > 0 && !route.Scoped {
			s.log.Warn("a page was refused", "user", v.User, "scope", v.Scope, "path", r.URL.Path, "remote", gate.Remote(r))
			s.frame.Failure(w, r, http.StatusForbidden, "This is for those who see all hosts", "Your account is limited to the hosts with certain tags, and this page is about all of them.")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !v.Program && !formValid(v, r) {
			s.log.Warn("a form was refused", "user", v.User, "path", r.URL.Path, "remote", gate.Remote(r))
			s.frame.Failure(w, r, http.StatusForbidden, "This form is out of date", "Go back, reload the page and try again.")
			return
		}
		if route.File {
			leave, why := s.files.Enter(v.User)
			if why != "" {
				w.Header().Set("Retry-After", "10")
				s.frame.Failure(w, r, http.StatusTooManyRequests, "Too many files at a time", why)
				return
			}
			defer leave() // after a panic, too: so a file is cut off
			w = &lasting{ResponseWriter: w, next: time.Now().Add(stillEach), still: func() bool {
				now := s.visitor(r)
				return now.May(need) && now.User == v.User && slices.Equal(now.Scope, v.Scope)
			}}
		}
		route.Serve(w, r)
	})
}

// stillEach is how often it is asked whether the reader of a file may still have it.
const stillEach = time.Second

// lasting answers for as long as the session or token lasts for which it was begun, with the
// same rights: a file may take minutes.
type lasting struct {
	http.ResponseWriter
	still func() bool
	next  time.Time // when to ask
}

// Write implements [io.Writer].
func (l *lasting) Write(p []byte) (int, error) {
	if now := time.Now(); now.After(l.next) {
		if !l.still() {
			return 0, errors.New("who reads may not have this any more")
		}
		l.next = now.Add(stillEach)
	}
	return l.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (l *lasting) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// formValid reports whether r carries the token of its visitor's forms.
func formValid(v frame.Visitor, r *http.Request) bool {
	return v.Form != "" && subtle.ConstantTimeCompare([]byte(v.Form), []byte(r.PostFormValue("form"))) == 1
}

// askToSignIn sends a person to the login page and tells a program that it may
// not.
func (s *Server) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if rpc.Asked(r) {
		rpc.Refuse(w, codes.Unauthenticated, "Send an API token: authorization: Bearer swc_...")
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		answer.Problem(w, http.StatusUnauthorized, "Sign in first, or send an API token.")
		return
	}
	program := r.Method != http.MethodGet || r.URL.Path == "/events" || r.URL.Path == "/metrics" || r.URL.Query().Has("fragment")
	if program {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, s.frame.SignIn(r), http.StatusSeeOther)
}
