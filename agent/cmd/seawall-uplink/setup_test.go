package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/token"
	"seawall/pkg/trust"
	"seawall/pkg/unitctl"
)

// site is a machine to be set up, whose services do nothing.
type site struct {
	dir   string
	asked []unitctl.Plan
	fails error
}

func newSite(t *testing.T) *site {
	t.Helper()
	m := &site{dir: t.TempDir()}
	for _, name := range []string{"seawall-network.socket", "seawall-collector-ingest.socket", "seawall-sensor.service"} {
		m.write(t, name, "", 0o644)
	}
	return m
}

func (m *site) path(name string) string { return filepath.Join(m.dir, name) }

func (m *site) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(m.path(name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (m *site) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(m.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// setup runs the command and returns its exit code and its output.
func (m *site) setup(t *testing.T, stdin string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &out, unitDir: m.dir,
		units: func(_ context.Context, plan unitctl.Plan) error { m.asked = append(m.asked, plan); return m.fails }}
	args = append([]string{"setup", "--config", m.path("uplink.yaml"), "--state-dir", m.path("state"), "--spool", m.path("spool"), "--wait", "300ms"}, args...)
	code := p.main(t.Context(), args)
	if regexp.MustCompile(`seawall1_[A-Za-z0-9_-]{8}`).MatchString(out.String()) {
		t.Errorf("the token is shown: %s", &out)
	}
	return code, out.String()
}

// TestSetup writes the configuration, moves the token, starts the services, and says
// how far it came when nobody answers.
func TestSetup(t *testing.T) {
	m := newSite(t)
	secret := token.New(trust.Pin{1}).Text()
	m.write(t, "token", secret+"\n", 0o600)
	code, out := m.setup(t, "", "--collector", "c.example.net:9443", "--token-file", m.path("token"))
	if code != exitFailed || !strings.Contains(out, "seawall-uplink.service goes on") {
		t.Errorf("exit %d: %s", code, out)
	}
	if m.read(t, "uplink.yaml") != "collector: c.example.net:9443\n" || m.read(t, "state/token") != secret+"\n" {
		t.Errorf("%q, %q", m.read(t, "uplink.yaml"), m.read(t, "state/token"))
	}
	for name, mode := range map[string]os.FileMode{"state": 0o700, "state/token": 0o600, "uplink.yaml": 0o644} {
		if info, err := os.Stat(m.path(name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := os.Stat(m.path("token")); err == nil {
		t.Error("the token is still where it came from")
	}
	enable := []string{"seawall-sensor.service", "seawall-uplink.service", "seawall-network.socket"}
	want := []unitctl.Plan{{Enable: enable, Restart: enable[1:2], Start: enable[:1]}}
	if diff := cmp.Diff(want, m.asked); diff != "" {
		t.Error(diff)
	}
	// Again, with a new token: what runs is not restarted for it.
	m.asked = nil
	other := token.New(trust.Pin{2}).Text()
	if code, out := m.setup(t, other, "--collector", "c.example.net:9443", "--token-file", "-"); code != exitFailed || m.read(t, "state/token") != other+"\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	if diff := cmp.Diff([]unitctl.Plan{{Enable: enable, Start: enable[:2]}}, m.asked); diff != "" {
		t.Error(diff)
	}
}

// TestSetupRefuses changes nothing when what it is given is wrong.
func TestSetupRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"no collector": nil,
		"no address":   {"--collector", "nowhere"},
		"no token":     {"--collector", "c:1", "--token-file", "/nonexistent/token"},
		"half a token": {"--collector", "c:1", "--token-file", "-"},
	} {
		m := newSite(t)
		if code, out := m.setup(t, "seawall1"+"_abc", args...); code != exitConfig || m.asked != nil {
			t.Errorf("%s: exit %d: %s", name, code, out)
		}
		if _, err := os.Stat(m.path("uplink.yaml")); err == nil {
			t.Errorf("%s: the configuration is written", name)
		}
	}
	// A host of another collector stays there.
	m := newSite(t)
	if err := os.Mkdir(m.path("state"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.write(t, "uplink.yaml", "collector: old:1\n", 0o644)
	m.write(t, "state/enrolment.json", `{"phase": "enrolled"}`, 0o600)
	if code, out := m.setup(t, "", "--collector", "new:1"); code != exitConfig || !strings.Contains(out, "enrolled with old:1") || m.read(t, "uplink.yaml") != "collector: old:1\n" {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestSetupWithoutSystemd leaves everything as the service wants it.
func TestSetupWithoutSystemd(t *testing.T) {
	m := newSite(t)
	m.fails = unitctl.ErrNone
	code, out := m.setup(t, token.New(trust.Pin{}).Text(), "--collector", "c:1", "--token-file", "-")
	if code != exitFailed || !strings.Contains(out, "systemd does not run here") || !strings.HasPrefix(m.read(t, "state/token"), "seawall1_") {
		t.Errorf("exit %d: %s", code, out)
	}
	m.fails = errors.New("start seawall-uplink.service: failed: systemctl status seawall-uplink.service")
	if code, out := m.setup(t, "", "--collector", "c:1"); code != exitFailed || !strings.Contains(out, "systemctl status") {
		t.Errorf("exit %d: %s", code, out)
	}
}
