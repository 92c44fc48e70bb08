package checks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/sshd"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf/corpus"
)

// stage makes an image with a case's files as /etc/ssh, and sshd beside them.
func stage(t *testing.T, c *corpus.Case) fact.Env {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n",
		"etc/group":  "root:x:0:\nann:x:1000:\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ssh := filepath.Join(dir, "etc/ssh")
	if err := os.MkdirAll(ssh, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.Stage(ssh); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "usr/sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "usr/sbin/sshd"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: time.Now}
}

// TestCorpusWorst: on every configuration of the corpus the checks find the worst
// that the real sshd grants to any connection, and none passes where sshd refuses.
func TestCorpusWorst(t *testing.T) {
	p := load(t)
	list, err := corpus.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Run(c.Name, func(t *testing.T) {
			f := facts.Facts{SSHD: sshd.Read(context.Background(), stage(t, &c))}
			for id, want := range map[string]string{
				"ssh-permit-root-login":       c.WorstRootLogin,
				"ssh-password-authentication": c.WorstPassword,
			} {
				r := p.Evaluate(&f, time.Time{}, id)[0]
				value, _, _ := strings.Cut(r.Actual, " (")
				value, _, _ = strings.Cut(value, ",")
				switch {
				case want == "-" && r.Status != finding.StatusError && r.Status != finding.StatusUnknown:
					t.Errorf("%s: %s: %s, but sshd refuses", id, r.Status, r.Actual)
				case want == "-":
				case value != want || (r.Status == finding.StatusPass) != (want == "no"):
					t.Errorf("%s: %s: %s, want %s", id, r.Status, r.Actual, want)
				case r.Status == finding.StatusFail && len(r.Evidence) < 2:
					t.Errorf("%s: evidence %v, want a place and the connection", id, r.Evidence)
				}
			}
		})
	}
}
