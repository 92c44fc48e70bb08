package sudoers

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/pkg/hostfs/image"
)

func load(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Load(image.Of(t, map[string]string{"etc/sudoers": text}), "/etc/sudoers")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// corpus are files of rules, and what cvtsudoers -f sudoers of sudo 1.9.13p3 made of
// those that it took.
func corpus(t testing.TB) (names []string, files map[string]string) {
	t.Helper()
	packed, err := os.ReadFile("testdata/cvtsudoers.txtar.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for part := range strings.SplitSeq("\n"+string(text), "\n-- ") {
		if name, body, ok := strings.Cut(part, " --\n"); ok {
			names = append(names, name)
			files[name] = body + "\n"
		}
	}
	return names, files
}

const aliases = "User_Alias ADMINS = ann\nCmnd_Alias LS = /bin/ls\nHost_Alias WEB = w\nRunas_Alias DB = db\n"

// TestCvtsudoers: what sudo takes we take, what it refuses we refuse, and what it
// writes out again means to us what the original did.
func TestCvtsudoers(t *testing.T) {
	names, files := corpus(t)
	if len(names) < 1000 {
		t.Fatalf("%d files", len(names))
	}
	for _, name := range names {
		number, kind, _ := strings.Cut(name, ".")
		if kind == "out" {
			continue
		}
		got := load(t, aliases+files[name])
		if (len(got.Errors) > 0) != (kind == "bad") {
			t.Errorf("%s: %s\nerrors %+v", name, files[name], got.Errors)
			continue
		}
		if kind == "bad" {
			continue
		}
		want := load(t, files[number+".out"])
		if len(want.Errors) > 0 {
			t.Errorf("%s.out: %+v", number, want.Errors)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(Place{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s\n(-sudo's +ours)\n%s", name, files[name], diff)
		}
	}
}
