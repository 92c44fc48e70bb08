package ruleset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
)

// dir makes a host with files in audit.d.
func dir(t *testing.T, files map[string]string) hostfs.Root {
	t.Helper()
	top := t.TempDir()
	if err := os.MkdirAll(filepath.Join(top, Dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(top, Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(top)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestLoad(t *testing.T) {
	root := dir(t, map[string]string{
		"20-b.rules": "# nothing\n\n-w /srv -p wa -k shop\n-a never,exit -F arch=b64 -S openat -F uid=33\n",
		"10-a.rules": "-a always,exit -F arch=b64 -S mount -k mounts\n-w /srv -p wa\n",
		"README":     "not a rules file",
		"30-c.rules": strings.Join([]string{
			"-D", "-e 2", "-b 8192", "-a never,exclude -F msgtype=CWD", "-a always,exit -S nosuchcall",
			"-a never,filesystem -F fstype=tracefs", "-w relative", "-w /x -k seawall", "-w /x -k seawall-mine", "-w /y wa",
		}, "\n"),
	})
	s := Load(Drift, "", root, Dir)
	var got []string
	for _, r := range s.Rules {
		got = append(got, fmt.Sprintf("%s:%d %s %q", filepath.Base(r.File), r.Line, r.Text, r.Keys()))
	}
	for _, p := range s.Problems {
		got = append(got, p.String())
	}
	want := []string{
		`10-a.rules:1 -a always,exit -F arch=b64 -S mount -F key=mounts -F key=seawall-local ["mounts" "seawall-local"]`,
		`10-a.rules:2 -w /srv -p wa -k seawall-local ["seawall-local"]`,
		`20-b.rules:4 -a never,exit -F arch=b64 -S openat -F uid=33 -F key=seawall-local ["seawall-local"]`,
		`30-c.rules:9 -w /x -p rwxa -k seawall-mine ["seawall-mine"]`,
		"/etc/seawall/audit.d/20-b.rules:3: the same as /etc/seawall/audit.d/10-a.rules:2",
		"/etc/seawall/audit.d/30-c.rules:1: -D is no rule (-a, -A, -w): settings and deletions belong to /etc/audit/rules.d",
		"/etc/seawall/audit.d/30-c.rules:2: -e is no rule (-a, -A, -w): settings and deletions belong to /etc/audit/rules.d",
		"/etc/seawall/audit.d/30-c.rules:3: -b is no rule (-a, -A, -w): settings and deletions belong to /etc/audit/rules.d",
		"/etc/seawall/audit.d/30-c.rules:4: only rules of the list exit can be Seawall's own: others belong to /etc/audit/rules.d",
		"/etc/seawall/audit.d/30-c.rules:5: build audit rule: failed to add syscall 'nosuchcall': unknown syscall 'nosuchcall' for arch x86_64",
		"/etc/seawall/audit.d/30-c.rules:6: only rules of the list exit can be Seawall's own: others belong to /etc/audit/rules.d",
		"/etc/seawall/audit.d/30-c.rules:7: build audit rule: path must be absolute: relative",
		`/etc/seawall/audit.d/30-c.rules:8: the key "seawall" is that of the sensor's watches`,
		"/etc/seawall/audit.d/30-c.rules:10: parse audit rule: a word in it is neither an option nor an option's value",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestProfiles: every rule of the profiles is one, ours, and known by its key.
func TestProfiles(t *testing.T) {
	detect, err := os.ReadFile("../detect/rules/detect.rules")
	if err != nil {
		t.Fatal(err)
	}
	for profile, least := range map[string]int{Drift: 0, Detect: 20, CIS: 50} {
		s := Load(profile, string(detect), hostfs.Root{}, "/nonexistent")
		if len(s.Problems) > 0 || len(s.Rules) < least {
			t.Errorf("%s: %d rules, problems %v", profile, len(s.Rules), s.Problems)
		}
		for _, r := range s.Rules {
			if !r.Owned() {
				t.Errorf("%s:%d: %s is not ours", profile, r.Line, r.Text)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	var many strings.Builder
	for i := range maxRules + 10 {
		fmt.Fprintf(&many, "-w /srv/%d -p wa\n", i)
	}
	s := Load(Drift, "", dir(t, map[string]string{"many.rules": many.String()}), Dir)
	if len(s.Rules) != maxRules || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].String(), "more than") {
		t.Errorf("%d rules, %v", len(s.Rules), s.Problems)
	}
	if s := Load(Drift, "", dir(t, map[string]string{"d.rules": "\xff\x00 -w\n"}), Dir); len(s.Problems) != 1 {
		t.Errorf("%v", s.Problems)
	}
	root := dir(t, nil)
	if err := os.Mkdir(filepath.Join(root.Path(Dir), "x.rules"), 0o755); err != nil {
		t.Fatal(err)
	}
	if s := Load(Drift, "", root, Dir); len(s.Problems) != 1 || s.Problems[0].Line != 0 {
		t.Errorf("%v", s.Problems)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("-w /etc -p wa\n-a always,exit -F arch=b64 -S openat -k x\n-D\n")
	f.Add("-a never,exit -F a0&0x200 -k \"a b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		var s Set
		s.read("x", text, localKey)
		for _, r := range s.Rules {
			if !r.OfExit() || !r.Owned() {
				t.Errorf("%q is not ours: %s", text, r.Text)
			}
		}
	})
}
