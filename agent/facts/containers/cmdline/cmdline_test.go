package cmdline

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	env := map[string]string{"A": "-x 'b c'", "B": "v"}
	got, more := Expand(Split(`/bin/d -H "a b" $A --q=${B}${NONE} $$x ${B`), env)
	want := []string{"/bin/d", "-H", "a b", "-x", "b c", "--q=v", "$$x", "${B"}
	if diff := cmp.Diff(want, got); diff != "" || more {
		t.Error(diff, more)
	}
	var flags []string
	all, _ := Parse([]string{"-Hfd://", "--icc", "--tls", "x", "--log-level", "info", "-s", "vfs", "--last"}, " icc tls ")
	for _, f := range all {
		flags = append(flags, f.Name+"="+f.Value)
	}
	if diff := cmp.Diff([]string{"H=fd://", "icc=", "tls=", "log-level=info", "s=vfs", "last="}, flags); diff != "" {
		t.Error(diff)
	}
}

// TestBounds: what is not read is told.
func TestBounds(t *testing.T) {
	for _, n := range []int{maxFlags, maxFlags + 1} {
		if all, more := Parse(append(slices.Repeat([]string{"-x"}, n), "word"), ""); len(all) != maxFlags || more != (n > maxFlags) {
			t.Errorf("%d flags: %d, more: %v", n, len(all), more)
		}
		if _, more := Expand([]string{strings.Repeat("${B}", n), "x"}, map[string]string{"B": "v"}); more != (n > maxFlags) {
			t.Errorf("%d variables: more: %v", n, more)
		}
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
		words, _ := Expand(Split(line), map[string]string{"A": value, "B": "b"})
		all, _ := Parse(words, " icc ")
		for _, flag := range all {
			if flag.Name == "" && !strings.HasPrefix(flag.Raw, "-") || len(flag.Raw) > maxName {
				t.Errorf("%q: %+v", line, flag)
			}
		}
	})
}
