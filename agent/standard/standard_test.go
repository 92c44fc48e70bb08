package standard

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/config"
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/system"
	"seawall/pkg/finding"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// own is a check of the tests' own, which fails.
const own = `family: mine
checks:
  - {id: mine-debian, title: t, severity: high, rationale: r, needs: [system], pass: system.id == "debian", actual: '${system.id}',
     expected: debian, remediation: f}
`

// waived covers its failure.
const waived = "waivers: [{check: mine-debian, owner: ann, reason: we move, expires: 2026-12-31}]"

// tree writes files below a new directory and returns its configuration.
func tree(t *testing.T, files map[string]string) (string, config.Config) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, config.Config{ChecksDir: filepath.Join(dir, "checks.d"), WaiversDir: filepath.Join(dir, "waivers.d"),
		TagsFile: filepath.Join(dir, "tags"), Profile: "baseline"}
}

// judge says what a host of Ubuntu gets.
func judge(t *testing.T, s *Standard, at time.Time) string {
	t.Helper()
	f := facts.Facts{System: system.Facts{Meta: fact.Meta{State: fact.StateKnown}, ID: "ubuntu"}}
	var got []string
	for _, r := range s.Evaluate(&f, at, s.ForGroups("system")) {
		if strings.HasPrefix(r.Check, "mine-") {
			got = append(got, fmt.Sprint(r.Check, " ", r.Status, " ", r.Severity, " ", len(r.Evidence)))
		}
	}
	return strings.Join(got, "; ")
}

func TestStandard(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":  {nil, ""},
		"own":      {map[string]string{"checks.d/a.yaml": own, "checks.d/b.txt": "[", "checks.d/.c.yaml": "["}, "mine-debian fail high 0"},
		"waived":   {map[string]string{"checks.d/a.yaml": own, "waivers.d/w.yaml": waived}, "mine-debian waived high 1"},
		"graded":   {map[string]string{"checks.d/a.yaml": own, "checks.d/b.yaml": "overrides: [{check: mine, severity: low, reason: r}]"}, "mine-debian fail low 0"},
		"disabled": {map[string]string{"checks.d/a.yaml": own, "checks.d/b.yaml": "overrides: [{check: mine, disable: true, reason: r}]", "waivers.d/w.yaml": waived}, ""},
		"for a tag": {map[string]string{"checks.d/a.yaml": own, "tags": "web # public\n\ndb\n",
			"checks.d/b.yaml": "overrides: [{check: mine, severity: low, hosts: [db], reason: r}]"}, "mine-debian fail low 0"},
		"another profile": {map[string]string{"checks.d/a.yaml": strings.Replace(own, "needs:", "profiles: [image], needs:", 1)}, ""},
	} {
		_, c := tree(t, tt.files)
		s, err := Load(facts.Facts{}, c, now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := judge(t, s, now); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
		if got := s.Evaluate(&facts.Facts{}, now, nil); got != nil {
			t.Errorf("%s: %d results of no check", name, len(got))
		}
	}
}

func TestLoadProblems(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a check":   {map[string]string{"checks.d/a.yaml": strings.Replace(own, "system.id ==", "system.idd ==", 1)}, "a.yaml:3:"},
		"a waiver":  {map[string]string{"waivers.d/w.yaml": waived}, `no check is called "mine-debian"`},
		"a tag":     {map[string]string{"tags": "web\nDB\n"}, `tags:2: "DB" is no tag`},
		"many tags": {map[string]string{"tags": strings.Repeat("x\n", maxTags+1)}, "more than 64 tags"},
		"large":     {map[string]string{"checks.d/a.yaml": strings.Repeat("#", maxSize+1)}, "a.yaml"},
	} {
		_, c := tree(t, tt.files)
		if _, err := Load(facts.Facts{}, c, now); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	_, c := tree(t, nil)
	c.Profile = "basline"
	if _, err := Load(facts.Facts{}, c, now); err == nil || !strings.Contains(err.Error(), `did you mean "baseline"?`) {
		t.Errorf("got %v", err)
	}
}

// TestReadHostile: what is no file is an error at once, not a wait.
func TestReadHostile(t *testing.T) {
	dir, c := tree(t, map[string]string{"checks.d/a.yaml": own})
	if err := unix.Mkfifo(filepath.Join(dir, "checks.d/b.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(facts.Facts{}, c, now); err == nil || !strings.Contains(err.Error(), "b.yaml") {
		t.Errorf("got %v", err)
	}
	many := map[string]string{}
	for i := range maxFiles + 1 {
		many[fmt.Sprintf("%d.yaml", i)] = ""
	}
	dir, _ = tree(t, many)
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "more than 256 files") {
		t.Errorf("got %v", err)
	}
}

// TestRefresh: waivers may come, go and be wrong while the sensor runs.
func TestRefresh(t *testing.T) {
	dir, c := tree(t, map[string]string{"checks.d/a.yaml": own, "waivers.d/README": "x"})
	s, err := Load(facts.Facts{}, c, now)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "waivers.d/w.yaml")
	for _, tt := range []struct {
		text, want string
		wrong      bool
	}{
		{"", "mine-debian fail high 0", false}, {waived, "mine-debian waived high 1", false}, {"[", "mine-debian waived high 1", true},
		{"waivers: []", "mine-debian fail high 0", false},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Refresh(now); (err != nil) != tt.wrong {
			t.Errorf("%q: %v", tt.text, err)
		}
		if got := judge(t, s, now); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := s.Files(); len(got) != 1 || !s.Affected(file) || s.Affected(dir) || s.Affected("/etc/passwd") {
		t.Errorf("watched: %v", got)
	}
}

// TestChoose: the profile is what is chosen without names, and its text what is told.
func TestChoose(t *testing.T) {
	_, c := tree(t, map[string]string{"checks.d/a.yaml": own + "profile: {name: only, checks: [mine]}\n"})
	c.Profile = "only"
	s, err := Load(facts.Facts{}, c, now)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := s.Choose()
	if pack := s.Pack("debian"); err != nil || fmt.Sprint(ids) != "[mine-debian]" || len(pack) != 1 || pack[0].Severity != finding.SeverityHigh {
		t.Errorf("got %v, %v, %+v", ids, err, pack)
	}
	if ids, err := s.Choose("ssh-ciphers"); err != nil || len(ids) != 1 {
		t.Errorf("a check by its name: %v, %v", ids, err)
	}
	if _, err := s.Choose("ssh"); err == nil || !strings.Contains(err.Error(), "no check of the family ssh is in the profile only") {
		t.Errorf("got %v", err)
	}
}
