package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"seawall/collector/initial"
	"seawall/pkg/token"
)

// visitor is a browser with a session.
type visitor struct {
	base string
	http *http.Client
}

// do sends a form to a page, which it first opens, and returns the answer's text.
func (v visitor) do(t *testing.T, path string, fields neturl.Values) string {
	t.Helper()
	read := func(r *http.Response, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(read(v.http.Get(v.base + path)))
	if form == nil {
		t.Fatalf("%s has no form", path)
	}
	fields.Set("form", form[1])
	r, err := http.NewRequest(http.MethodPost, v.base+path, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", strings.TrimSuffix(v.base, "/"))
	return read(v.http.Do(r))
}

// TestDashboardInvites makes a token on the dashboard of a collector that runs, and
// none where the configuration says so.
func TestDashboardInvites(t *testing.T) {
	for _, invites := range []string{"on", "off"} {
		folder := t.TempDir()
		p := startProgram(t, folder, "--dashboard-invites", invites, "--advertise", "c.example.net:9443")
		secret, err := os.ReadFile(filepath.Join(folder, initial.File))
		if err != nil {
			t.Fatal(err)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		v := visitor{p.at.Dashboard, &http.Client{Jar: jar, Timeout: time.Minute}}
		v.do(t, "login", neturl.Values{"password": {strings.TrimSpace(string(secret))}})
		text := html.UnescapeString(v.do(t, "hosts/new", neturl.Values{
			"family": {"debian"}, "collector": {"c.example.net:9443"}, "package": {"/root/seawall.deb"}, "labels": {"site=ams"}, "tags": {"role=web env=prod"}, "life": {"15m0s"}}))
		list, err := exec.Command("seawall-collector", "--state-dir", folder, "token", "list").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, list)
		}
		made := regexp.MustCompile(`seawall1_[A-Za-z0-9_-]{80}`).FindString(text)
		if invites == "off" {
			if made != "" || strings.Contains(string(list), "good") || !strings.Contains(text, "seawall-collector bootstrap --family debian") {
				t.Errorf("%s\n%s", list, text)
			}
			continue
		}
		if _, err := token.Parse(made); err != nil || !regexp.MustCompile(`good +0/1 +in 1[45]m +any +env=prod role=web +dashboard site=ams`).Match(list) {
			t.Errorf("%v\n%s\n%s", err, list, text)
		}
		if log, err := os.ReadFile(filepath.Join(folder, "log")); err != nil || !strings.Contains(string(log), "token made on the dashboard") || strings.Contains(string(log), made) {
			t.Errorf("%v: %s", err, log)
		}
	}
}
