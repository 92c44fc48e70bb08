package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/initial"
	"seawall/scripts/pgtest"
)

// While the database is down, pages and programs are told so, and when to ask again; who
// is signed in stays so; and what comes back goes on by itself.
func TestDatabaseAway(t *testing.T) {
	cluster := pgtest.Start(t)
	folder := t.TempDir()
	base := strings.TrimSuffix(startProgram(t, folder, "--store", cluster.New()).at.Dashboard, "/")
	password, err := os.ReadFile(filepath.Join(folder, initial.File))
	jar, wrong := cookiejar.New(nil)
	if err := errors.Join(err, wrong); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(path string, form url.Values) (code int, retry, body string) {
		t.Helper()
		send := func() (*http.Response, error) { return client.Get(base + path) }
		if form != nil {
			send = func() (*http.Response, error) { return client.PostForm(base+path, form) }
		}
		answer, err := send()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Header.Get("Retry-After"), string(text)
	}
	token := func(path string) string {
		t.Helper()
		_, _, body := ask(path, nil)
		found := formToken.FindStringSubmatch(body)
		if found == nil {
			t.Fatalf("%s: no form in %s", path, body)
		}
		return found[1]
	}
	if code, _, body := ask("/login", url.Values{"form": {token("/login")}, "username": {"admin"}, "password": {strings.TrimSpace(string(password))}}); code != http.StatusSeeOther {
		t.Fatalf("sign in: %d %s", code, body)
	}
	form := url.Values{"form": {token("/settings")}, "changes": {"40"}}
	cluster.Down()
	const said = "The database cannot be used now"
	for _, path := range []string{"/", "/hosts", "/checks", "/changes", "/settings", "/trail", "/waivers", "/alerts", "/reports", "/account", "/api/v1/overview", "/api/v1/hosts", "/api/v1/trail"} {
		if code, retry, body := ask(path, nil); code != http.StatusServiceUnavailable || retry == "" || !strings.Contains(body, said) {
			t.Errorf("GET %s: %d, retry after %q: %.300s", path, code, retry, body)
		}
	}
	if code, retry, body := ask("/settings/retention", form); code != http.StatusServiceUnavailable || retry == "" || !strings.Contains(body, said) {
		t.Errorf("a form: %d, retry after %q: %.300s", code, retry, body)
	}
	if code, _, _ := ask("/readyz", nil); code != http.StatusServiceUnavailable {
		t.Errorf("ready without a database: %d", code)
	}
	cluster.Up()
	if !poll(func() bool { code, _, _ := ask("/hosts", nil); return code == http.StatusOK }) {
		t.Error("the pages do not come back by themselves")
	}
}
