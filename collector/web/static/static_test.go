package static

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{
		"seawall.css": "text/css; charset=utf-8", "seawall.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		address := s.Address(name)
		if !regexp.MustCompile(`^/static/[0-9a-f]{16}/` + name + `$`).MatchString(address) {
			t.Errorf("%s is at %q", name, address)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
			t.Errorf("%s: %d %s, %d bytes", name, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
	}
	for _, path := range []string{"/static/", "/static/seawall.css", "/static/../static.go", "/static/0000000000000000/seawall.css"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if s.Address("none") != "" {
		t.Error("a file that does not exist has an address")
	}
}

// TestNothingFromElsewhere finds no address of another server in the files.
func TestNothingFromElsewhere(t *testing.T) {
	for _, name := range []string{"seawall.css", "seawall.js", "icon.svg"} {
		b, err := files.ReadFile("files/" + name)
		if err != nil {
			t.Fatal(err)
		}
		content := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		if m := regexp.MustCompile(`(?i)https?://|(?-i:\burl\()|@import|//[a-z0-9-]+\.[a-z]|innerHTML|\beval\b`).FindString(content); m != "" {
			t.Errorf("%s has %q", name, m)
		}
	}
}
