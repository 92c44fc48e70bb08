package web

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"seawall/collector/web/page"
	"seawall/collector/web/session"
)

// policy is the content security policy of every answer.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard is what every request passes first: the headers of every answer, the
// Host header, and where a POST comes from.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Not no-referrer: browsers would then send "Origin: null" with our own forms.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if !s.hostAllowed(r.Host) {
			http.Error(w, "this server has no such name", http.StatusMisdirectedRequest)
			return
		}
		if err := s.origins.Check(r); err != nil {
			http.Error(w, "requests from other sites are refused", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, formBytes)
		next.ServeHTTP(w, r)
	})
}

func allowedHosts(names []string) map[string]bool {
	allowed := map[string]bool{"localhost": true}
	for _, n := range names {
		allowed[strings.ToLower(strings.TrimSuffix(n, "."))] = true
	}
	return allowed
}

// hostAllowed reports whether the Host header names us. An address is always
// right: a page of another site can make its own name resolve to our address,
// but has no way to send a Host that is not its name.
func (s *Server) hostAllowed(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return s.hosts[strings.ToLower(strings.TrimSuffix(host, "."))]
}

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
	if next := r.URL.RequestURI(); localPath(next) && next != "/" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// localPath reports whether path leads to a page of ours and nowhere else.
func localPath(path string) bool {
	if len(path) > 1024 || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\\x00\r\n\t") {
		return false
	}
	u, err := url.Parse(path)
	return err == nil && !strings.HasPrefix(path, "//") && u.Host == "" && u.Scheme == ""
}

// fromHere reports whether the request comes from this machine itself and was
// not passed on by a proxy.
func fromHere(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	return remote(r).IsLoopback()
}

func remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
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
		writeJSON(w, code, map[string]string{"error": strings.ToLower(title)})
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
	writeHTML(w, code, body)
}
