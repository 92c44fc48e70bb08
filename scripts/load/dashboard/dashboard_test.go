package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// served is a dashboard that lets admin in with a word and a form's token.
func served(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-form", Value: "f", Path: "/", Secure: true})
		fmt.Fprint(w, `<form><input type="hidden" name="form" value="token"><input name="username"></form>`)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("__Host-form")
		if err != nil || c.Value != "f" || r.FormValue("form") != "token" || r.FormValue("username") != "admin" || r.FormValue("password") != "word" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != "s" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `<a href="/a?x=1&amp;y=2">a</a><a href="/a?x=1&amp;y=2">again</a><a href="https://elsewhere/">b</a><a href="//elsewhere/">c</a><a href="/b#part">d</a>`)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, ": hello\n\nid: 7\nevent: change\ndata: {\"host\":\"a\"}\n\nevent: touch\ndata: {}\n\n")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func TestDashboard(t *testing.T) {
	address := served(t)
	if _, err := Open(t.Context(), address, "admin", "guess"); err == nil {
		t.Error("signed in with a wrong password")
	}
	d, err := Open(t.Context(), address, "admin", "word")
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.Get(t.Context(), "/")
	if err != nil || page.Status != http.StatusOK || page.Took <= 0 {
		t.Fatalf("page %+v, %v", page, err)
	}
	if diff := cmp.Diff([]string{"/a?x=1&y=2", "/b"}, page.Links()); diff != "" {
		t.Error(diff)
	}
	var got []string
	err = d.Events(t.Context(), "/events", func(name, data string) { got = append(got, name+" "+data) })
	if diff := cmp.Diff([]string{`change {"host":"a"}`, "touch {}"}, got); diff != "" || !errors.Is(err, ErrOver) {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestPassword has the password outlive its file.
func TestPassword(t *testing.T) {
	folder := t.TempDir()
	if _, err := Password(folder); err == nil {
		t.Error("a password without a file")
	}
	first := filepath.Join(folder, "state", "initial-password")
	if err := errors.Join(os.Mkdir(filepath.Dir(first), 0o700), os.WriteFile(first, []byte("word\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if p, err := Password(folder); err != nil || p != "word" {
			t.Errorf("password %q, %v", p, err)
		}
		_ = os.Remove(first) // the second time it is away
	}
}
