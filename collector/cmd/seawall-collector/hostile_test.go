package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/account/tag"
	"seawall/collector/config"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

const (
	mark   = "zq7x"     // in every hostile value, as an element and as a header
	theirs = "outsider" // in every text of the host that the scoped user may not see
	ours   = fleet.HostID("01010101010101010101010101010101")
	other  = fleet.HostID("02020202020202020202020202020202")
	secret = "correct horse battery staple"
)

// values are what an attacker writes where a number, a name or an id is meant. Who may do
// nothing but read, or not even that, tries the first few.
func (v *guest) values() []string {
	all := []string{
		`"'></title></textarea></script><` + mark + ` on` + mark + `=1><script>` + mark + `()</script>`,
		"x\r\nX-" + mark + ": 1\r\n\r\n<" + mark + ">",
		"' OR '1'='1' --", "1); DROP TABLE host; --", "%' UNION SELECT name FROM sqlite_master --",
		"\u202egpj.exe\u2066\u200f", "a\x00b", "\xff\xfe\xc0\xaf", "../../../../etc/passwd", "//evil.example/" + mark, "javascript:" + mark + "()",
		"-1", "99999999999999999999", "1e309", "NaN", "0x7f", string(other), strings.Repeat("A", 7000), "{{.Form}}",
		"=cmd|' /C calc'!A0", "", "2026-02-30T25:61:61Z",
	}
	if v.name == "nobody" || v.name == "viewer" || v.name == "operator" {
		return all[:5]
	}
	return all
}

// fortress is the program as it runs, with a host that everybody sees and one that the
// user scoped may not, and an account of each kind.
type fortress struct {
	base  string
	token string // an administrator's, for the API
	door  string // the socket of deliveries
}

// openFortress starts the program with what it is told of a host of ours, and of one more for
// each of the texts.
func openFortress(t *testing.T, texts ...string) fortress {
	t.Helper()
	folder := t.TempDir()
	f := fortress{door: filepath.Join(folder, messageSocket)}
	f.fill(t, filepath.Join(folder, config.DatabaseFile), texts)
	sso := filepath.Join(folder, "oidc.yaml")
	text := "issuer: http://127.0.0.1:9/\nclient_id: seawall\nname: \"<" + mark + ">\"\nredirect: http://127.0.0.1:1/login/sso/back\n"
	if err := os.WriteFile(sso, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, folder, "--sso", sso, "--advertise", "collector.example.net:9443")
	f.base = strings.TrimSuffix(p.at.Dashboard, "/")
	f.tellRoutes(t)
	v := &guest{T: t, name: "admin", base: f.base, client: &http.Client{Timeout: time.Minute}, token: f.token}
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPut, "/api/v1/exports/siem", `{"name":"siem","enabled":false,"route":"hook","format":"ecs","what":["changes"]}`},
		{http.MethodPost, "/api/v1/waivers", `{"check":"ssh-root","host":"` + string(other) + `","owner":"` + theirs + `","reason":"` + theirs + `","expires":"` + time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339) + `"}`},
		{http.MethodPost, "/api/v1/waivers", `{"check":"ssh-root","host":"` + string(ours) + `","owner":"x","reason":"<` + mark + `>","expires":"` + time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339) + `"}`},
	} {
		if a := v.send(c.method, c.path, c.body, "application/json"); a.code/100 != 2 {
			t.Fatalf("%s %s: %d %s", c.method, c.path, a.code, a.body)
		}
	}
	return f
}

// tellRoutes says what a deliverer says of its routes.
func (f fortress) tellRoutes(t *testing.T) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", f.door)
	}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://desk/v1/routes", strings.NewReader(`[{"name":"hook","kind":"webhook"}]`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		t.Fatalf("telling routes: %s", answer.Status)
	}
}

func (f *fortress) fill(t *testing.T, name string, texts []string) {
	t.Helper()
	s, err := store.Open(t.Context(), name, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accounts := account.New(s, time.Now)
	for name, role := range map[string]account.Role{"admin": account.Admin, "operator": account.Operator, "viewer": account.Viewer, "scoped": account.Operator} {
		var scope []string
		if name == "scoped" {
			scope = []string{"team=ours"}
		}
		if err := accounts.Add(t.Context(), "setup", name, secret, role, scope); err != nil {
			t.Fatal(err)
		}
	}
	if f.token, _, err = apitoken.New(s, time.Now).Add(t.Context(), "setup", "admin", "crawl", account.Admin, nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	ids := []fleet.HostID{ours, other}
	for i := range texts {
		ids = append(ids, fleet.HostID(fmt.Sprintf("%032x", 0xaa00+i)))
	}
	err = s.Update(t.Context(), func(tx *membership.Tx) error {
		for i, id := range ids {
			m := fleet.Member{Host: id, Key: fleet.KeyHash{byte(i)}, Standing: fleet.Active, Since: now, Enrolled: now, Expires: now.AddDate(1, 0, 0)}
			if err := tx.PutMember(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, ours, "<"+mark+" on"+mark+"=1>", now)
	say(t, s, other, theirs, now)
	for i, text := range texts {
		say(t, s, ids[2+i], text, now)
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		if _, err := tag.Change(w, now, "setup", string(other), []string{theirs + "-tag"}, nil); err != nil {
			return err
		}
		_, err := tag.Change(w, now, "setup", string(ours), []string{"team=ours"}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// say has a host send one of each kind of record, with text in all of it.
func say(t *testing.T, s *store.Store, id fleet.HostID, text string, now time.Time) {
	t.Helper()
	cause := &finding.Cause{LoginUser: text, User: text, Exe: text, Command: text, Path: text, TTY: text, Operation: text, Time: now}
	host := finding.Host{Name: text, OS: text, OSID: "debian", OSVersion: "13", Kernel: text, Arch: "amd64", DropletID: text, Region: text, Tags: []string{text}, AgentVersion: text}
	results := []finding.Result{
		{Check: "ssh-root", Resource: text, Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: text, Expected: text, Cause: cause, Group: text,
			Evidence: []finding.Evidence{{File: text, Line: 1, Text: text}}},
		{Check: "patch-security-updates", Resource: text, Status: finding.StatusFail, Severity: finding.SeverityCritical, Actual: "1.0", Expected: "1.1 in " + text,
			Evidence: []finding.Evidence{{Text: "EVIL-2026:" + string(id[:2]) + " CVE-2026-" + string(id[28:]) + " " + text}}},
	}
	for i := range results {
		results[i].Time, results[i].Since = now, now
	}
	records := []finding.Record{
		{Heartbeat: &finding.Heartbeat{Host: host}},
		{State: &finding.StatePart{ID: 1, Parts: 1, Total: 2, Digest: finding.Digest(results), Results: results}},
		{Change: &finding.Change{Result: finding.Result{Check: "ssh-root", Resource: text, Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: text + " again", Cause: cause, Time: now}, Previous: finding.StatusFail}},
		{Detection: &finding.Detection{ID: "ab" + string(id[:2]), Rule: text[:min(len(text), 64)], Title: text, Severity: finding.SeverityHigh, Techniques: []string{"T1059.004"}, Description: text,
			FalsePositives: []string{text}, Count: 2, First: now, Last: now, Group: []string{text}}},
	}
	for i, lane := range []string{"health", "posture", "posture", "detection"} {
		records[i].Time = now
		payload, err := wire.Encode(records[i])
		if err != nil {
			t.Fatal(err)
		}
		d := fleet.Delivery{Lane: lane, Epoch: 1, Sequence: uint64(i + 1), Record: records[i], Payload: payload, Size: len(payload)}
		if err := s.Apply(t.Context(), id, []fleet.Delivery{d}, nil); err != nil {
			t.Fatalf("%s: %v", lane, err)
		}
	}
}

// TestHostile walks the whole program as it runs, as an administrator, and then writes
// hostile values into each parameter of each address and each field of each form, as
// everybody who there is. No answer is a failure of ours, carries what was sent as markup
// or as a header, or lacks the headers of all answers; and who may not see a host learns
// nothing of it and changes nothing of it, although he knows every address.
func TestHostile(t *testing.T) {
	f := openFortress(t)
	admin := f.visit(t, "admin")
	seen := admin.walk()
	routes := sourceRoutes(t)
	seen.addRoutes(routes)
	before := f.state(t)
	nobody := &guest{T: t, name: "nobody", base: f.base, client: newClient(t, "nobody")}
	for _, v := range []*guest{nobody, f.visit(t, "viewer"), f.visit(t, "scoped")} {
		v.attack(seen)
		if after := f.state(t); !bytes.Equal(before, after) {
			t.Errorf("%s changed what is not theirs:\n%s\nbecame\n%s", v.name, before, after)
		}
	}
	f.visit(t, "operator").attack(seen)
	admin.programs(f.token)
	admin.attack(seen) // who may revoke that token
	for _, pattern := range routes {
		if !seen.reached[pattern] && !apart(pattern) {
			t.Errorf("%s was never asked for", pattern)
		}
	}
	if n := len(seen.forms); n < 15 {
		t.Errorf("only %d forms were found", n)
	}
}

// state is what an outsider must not change.
func (f fortress) state(t *testing.T) []byte {
	t.Helper()
	v := &guest{T: t, name: "admin", base: f.base, client: newClient(t, "program"), token: f.token}
	var all bytes.Buffer
	for _, path := range []string{"/api/v1/hosts/" + string(other) + "/findings", "/api/v1/requests", "/api/v1/exports", "/api/v1/alerts/rules"} {
		a := v.send(http.MethodGet, path, "", "")
		if a.code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.code, a.body)
		}
		fmt.Fprintf(&all, "%s\n%s\n", path, a.body)
	}
	return all.Bytes()
}
