package cmdline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	env := map[string]string{"A": "-x 'b c'", "B": "v"}
	got := Expand(Split(`/bin/d -H "a b" $A --q=${B}${NONE} $$x ${B`), env)
	want := []string{"/bin/d", "-H", "a b", "-x", "b c", "--q=v", "$$x", "${B"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var flags []string
	for _, f := range Parse([]string{"-Hfd://", "--icc", "--tls", "x", "--log-level", "info", "-s", "vfs", "--last"}, " icc tls ") {
		flags = append(flags, f.Name+"="+f.Value)
	}
	if diff := cmp.Diff([]string{"H=fd://", "icc=", "tls=", "log-level=info", "s=vfs", "last="}, flags); diff != "" {
		t.Error(diff)
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{`"a b"`: "a b", "'x'": "x", `"`: `"`, `"a'`: `"a'`, "": "", "plain": "plain"} {
		if got := Unquote(in); got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`/bin/d -H "a b" $A --q=${B}`, "-x 'b c'")
	f.Add("${${A}}", "${B}${B}")
	f.Fuzz(func(t *testing.T, line, value string) {
		words := Expand(Split(line), map[string]string{"A": value, "B": "b"})
		for _, flag := range Parse(words, " icc ") {
			if flag.Name == "" && !strings.HasPrefix(flag.Raw, "-") || len(flag.Raw) > maxName {
				t.Errorf("%q: %+v", line, flag)
			}
		}
	})
}
