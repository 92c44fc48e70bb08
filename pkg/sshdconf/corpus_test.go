package sshdconf_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf"
	"seawall/pkg/sshdconf/corpus"
)

// stage makes a root with the case's files as /etc/ssh.
func stage(t *testing.T, c *corpus.Case) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	ssh := filepath.Join(dir, "etc", "ssh")
	if err := os.MkdirAll(ssh, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.Stage(ssh); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func cases(t testing.TB) []corpus.Case {
	t.Helper()
	list, err := corpus.Cases()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 100 {
		t.Fatalf("corpus has %d cases, want 100", len(list))
	}
	return list
}

// rootOnly is the group file of the machine that the truth was taken on, as far
// as the cases go.
func rootOnly(user string) []string {
	if user == "root" {
		return []string{"root"}
	}
	return nil
}

func dump(settings map[string]sshdconf.Value) map[string][]string {
	out := map[string][]string{}
	for keyword, v := range settings {
		out[keyword] = v.Values
	}
	return out
}

// The parser alone agrees with the real sshd on every case, keyword by keyword,
// with and without a connection, and in the words of its refusals.
func TestCorpus(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			root := stage(t, &c)
			config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Groups: rootOnly})
			if err != nil {
				// The connection is refused first, where both would be.
				if _, connErr := sshdconf.ParseConn(c.Spec, 902); connErr == nil {
					refused(t, err, c.Expected)
				}
				refused(t, err, c.Global)
				return
			}
			for spec, want := range map[string]corpus.Answer{c.Spec: c.Expected, "": c.Global} {
				agree(t, config, spec, want)
			}
		})
	}
}

func agree(t *testing.T, config *sshdconf.Config, spec string, want corpus.Answer) {
	t.Helper()
	conn, err := sshdconf.ParseConn(spec, 902)
	if err != nil {
		refused(t, err, want)
		return
	}
	settings, err := config.Effective(conn)
	if err != nil {
		refused(t, err, want)
		return
	}
	if want.Exit != 0 {
		t.Fatalf("-C %q: accepted; sshd exits %d: %q", spec, want.Exit, want.Stderr)
	}
	if diff := cmp.Diff(sshdconf.ParseDump(want.Stdout), dump(settings)); diff != "" {
		t.Errorf("-C %q: -sshd +parser\n%s", spec, diff)
	}
}

func refused(t *testing.T, err error, want corpus.Answer) {
	t.Helper()
	if want.Exit == 0 {
		t.Fatalf("refused, but sshd accepts: %v", err)
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want.Stderr) {
		t.Errorf("message\n got %q\nwant %q", got, want.Stderr)
	}
}

// OpenSSH 10.5 prints keywords in mixed case.
func TestParseDumpOfLaterRelease(t *testing.T) {
	for _, c := range cases(t) {
		settings := sshdconf.ParseDump(c.Later)
		if len(settings) == 0 {
			continue
		}
		for keyword := range maps.Keys(settings) {
			if keyword != strings.ToLower(keyword) {
				t.Fatalf("%s: keyword %q is not in lower case", c.Name, keyword)
			}
		}
		if len(settings["passwordauthentication"]) != 1 || len(settings["hostkey"]) == 0 {
			t.Errorf("%s: %v", c.Name, settings)
		}
	}
}
