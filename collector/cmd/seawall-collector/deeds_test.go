package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	neturl "net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"seawall/collector/account"
	"seawall/collector/config"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/initial"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
	"seawall/collector/web"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// silent are the routes that change something and leave no line in the audit trail, each
// with the reason.
func silent() map[string]string {
	return map[string]string{
		"POST /seawall.fleet.v1.FleetService/{method}":       "reads",
		"POST /grpc.reflection.v1.ServerReflection/{method}": "reads",
		"POST /theme":  "light or dark, kept by the browser",
		"POST /login":  "sessions are in the log and on the page of one's account",
		"POST /logout": "sessions are in the log and on the page of one's account",
		"POST /alerts/deliveries/{message}/again": "needs a message that failed: package web/alerts has it",
		"DELETE /api/v1/users/{name}/sessions":    "needs another browser: package web/accounts has it",
		"POST /alerts/test":                       "needs a way to send: package web/alerts has it",
	}
}

// assembled is the dashboard as the program makes it, with a host that has a finding and a
// machine that waits, and its only user signed in.
type assembled struct {
	t      *testing.T
	s      *store.Store
	web    *web.Server
	site   *httptest.Server
	client *http.Client
	form   string // what a form of the session carries
	bearer string // an API token of the administrator
}

const (
	aHost    = fleet.HostID("01010101010101010101010101010101")
	otherOne = fleet.HostID("02020202020202020202020202020202")
)

func assemble(t *testing.T) *assembled {
	t.Helper()
	var c config.Config
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	c.Register(flags)
	if err := flags.Parse([]string{"--state-dir", t.TempDir(), "--advertise", "c.example.net:9443"}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), c.Database(), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	m, err := openMembers(t.Context(), c, s, log)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := openMessenger(s, c.StateDir, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { alerts.Close() })
	who := newUsers(s)
	out, err := openDashboard(c, s, m, alerts, who, "test", nil, prometheus.NewRegistry(), log)
	if err != nil {
		t.Fatal(err)
	}
	who.dashboard = out
	if err := initial.First(t.Context(), first(c, who.accounts, log, io.Discard)); err != nil {
		t.Fatal(err)
	}
	password, err := os.ReadFile(filepath.Join(c.StateDir, initial.File))
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := who.tokens.Add(t.Context(), "admin", "admin", "deeds", account.Admin, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &assembled{t: t, s: s, web: out, site: httptest.NewServer(out), client: &http.Client{Jar: jar}, bearer: secret}
	t.Cleanup(a.site.Close)
	a.people()
	v := visitor{a.site.URL + "/", a.client}
	v.do(t, "login", neturl.Values{"password": {strings.TrimSpace(string(password))}})
	_, page := a.send(http.MethodGet, "/account", "")
	found := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("nobody is signed in:\n%s", page)
	}
	a.form = found[1]
	return a
}

// people puts two hosts and three machines that wait into the store.
func (a *assembled) people() {
	a.t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	err := a.s.Update(a.t.Context(), func(tx *membership.Tx) error {
		for i, id := range []fleet.HostID{aHost, otherOne} {
			if err := tx.PutMember(fleet.Member{Host: id, Key: fleet.KeyHash{byte(i)}, Standing: fleet.Active, Since: now, Enrolled: now, Expires: now.AddDate(1, 0, 0)}); err != nil {
				return err
			}
		}
		var errs []error
		for i := byte(9); i < 12; i++ {
			errs = append(errs, tx.PutRequest(fleet.Request{Key: fleet.KeyHash{i}, ID: fmt.Sprintf("%02x00000000000000", i), From: netip.MustParseAddr("192.0.2.7"), Asked: now, Again: now, Decision: fleet.Waiting}))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		a.t.Fatal(err)
	}
	r := finding.Record{Time: now, Change: &finding.Change{Result: finding.Result{Check: "ssh-root-login", Status: finding.StatusFail, Severity: finding.SeverityHigh, Time: now}}}
	payload, err := wire.Encode(r)
	if err == nil {
		err = a.s.Apply(a.t.Context(), aHost, []fleet.Delivery{{Lane: "posture", Epoch: 1, Sequence: 1, Record: r, Payload: payload, Size: len(payload)}}, nil)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// send asks for a path: with a form of the session, or with JSON and the token.
func (a *assembled) send(method, path, body string) (*http.Response, string) {
	a.t.Helper()
	api := strings.HasPrefix(path, "/api/")
	if !api && method != http.MethodGet {
		body = "form=" + neturl.QueryEscape(a.form) + "&" + body
	}
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.site.URL+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	client := *a.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	switch {
	case api:
		client.Jar = nil
		r.Header.Set("Authorization", "Bearer "+a.bearer)
		r.Header.Set("Content-Type", "application/json")
	case method != http.MethodGet:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", a.site.URL)
	}
	answer, err := client.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer, string(text)
}

// last is the newest line of the trail.
func (a *assembled) last() (e trail.Entry) {
	a.t.Helper()
	err := a.s.Read(a.t.Context(), func(q db.Querier) error {
		all, err := trail.List(a.t.Context(), q, trail.Query{Limit: 1})
		if len(all) > 0 {
			e = all[0]
		}
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return e
}

// value returns a number of the database.
func (a *assembled) value(query string) string {
	a.t.Helper()
	var s string
	err := a.s.Read(a.t.Context(), func(q db.Querier) error {
		return db.Each(a.t.Context(), q, func(scan func(...any) error) error { return scan(&s) }, query)
	})
	if err != nil || s == "" {
		a.t.Fatalf("%s: %v", query, err)
	}
	return s
}

// deed is something that an administrator does: a route, what it is asked with, and what
// the trail says then. In paths and bodies $(QUERY) is a value of the database.
type deed struct{ route, path, body, action string }

func deeds() []deed {
	day := time.Now().AddDate(0, 0, 7).Format("2006-01-02")
	const rule = "enabled=yes&topics=finding&severity=3&group=host&hourly=10&wait=30s&every=5m&quiet=1h&routes=ops&name="
	const rule2 = `{"name":"api","enabled":true,"topics":["finding"],"min_severity":"high","group":"host","hourly":10,"wait":30000000000,"every":300000000000,"quiet":3600000000000,"routes":["ops"]}`
	const look = "check=ssh-root-login&assignee=eve&note=soon"
	return []deed{
		{"POST /hosts/new", "/hosts/new", "family=debian&collector=c.example.net:9443&package=/root/seawall.deb&life=15m0s", "token create"},
		{"POST /hosts/new/tokens/{id}/end", "/hosts/new/tokens/$(SELECT id FROM token WHERE label = 'dashboard')/end", "", "token revoke"},
		{"POST /hosts/requests/{id}/approve", "/hosts/requests/0a00000000000000/approve", "compared=yes", "request approved"},
		{"POST /hosts/requests/{id}/reject", "/hosts/requests/0b00000000000000/reject", "", "request rejected"},
		{"POST /hosts/views", "/hosts/views", "name=mine&query=q%3Dweb&shared=yes", "view share"},
		{"POST /hosts/views/{id}/remove", "/hosts/views/$(SELECT id FROM saved_view)/remove", "", "view unshare"},
		{"POST /hosts/{id}/finding", "/hosts/" + string(aHost) + "/finding", look, "finding triage"},
		{"POST /waivers/new", "/waivers/new", "check=ssh-root-login&host=" + string(aHost) + "&owner=eve&reason=known&until=" + day, "waiver add"},
		{"POST /waivers/{id}/end", "/waivers/$(SELECT id FROM waiver)/end", "", "waiver end"},
		{"POST /alerts/rules/new", "/alerts/rules/new", rule + "one", "rule add"},
		{"POST /alerts/rules/{rule}", "/alerts/rules/$(SELECT id FROM alert_rule)", rule + "two", "rule change"},
		{"POST /alerts/rules/{rule}/delete", "/alerts/rules/$(SELECT id FROM alert_rule)/delete", "", "rule delete"},
		{"POST /exports/new", "/exports/new", "name=siem&enabled=yes&route=ops&format=ocsf&what=changes&severity=0&every=24", "stream add"},
		{"POST /exports/of/{name}", "/exports/of/siem", "enabled=yes&route=ops&format=ecs&what=changes&severity=0&every=24", "stream change"},
		{"POST /exports/of/{name}/delete", "/exports/of/siem/delete", "", "stream delete"},
		{"POST /settings/retention", "/settings/retention", "changes=20", "retention set"},
		{"POST /settings/forget-name", "/settings/forget-name", "name=mallory&sure=yes", "name forget"},
		{"POST /settings/forget-host", "/settings/forget-host", "host=" + string(otherOne) + "&sure=yes", "host forget"},
		{"POST /users", "/users", "name=eve&password=correct+horse+battery+staple&role=viewer", "user add"},
		{"POST /users/{name}", "/users/eve", "do=role&role=operator", "user role"},
		{"POST /account", "/account", "do=token&label=mine&role=viewer&days=7", "apitoken add"},

		{"POST /api/v1/waivers", "/api/v1/waivers", `{"check":"ssh-root-login","host":"` + string(aHost) + `","owner":"eve","reason":"known","expires":"` + day + `T00:00:00Z"}`, "waiver add"},
		{"DELETE /api/v1/waivers/{id}", "/api/v1/waivers/$(SELECT id FROM waiver WHERE ended_by = '')", "", "waiver end"},
		{"PUT /api/v1/hosts/{id}/findings", "/api/v1/hosts/" + string(aHost) + "/findings", `{"check":"ssh-root-login","assignee":"bob"}`, "finding triage"},
		{"POST /api/v1/alerts/rules", "/api/v1/alerts/rules", rule2, "rule add"},
		{"PUT /api/v1/alerts/rules/{id}", "/api/v1/alerts/rules/$(SELECT id FROM alert_rule)", strings.Replace(rule2, "api", "api2", 1), "rule change"},
		{"DELETE /api/v1/alerts/rules/{id}", "/api/v1/alerts/rules/$(SELECT id FROM alert_rule)", "", "rule delete"},
		{"PUT /api/v1/exports/{name}", "/api/v1/exports/siem", `{"name":"siem","enabled":true,"route":"ops","format":"ocsf","what":["changes"]}`, "stream add"},
		{"DELETE /api/v1/exports/{name}", "/api/v1/exports/siem", "", "stream delete"},
		{"PUT /api/v1/requests/{id}", "/api/v1/requests/0900000000000000", `{"decision":"rejected"}`, "request rejected"},
		{"PUT /api/v1/hosts/{id}/membership", "/api/v1/hosts/" + string(aHost) + "/membership", `{"change":"revoke","reason":"sold"}`, "host revoke"},
		{"POST /api/v1/users", "/api/v1/users", `{"name":"pat","role":"viewer"}`, "user add"},
		{"PUT /api/v1/users/{name}/role", "/api/v1/users/pat/role", `{"role":"operator"}`, "user role"},
		{"PUT /api/v1/users/{name}/access", "/api/v1/users/pat/access", `{"disabled":true}`, "user disable"},
		{"DELETE /api/v1/users/{name}", "/api/v1/users/pat", "", "user remove"},
		{"DELETE /api/v1/users/{name}/sessions/{id}", "/api/v1/users/admin/sessions/$(SELECT lower(hex(substr(id, 1, 8))) FROM session)", "", "session end"},
		{"POST /api/v1/enrolment/tokens", "/api/v1/enrolment/tokens", `{"label":"lab"}`, "token create"},
		{"DELETE /api/v1/enrolment/tokens/{id}", "/api/v1/enrolment/tokens/$(SELECT id FROM token WHERE label = 'lab')", "", "token revoke"},
		{"PUT /api/v1/hosts/{id}/tags", "/api/v1/hosts/" + string(aHost) + "/tags", `{"tags":["env=lab"]}`, "host tag"},
		{"DELETE /api/v1/tokens/{id}", "/api/v1/tokens/$(SELECT id FROM api_token WHERE label = 'mine')", "", "apitoken revoke"},
		{"DELETE /api/v1/users/{name}/tokens/{id}", "/api/v1/users/admin/tokens/$(SELECT id FROM api_token WHERE label = 'deeds')", "", "apitoken revoke"},
	}
}

// refused: what cannot be done leaves no line.
func (a *assembled) refused() {
	a.t.Helper()
	before := a.last()
	answer, text := a.send(http.MethodPut, "/api/v1/hosts/"+string(aHost)+"/membership", `{"change":"release","reason":""}`)
	if answer.StatusCode != http.StatusConflict || a.last().Seq != before.Seq {
		a.t.Errorf("a release of what is revoked: %d %s, and the trail says %+v", answer.StatusCode, text, a.last())
	}
}

// TestDeeds does everything that the dashboard of the whole program lets one do, and finds
// each in the audit trail. A route that is new has to be put into the table.
func TestDeeds(t *testing.T) {
	a := assemble(t)
	done := silent()
	holes := regexp.MustCompile(`\$\(.+\)`)
	for _, d := range deeds() {
		done[d.route] = "done"
		if d.route == "DELETE /api/v1/users/{name}/tokens/{id}" { // its own token, the last deed
			a.refused()
		}
		path := holes.ReplaceAllStringFunc(d.path, func(q string) string { return a.value(strings.TrimSuffix(strings.TrimPrefix(q, "$("), ")")) })
		before := a.last()
		method, _, _ := strings.Cut(d.route, " ")
		answer, text := a.send(method, path, d.body)
		if e := a.last(); e.Seq == before.Seq || e.Action != d.action || !strings.Contains(e.Who, "admin") {
			t.Errorf("%s %q: %d, and the newest line of the trail is %+v, want %q:\n%s", d.route, d.body, answer.StatusCode, e, d.action, text)
		}
	}
	var left []string
	for _, r := range a.web.Routes() {
		if method, _, ok := strings.Cut(r.Pattern, " "); ok && method != http.MethodGet && done[r.Pattern] == "" {
			left = append(left, r.Pattern)
		}
	}
	if slices.Sort(left); left != nil {
		t.Errorf("routes that nobody tries: %s", strings.Join(left, ", "))
	}
}

// TestDownloads follows every link of the dashboard, and finds each file that was handed
// out in the audit trail.
func TestDownloads(t *testing.T) {
	a := assemble(t)
	links := regexp.MustCompile(`(?:href|action)="(/[^"#]*)"`)
	seen, todo, files := map[string]bool{}, []string{"/", "/api/v1/export?what=findings&format=csv"}, 0
	for len(todo) > 0 {
		path := strings.ReplaceAll(todo[0], "&amp;", "&")
		todo = todo[1:]
		if kind := regexp.MustCompile(`[0-9a-f]{32}|\d+`).ReplaceAllString(path, "0"); seen[kind] || strings.HasPrefix(path, "/events") || strings.HasPrefix(path, "/static") {
			continue
		} else {
			seen[kind] = true
		}
		before := a.last()
		answer, text := a.send(http.MethodGet, path, "")
		if answer.Header.Get("Content-Disposition") == "" {
			for _, l := range links.FindAllStringSubmatch(text, -1) {
				todo = append(todo, l[1])
			}
			continue
		}
		files++
		if e := a.last(); e.Seq == before.Seq || !strings.Contains(e.Action, "export") {
			t.Errorf("%s: a file of %d bytes was handed out, and the newest line of the trail is %+v", path, len(text), e)
		}
	}
	if files < 5 {
		t.Errorf("%d files were found on %d pages", files, len(seen))
	}
}
