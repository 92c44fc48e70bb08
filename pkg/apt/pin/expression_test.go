package pin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGlobsAgainstFnmatch asks fnmatch(3), through find -iname.
func TestGlobsAgainstFnmatch(t *testing.T) {
	dir := t.TempDir()
	names := []string{"ab", "b", "bb", "aab", "a*", "cb", "]b", "[a", "x[", "Ab", "a.c", "axc", "a]", "-b", "a{1}", "a", "(a)|b", "^a$", "xaxbxcx", "a\\b"}
	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"a*", "*b", "?b", "[ab]*", "[!a]*", "[^a]?", "a\\*", "[a-c]b", "[]a]b", "[a", "x[", "[[:alpha:]]b",
		"A*", "*", "a.c", "a[.]c", "[a\\]]b", "*a*b*c*", "a]", "[-a]b", "a{1}", "(a)|b", "^a$", "a[\\]b", "[&&a]b", "a\\\\b", ""} {
		out, err := exec.Command("find", dir, "-mindepth", "1", "-iname", pattern, "-printf", "%f\n").Output()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			want[strings.TrimSuffix(line, "\n")] = true
		}
		e := compile(pattern)
		for _, n := range names {
			if e.matches(n) != want[n] {
				t.Errorf("%q matches %q: %v, fnmatch says %v", pattern, n, !want[n], want[n])
			}
		}
	}
}

func TestExpressions(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"/^lib.*/", "libx", true}, {"/X/", "libx", true}, {"/(/", "(", false}, {"/", "/", true}, {"a/b*", "a/bc", true},
		{"*", "a/b\nc", true}, {strings.Repeat("a", maxPattern+1), strings.Repeat("a", maxPattern+1), false},
	} {
		e := compile(tt.pattern)
		if got := e.matches(tt.s); got != tt.want {
			t.Errorf("%.20q matches %.20q: %v", tt.pattern, tt.s, got)
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, p := range []string{"[!a-z]*", "/a(b|c)/", "[[:alpha:]-", "\\", "[a\\"} {
		f.Add(p, "name")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		e := compile(pattern)
		e.matches(name)
		if len(pattern) <= maxPattern && !strings.ContainsAny(pattern, `/*?[\`) && !e.matches(pattern) {
			t.Errorf("%q does not match itself", pattern)
		}
	})
}
