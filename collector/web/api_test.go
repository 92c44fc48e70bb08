package web_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"seawall/collector/fleet"
	"seawall/collector/web"
	"seawall/collector/web/api"
	"seawall/collector/web/frame"
	"seawall/collector/web/session"
)

// TestProblems: what goes wrong is said as RFC 9457 has it, to who may know.
func TestProblems(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	for path, want := range map[string]string{
		"/api/v1/overview":              "401 Sign in first, or send an API token.",
		"/api/v1/nothing":               "401 Sign in first, or send an API token.",
		"/api/v1/openapi.json":          "401 Sign in first, or send an API token.",
		"/api/v1/export":                "401 Sign in first, or send an API token.",
		"/api/v1/hosts/zz?fragment=all": "401 Sign in first, or send an API token.",
	} {
		problem(t, path, b.get(path), want)
	}
	b.login()
	for path, want := range map[string]string{
		"/api/v1/nothing":                                     "404 There is no such page. The address is wrong, or what it showed was removed.",
		"/api/v1/hosts/zz":                                    "404 What the path names does not exist, or is not for you to see.",
		"/api/v1/checks/none":                                 "404 What the path names does not exist, or is not for you to see.",
		"/api/v1/overview?x=1":                                `400 parameter "x": no such parameter`,
		"/api/v1/timeline?limit=1&limit=2":                    "400 parameter limit: given 2 times",
		"/api/v1/hosts?pending=1":                             "400 parameter pending: neither true nor false",
		"/api/v1/hosts?text=" + strings.Repeat("a", 201):      "400 parameter text: longer than 200 bytes",
		"/api/v1/hosts?presence=gone":                         `400 parameter presence: "gone" is none of online, silent, offline, archived`,
		"/api/v1/timeline?limit=9999":                         "400 parameter limit: no number from 1 to 200",
		"/api/v1/timeline?host=web-1":                         "400 parameter host: no host's id: 32 lower-case hexadecimal digits",
		"/api/v1/detections?before=-1":                        "400 parameter before: no number above 0",
		"/api/v1/hosts?%1b%5b2J%E2%80%AE=1":                   `400 parameter "\\x1b[2J\\u202e": no such parameter`,
		"/api/v1/export?format=xml":                           `400 parameter format: "xml" is none of csv, jsonl, ocsf, ecs, otlp, sarif`,
		"/api/v1/export?what=hosts&status=x":                  `400 parameter status: "x" is no status`,
		"/api/v1/export?hots=1":                               "400 parameter hots: no such parameter",
		"/api/v1/detections?rule=" + strings.Repeat("a", 257): "400 parameter rule: longer than 256 bytes",
	} {
		problem(t, path, b.get(path), want)
	}
	d.err = io.ErrUnexpectedEOF
	for _, path := range []string{"/api/v1/overview", "/api/v1/hosts", "/api/v1/checks", "/api/v1/timeline", "/api/v1/detections", "/api/v1/requests", "/api/v1/export"} {
		problem(t, path, b.get(path), "500 The answer could not be made; the collector's log says why.")
	}
}

func problem(t *testing.T, path string, a answer, want string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("%s: %v: %s", path, err, a.body)
		return
	}
	if got := strconv.Itoa(p.Status) + " " + p.Detail; got != want || p.Status != a.code || p.Type != "about:blank" || p.Title != http.StatusText(a.code) ||
		a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %v %s, want %s", path, a.code, a.header["Content-Type"], a.body, want)
	}
}

// TestHostPages: pages of hosts are all of them, each once, in order.
func TestHostPages(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	if a := b.get("/api/v1/hosts?region=fra1&limit=1&severity=high"); a.code != http.StatusOK || strings.Count(a.body, `"region":"fra1"`) != 1 {
		t.Errorf("hosts of a region: %d %s", a.code, a.body)
	}
	var got []string
	for next, pages := "", 0; ; pages++ {
		var list struct {
			Hosts []struct{ ID string }
			Next  string
		}
		path := "/api/v1/hosts?limit=5"
		if next != "" {
			path += "&after=" + next
		}
		if err := json.Unmarshal([]byte(b.get(path).body), &list); err != nil {
			t.Fatal(err)
		}
		for _, h := range list.Hosts {
			got = append(got, h.ID)
		}
		if next = list.Next; next == "" {
			break
		}
		if len(list.Hosts) != 5 || pages > 5 {
			t.Fatalf("page %d has %d hosts", pages, len(list.Hosts))
		}
	}
	if len(got) != len(d.hosts) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("%d hosts of %d: %q", len(got), len(d.hosts), got)
	}
}

// TestExport: files are whole, for keeping and not for showing, and inert.
func TestExport(t *testing.T) {
	d := demoFleet(demoNow)
	addHostile(d, hostileStrings()[:40])
	b := open(t, newServer(t, config(d)))
	b.login()
	for _, what := range []string{"hosts", "findings", "changes", "detections"} {
		a := b.get("/api/v1/export?format=csv&what=" + what)
		if a.code != http.StatusOK || a.header.Get("Content-Disposition") != "attachment; filename="+what+".csv" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
			a.header.Get("Content-Security-Policy") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
			t.Errorf("%s: %d %v", what, a.code, a.header)
		}
		table, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(table) < 2 {
			t.Errorf("%s: %d rows, %v", what, len(table), err)
		}
		for _, row := range table {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("%s: %.40q is a formula", what, cell)
				}
			}
		}
		for line := range strings.Lines(b.get("/api/v1/export?what=" + what).body) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: %.60q is no JSON", what, line)
			}
		}
	}
	for _, format := range []string{"ocsf", "ecs", "otlp"} {
		if a := b.get("/api/v1/export?format=" + format); a.code != http.StatusOK || strings.Count(a.body, "\n") == 0 {
			t.Errorf("%s: %d, %d bytes", format, a.code, len(a.body))
		}
	}
}

// scopedTo is a configuration in which a token's reader sees the hosts with the tag "mine"
// alone, which one host has.
func scopedTo(d *demo, n int, page func(context.Context, fleet.HostQuery) (fleet.HostPage, error), exported func(ctx context.Context, who, what string) error) web.Config {
	d.hosts[n].Labels.Tags = []string{"mine"}
	c := config(d)
	c.Bearer = func(context.Context, string) (session.Who, error) {
		return session.Who{User: "auditor", Role: frame.Viewer, Scope: []string{"mine"}, Token: "7a"}, nil
	}
	if page == nil {
		page = func(_ context.Context, q fleet.HostQuery) (fleet.HostPage, error) {
			if !slices.Equal(q.Scope, []string{"mine"}) || q.Presence == fleet.Archived || q.Page > 0 {
				return fleet.HostPage{Total: 1}, nil
			}
			return fleet.HostPage{Hosts: d.hosts[n : n+1], Total: 1}, nil
		}
	}
	c.Lists = pages{c.Lists, page}
	c.Areas = withAPI(d, func(a *api.Config) {
		a.Lists, a.Exported = c.Lists, exported
		a.CheckOf = func(ctx context.Context, id string, scope []string) (fleet.CheckDetail, error) {
			of, err := d.Check(ctx, id)
			if !slices.Equal(scope, []string{"mine"}) {
				return of, err
			}
			of.States = slices.DeleteFunc(slices.Clone(of.States), func(s fleet.State) bool { return s.Host != d.hosts[n].ID })
			of.Check.Hosts = len(of.States)
			return of, err
		}
	})
	return c
}

// pages are lists of which one is made anew.
type pages struct {
	frame.Lists
	page func(context.Context, fleet.HostQuery) (fleet.HostPage, error)
}

func (p pages) HostPage(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error) {
	return p.page(ctx, q)
}

func (b *browser) asProgram(path string) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer swc_token")
	return b.do(r)
}

// TestAPIScope: who is limited to tags gets nothing of other hosts, by no path.
func TestAPIScope(t *testing.T) {
	d := demoFleet(demoNow)
	var exported []string
	c := scopedTo(d, 6, nil, func(_ context.Context, who, what string) error {
		exported = append(exported, who+": "+what)
		return nil
	})
	b := open(t, newServer(t, c))
	mine, other := d.hosts[6], d.hosts[0]
	for _, path := range append(apiPaths(d), "/api/v1/export?what=changes", "/api/v1/export?what=detections", "/api/v1/export?what=hosts", "/api/v1/hosts/"+string(mine.ID)) {
		a := b.asProgram(path)
		for _, h := range d.hosts {
			if h.ID != mine.ID && (strings.Contains(a.body, string(h.ID)) || strings.Contains(a.body, `"`+h.Labels.Name+`"`)) {
				t.Errorf("%s tells of host %s", path, h.Labels.Name)
			}
		}
	}
	for path, want := range map[string]int{
		"/api/v1/overview": 403, "/api/v1/checks": 403, "/api/v1/requests": 403, "/api/v1/hosts": 200, "/api/v1/timeline": 200, "/api/v1/detections": 200,
		"/api/v1/hosts/" + string(mine.ID): 200, "/api/v1/hosts/" + string(other.ID): 404, "/api/v1/timeline?host=" + string(other.ID): 404,
		"/api/v1/detections?host=" + string(other.ID): 404, "/api/v1/export?host=" + string(other.ID): 404, "/api/v1/export?host=" + string(mine.ID): 200,
		"/api/v1/checks/ssh-ciphers": 200,
	} {
		if a := b.asProgram(path); a.code != want {
			t.Errorf("%s: %d, want %d", path, a.code, want)
		}
	}
	var check fleet.CheckDetail
	if err := json.Unmarshal([]byte(b.asProgram("/api/v1/checks/ssh-ciphers").body), &check); err != nil || len(check.States) != 1 || check.Check.Hosts > 1 {
		t.Errorf("%d states, %d hosts, %v", len(check.States), check.Check.Hosts, err)
	}
	if want := "token 7a of auditor: findings as jsonl of host " + string(mine.ID); !slices.Contains(exported, want) {
		t.Errorf("%q is not among %q", want, exported)
	}
}

// TestAPIScopePages: pages of what is seen by tags are full until the last, and where the
// next begins tells nothing of other hosts.
func TestAPIScopePages(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, scopedTo(d, 1, nil, nil)))
	mine := d.hosts[1].ID
	places := map[int64]bool{0: true}
	want := map[string]int{}
	for _, e := range d.events {
		if e.Host == mine {
			places[e.ID] = true
			want["timeline"]++
		}
	}
	for _, s := range d.storms {
		if s.Host == mine {
			places[s.Place] = true
			want["detections"]++
		}
	}
	for what, want := range want {
		got := 0
		for next := int64(math.MaxInt64); ; {
			var page struct {
				Events, Detections []json.RawMessage
				Next               int64
			}
			a := b.asProgram(fmt.Sprintf("/api/v1/%s?limit=1&before=%d", what, next))
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.code != http.StatusOK {
				t.Fatalf("%s: %d, %s, %v", what, a.code, a.body, err)
			}
			n := len(page.Events) + len(page.Detections)
			got += n
			if next = page.Next; next == 0 {
				break
			}
			if n != 1 || !places[next] || got > want {
				t.Fatalf("%s: a page of %d leads on to %d", what, n, next)
			}
		}
		if got != want {
			t.Errorf("%s: %d in all pages, want %d", what, got, want)
		}
	}
	if len(want) != 2 {
		t.Fatalf("the host has only %v", want)
	}
}

// TestAPIScopeFails: where it cannot be said which hosts are seen, or an export cannot be
// recorded, there is no answer.
func TestAPIScopeFails(t *testing.T) {
	d := demoFleet(demoNow)
	away := func(context.Context, fleet.HostQuery) (fleet.HostPage, error) {
		return fleet.HostPage{}, io.ErrUnexpectedEOF
	}
	unsure := open(t, newServer(t, scopedTo(d, 0, away, nil)))
	for _, path := range []string{"/api/v1/hosts", "/api/v1/timeline", "/api/v1/export", "/api/v1/hosts/" + string(d.hosts[0].ID)} {
		if a := unsure.asProgram(path); a.code != http.StatusInternalServerError {
			t.Errorf("%s: %d, want 500", path, a.code)
		}
	}
	c := config(d)
	c.Areas = withAPI(d, func(a *api.Config) {
		a.Exported = func(context.Context, string, string) error { return io.ErrUnexpectedEOF }
	})
	b := open(t, newServer(t, c))
	b.login()
	if a := b.get("/api/v1/export"); a.code != http.StatusInternalServerError || a.header.Get("Content-Disposition") != "" {
		t.Errorf("an export that is not recorded: %d", a.code)
	}
}

// apiPaths are addresses of every path, of a fleet.
func apiPaths(d *demo) []string {
	host := string(d.hosts[0].ID)
	paths := []string{
		"/api/v1/overview", "/api/v1/hosts", "/api/v1/hosts?limit=2", "/api/v1/hosts?after=" + host, "/api/v1/hosts/" + host,
		"/api/v1/requests", "/api/v1/checks", "/api/v1/timeline", "/api/v1/timeline?limit=3&host=" + host, "/api/v1/timeline?before=5", "/api/v1/timeline?check=ssh-ciphers",
		"/api/v1/detections", "/api/v1/detections?severity=high&limit=2", "/api/v1/detections?rule=x", "/api/v1/openapi.json",
		"/api/v1/hosts/" + strings.Repeat("0", 32), "/api/v1/hosts/zz", "/api/v1/checks/none", "/api/v1/timeline?limit=201", "/api/v1/timeline?before=x",
		"/api/v1/export?what=users", "/api/v1/hosts?limit=0", "/api/v1/detections?severity=grave",
		"/api/v1/export", "/api/v1/export?what=hosts&format=csv", "/api/v1/export?format=ocsf&limit=3",
	}
	paths = append(paths, "/api/v1/changes", "/api/v1/changes?limit=2&severity=high&status=fail&caused=true&since=2020-01-01T00:00:00Z", "/api/v1/changes?since=yesterday",
		"/api/v1/changes?host="+host, "/api/v1/patches", "/api/v1/patches?limit=1&page=2&text=l", "/api/v1/patches?age=month", "/api/v1/patches?age=x", "/api/v1/advisories", "/api/v1/advisories?kind=cve&text=2&limit=1&page=2", "/api/v1/advisories?kind=x", "/api/v1/advisories/DSA-5764-1/results", "/api/v1/advisories/none/results?limit=1", "/api/v1/facets", "/api/v1/checks/ssh-ciphers/results",
		"/api/v1/checks/ssh-ciphers/results?status=pass&limit=1", "/api/v1/checks/none/results?status=none")
	for id := range d.checks {
		paths = append(paths, "/api/v1/checks/"+url.PathEscape(id))
	}
	for _, s := range d.storms {
		paths = append(paths, "/api/v1/hosts/"+string(s.Host)+"/detections/"+url.PathEscape(s.Detection.ID))
	}
	return paths
}
