package automatic

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shipped = `[commands]
#  What kind of upgrade to perform:
upgrade_type = default
  apply_updates = no
apply_updates=yes # now
; a comment
[base]
excludepkgs = kernel*
	sudo

 lost
[broken
no option
`

func TestParse(t *testing.T) {
	want := []Option{
		{"commands", "upgrade_type", "default\napply_updates = no", 3},
		{"commands", "apply_updates", "yes # now", 5},
		{"base", "excludepkgs", "kernel*\nsudo", 8},
	}
	if d := cmp.Diff(want, Parse([]byte(shipped))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestBool(t *testing.T) {
	for s, want := range map[string][2]bool{"yes": {true, true}, "TRUE": {true, true}, "1": {true, true}, "on": {true, true},
		"No": {false, true}, "0": {false, true}, "false": {false, true}, "off": {false, true}, "": {}, "maybe": {}, "2": {}} {
		if yes, ok := Bool(s); yes != want[0] || ok != want[1] {
			t.Errorf("%q: %v, %v", s, yes, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(shipped))
	f.Add([]byte("[a\nb\n c\n=\nx = y\n  z\n\n w\n;\n]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := strings.Count(string(b), "\n") + 1
		for _, o := range Parse(b) {
			if o.Line < 1 || o.Line > lines || strings.Contains(o.Key, "\n") {
				t.Errorf("%+v", o)
			}
		}
	})
}
