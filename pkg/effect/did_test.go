package effect

import (
	"path"
	"testing"

	"seawall/pkg/audit"
)

// TestDidAgrees: one path at a time says what Changes says, on all of the capture.
func TestDidAgrees(t *testing.T) {
	n := 0
	capture(t, func(e *audit.Event) {
		want := map[Change]bool{}
		for _, c := range Changes(e) {
			want[Change{Path: c.Path, Operation: c.Operation, Relative: c.Relative}] = true
		}
		for i := range e.Paths {
			op := Did(e, i)
			if op == "" {
				continue
			}
			name, absolute := AppendName([]byte("before"), e, i)
			c := Change{Path: string(name[len("before"):]), Operation: op, Relative: !absolute}
			if !absolute && c.Path != "" {
				c.Path = path.Clean(c.Path)
			}
			if n++; !want[c] && len(want) < maxChanges {
				t.Errorf("%d: %+v is none of %v", e.Serial, c, want)
			}
			delete(want, c)
		}
		if len(want) != 0 && !e.Partial {
			for c := range want {
				t.Errorf("%d: %+v was not told", e.Serial, c)
			}
		}
	})
	if n < 10 {
		t.Errorf("%d changes in the capture", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"/", "//", "/a/../..//b/./c/", "/..", "/a/.b/..c", "/a/.", "/."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || s[0] != '/' {
			s = "/" + s
		}
		if got := string(clean([]byte("xy"+s), 2)); got != "xy"+path.Clean(s) {
			t.Errorf("%q: got %q, want %q", s, got, path.Clean(s))
		}
	})
}
