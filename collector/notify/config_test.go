package notify

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/scripts/receivers"
)

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": "0123456789abcdef", "whsec": "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "short": "x", "bad64": "whsec_%",
		"headers": "Authorization: Bearer T\nX-A: b\n", "noheaders": "nothing here", "empty": " \n", "url": "https://hooks.example.net/T/SECRET\n"} {
		receivers.Write(t, filepath.Join(dir, name), 0o640, text)
	}
	receivers.Write(t, filepath.Join(dir, "open"), 0o644, "0123456789abcdef")
	// Whatever the mask of this process says.
	if err := os.Chmod(filepath.Join(dir, "open"), 0o644); err != nil {
		t.Fatal(err)
	}
	receivers.Write(t, filepath.Join(dir, "nocert"), 0o644, "no certificate")
	return dir
}

func TestParse(t *testing.T) {
	dir := folder(t)
	routes, err := parse([]byte(`dashboard: https://d.example.net/
routes:
  - {name: mail, email: {server: "m:25", tls: none, from: a@b, to: [c@d, e@f]}}
  - {name: hook, webhook: {url: "https://h/path", secret_file: whsec, headers_file: headers}}
  - {name: chat, slack: {url_file: url}}
  - {name: pager, pagerduty: {key_file: secret}}
  - {name: local, syslog: {to: "unix:///dev/log", facility: 4}}
  - {name: logs, otlp: {url: "http://o:4318/v1/logs", headers_file: headers}}
`), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []alert.Route
	for _, r := range routes {
		got = append(got, r.Route)
	}
	want := []alert.Route{{Name: "mail", Kind: "email", To: "m:25 → c@d, e@f"}, {Name: "hook", Kind: "webhook", To: "https://h"},
		{Name: "chat", Kind: "slack", To: "https://hooks.example.net"}, {Name: "pager", Kind: "pagerduty", To: "https://events.pagerduty.com"},
		{Name: "local", Kind: "syslog", To: "unix:///dev/log"}, {Name: "logs", Kind: "otlp", To: "http://o:4318"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if routes, err := parse(nil, dir); err != nil || len(routes) != 0 {
		t.Errorf("an empty file: %v, %v", routes, err)
	}
}

// TestWrong: each fault is said, with the route it is of, and no secret.
func TestWrong(t *testing.T) {
	dir := folder(t)
	for text, want := range map[string]string{
		`rout: []`:           "field rout not found",
		`dashboard: seawall`: "dashboard: not an address",
		`routes: [{name: "", slack: {url: "https://x"}}]`:                                                               "route 1: name",
		`routes: [{name: a}]`:                                                                                           "route a: exactly one of",
		`routes: [{name: a, slack: {url: "https://x"}, otlp: {url: "https://x"}}]`:                                      "exactly one of",
		`routes: [{name: a, slack: {url: "https://x"}}, {name: a, slack: {url: "https://x"}}]`:                          "route 2: name",
		`routes: [{name: a, slack: {url: "https://x", url_file: url}}]`:                                                 "url and url_file",
		`routes: [{name: a, slack: {url: "file:///x"}}]`:                                                                "route a: url: not an address",
		`routes: [{name: a, slack: {url: "https://x", secret_file: secret}}]`:                                           "slack has no",
		`routes: [{name: a, webhook: {url: "https://x", secret_file: open}}]`:                                           "everybody may read",
		`routes: [{name: a, webhook: {url: "https://x", secret_file: short}}]`:                                          "at least 16",
		`routes: [{name: a, webhook: {url: "https://x", secret_file: bad64}}]`:                                          "not base64",
		`routes: [{name: a, webhook: {url: "https://x", secret_file: empty}}]`:                                          "is empty",
		`routes: [{name: a, webhook: {url: "https://x", secret_file: none}}]`:                                           "no such file",
		`routes: [{name: a, webhook: {url: "https://x", headers_file: noheaders}}]`:                                     "Name: value",
		`routes: [{name: a, webhook: {url: "https://x", ca_file: nocert}}]`:                                             "no certificate",
		`routes: [{name: a, pagerduty: {}}]`:                                                                            "key_file: is missing",
		`routes: [{name: a, email: {server: m, from: a@b, to: [c@d]}}]`:                                                 "server: ",
		`routes: [{name: a, email: {server: "m:25", tls: maybe, from: a@b, to: [c@d]}}]`:                                "tls: ",
		`routes: [{name: a, email: {server: "m:25", tls: none, user: u, password_file: secret, from: a@b, to: [c@d]}}]`: "does not travel",
		`routes: [{name: a, email: {server: "m:25", from: a@b, to: []}}]`:                                               "at least one recipient",
		`routes: [{name: a, syslog: {to: "udp://x:514"}}]`:                                                              "to: tls://",
		`routes: [{name: a, syslog: {to: "tls://x"}}]`:                                                                  "to: ",
		`routes: [{name: a, syslog: {to: "unix://log"}}]`:                                                               "begins with /",
		`routes: [{name: a, syslog: {to: "tcp://x:1", facility: 24}}]`:                                                  "facility: 0 to 23",
		`routes: [{name: a, syslog: {to: "tls://x:1", cert_file: open, key_file: open}}]`:                               "cert_file: ",
	} {
		_, err := parse([]byte(text), dir)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "0123456789abcdef") {
			t.Errorf("%s\n: %v, want %q", text, err, want)
		}
	}
}

// TestCommand: --check prints routes without secrets, and a wrong file is a wrong
// configuration.
func TestCommand(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "routes.yaml")
	wrong := errors.New("wrong")
	run := func(text string) (string, error) {
		receivers.Write(t, file, 0o640, text)
		var out, log bytes.Buffer
		cmd := Command(&out, &log, func(err error) error { return errors.Join(wrong, err) })
		cmd.SetArgs([]string{"--check", "--routes", file})
		cmd.SetErr(&log)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	out, err := run(`routes: [{name: chat, slack: {url_file: url}}]`)
	if want := "ROUTE  KIND   TO\nchat   slack  https://hooks.example.net\n"; err != nil || out != want {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := run(`routes: [{name: chat}]`); !errors.Is(err, wrong) {
		t.Errorf("a wrong file: %v", err)
	}
}
