package gate

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGate(t *testing.T) {
	g := New([]string{"Seawall.Example."}, 10)
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		}
	}))
	for _, c := range []struct {
		method, host, origin, body string
		want                       int
	}{
		{"GET", "seawall.example", "", "", 200}, {"GET", "seawall.example:8443", "https://evil.example", "", 200}, {"GET", "[fe80::1%25eth0]:80", "", "", 200},
		{"GET", "evil.example", "", "", 421}, {"GET", "", "", "", 421}, {"GET", "1.2.3", "", "", 421}, {"GET", "0x7f000001", "", "", 421},
		{"POST", "192.0.2.1", "", "", 200}, {"POST", "192.0.2.1", "http://192.0.2.1", "", 200}, {"POST", "192.0.2.1:80", "http://192.0.2.1", "", 403},
		{"POST", "192.0.2.1", "null", "", 403}, {"DELETE", "192.0.2.1", "https://evil.example", "", 403},
		{"POST", "192.0.2.1", "", strings.Repeat("x", 10), 200}, {"POST", "192.0.2.1", "", strings.Repeat("x", 11), 413},
	} {
		r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
		if w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%+v: no policy", c)
		}
	}
}

func TestLocalPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/hosts?q=a#b": true, "/a//b": true, "": false, "//evil.example": false, "///evil.example": false, `/\evil.example`: false,
		"https://evil.example": false, "/\tx": false, "/\x00": false, "hosts": false, "/" + strings.Repeat("x", 1024): false, "/%zz": false,
	} {
		if got := LocalPath(path); got != want {
			t.Errorf("%.40q: %v", path, got)
		}
	}
}

func TestFromHere(t *testing.T) {
	for _, c := range []struct {
		remote, header string
		want           bool
	}{
		{"127.0.0.1:5", "", true}, {"[::1]:5", "", true}, {"[::ffff:127.0.0.1]:5", "", true}, {"192.0.2.1:5", "", false}, {"", "", false}, {"@", "", false},
		{"127.0.0.1:5", "X-Forwarded-For", false}, {"127.0.0.1:5", "Forwarded", false}, {"127.0.0.1:5", "Via", false}, {"127.0.0.1:5", "X-Real-IP", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.header != "" {
			r.Header.Set(c.header, "x")
		}
		if got := FromHere(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
