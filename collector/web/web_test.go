package web_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/bootstrap"
	"seawall/collector/export"
	"seawall/collector/fleet"
	"seawall/collector/web"
	"seawall/collector/web/api"
	"seawall/collector/web/frame"
	"seawall/collector/web/people"
)

const password = "correct horse battery staple"

func config(d *demo) web.Config {
	c := web.Config{
		Posture: d, Catalogue: d, Detections: d, Lists: d, Advisories: d, Parts: d, Feed: d, Requests: d.Requests, Glance: d.Glance,
		SignIn:  people.Alone(func(p string) bool { return p == password }),
		Metrics: prometheus.NewRegistry(),
		Hosts:   []string{"seawall.example"},
		NewHost: func() bootstrap.Host {
			return bootstrap.Host{Collector: "collector.example.net:9443", Repo: "https://packages.example.net/seawall", Key: repoKey}
		},
		Invite: invite,
		Tokens: func(context.Context) ([]fleet.Token, error) {
			return []fleet.Token{{ID: "5eaf00d5eaf00d00", Label: "golden image", Created: d.now.Add(-time.Hour), Expires: d.now.Add(23 * time.Hour),
				Uses: 100, Used: 7, Tags: []string{"env=prod", "role=web"}, Approval: true, Scope: fleet.Scope{Name: "web-*"}}}, nil
		},
		Withdraw: func(context.Context, string) error { return nil },
		Decide:   func(context.Context, string, fleet.Decision) error { return nil },
		Version:  "0.3.1",
		Log:      slog.New(slog.DiscardHandler),
		Now:      func() time.Time { return d.now },
	}
	c.Areas = withAPI(d, func(*api.Config) {})
	return c
}

// withAPI makes the area of the API, as a test changes its configuration.
func withAPI(d *demo, change func(*api.Config)) func(*frame.Frame) ([]web.Area, error) {
	return func(f *frame.Frame) ([]web.Area, error) {
		c := api.Config{Frame: f, Posture: d, Catalogue: d, CheckOf: d.CheckOf, Detections: d, Lists: d, Advisories: d, Requests: d.Requests, Version: "0.3.1",
			Export: export.Source{Hosts: d.Hosts, Host: d.Host, Checks: d.Checks, Timeline: d.Timeline, Detections: d.Detections}.Open("0.3.1")}
		change(&c)
		return []web.Area{api.New(c)}, nil
	}
}

func newServer(t *testing.T, c web.Config) *web.Server {
	t.Helper()
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs s until the test ends and returns its address.
func serve(t *testing.T, s *web.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

// browser is a client that keeps cookies and does not follow redirects.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

// open returns a browser that talks to s without a network.
func open(t *testing.T, s http.Handler) *browser {
	t.Helper()
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return browse(t, ts.URL)
}

func browse(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that was read.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(path string, v url.Values, header ...string) answer {
	b.t.Helper()
	return b.send(http.MethodPost, path, v, header...)
}

// send sends a form by any method; header is names and values by turns.
func (b *browser) send(method, path string, v url.Values, header ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.base+path, strings.NewReader(v.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// form returns the token of the forms on a page.
func (b *browser) form(path string) string {
	b.t.Helper()
	m := formField.FindStringSubmatch(b.get(path).body)
	if m == nil {
		b.t.Fatalf("%s has no form", path)
	}
	return m[1]
}

// login signs in.
func (b *browser) login() {
	b.t.Helper()
	a := b.post("/login", url.Values{"form": {b.form("/login")}, "password": {password}})
	if a.code != http.StatusSeeOther {
		b.t.Fatalf("login answered %d: %s", a.code, a.body)
	}
}

// cookie returns the session's token.
func (b *browser) cookie() string {
	b.t.Helper()
	u, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == "seawall-session" {
			return c.Value
		}
	}
	return ""
}
