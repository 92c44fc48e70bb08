// Package gate is what every request passes before any handler sees it: the
// headers that every answer carries, the check of the Host header, the refusal
// of cross-origin POSTs, the bound of the body. It knows no sessions.
//
// A page of another site can have its own name resolve to our address and then
// read us as its own origin, cookies aside (DNS rebinding). It cannot choose the
// Host header, which is its name: so a Host is let through only when it is an
// address literal, localhost or a configured name.
package gate

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy is the content security policy of every answer.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Gate lets requests through or refuses them.
type Gate struct {
	names   map[string]bool
	origins *http.CrossOriginProtection
	body    int64
}

// New returns a gate for a server that is known by names, besides its addresses
// and localhost, and reads bodies of at most so many bytes.
func New(names []string, body int64) *Gate {
	g := &Gate{names: map[string]bool{"localhost": true}, origins: http.NewCrossOriginProtection(), body: body}
	for _, n := range names {
		g.names[strings.ToLower(strings.TrimSuffix(n, "."))] = true
	}
	return g
}

// Wrap returns a handler that passes on to next what the gate lets through.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head(w.Header())
		if !g.allowed(r.Host) {
			http.Error(w, "this server has no such name", http.StatusMisdirectedRequest)
			return
		}
		if err := g.origins.Check(r); err != nil {
			http.Error(w, "requests from other sites are refused", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, g.body)
		next.ServeHTTP(w, r)
	})
}

// head sets the headers of every answer. A handler may replace Cache-Control.
func head(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: browsers would then send "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// allowed reports whether the Host header names us.
func (g *Gate) allowed(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return g.names[strings.ToLower(strings.TrimSuffix(host, "."))]
}

// LocalPath reports whether path leads to a page of ours and nowhere else.
func LocalPath(path string) bool {
	if len(path) > 1024 || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\\x00\r\n\t") {
		return false
	}
	u, err := url.Parse(path)
	return err == nil && !strings.HasPrefix(path, "//") && u.Host == "" && u.Scheme == ""
}

// FromHere reports whether the request comes from this machine itself and was
// not passed on by a proxy.
func FromHere(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	return Remote(r).IsLoopback()
}

// Remote returns the address that the request comes from, the zero Addr when it
// has none. Behind a proxy it is the proxy's.
func Remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
