package nginxconf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

// show writes a tree one directive a line.
func show(list []Directive) string {
	var b strings.Builder
	var write func(list []Directive, indent string)
	write = func(list []Directive, indent string) {
		for i := range list {
			d := &list[i]
			fmt.Fprintf(&b, "%s%s %q %s:%d", indent, d.Name, d.Args, d.File, d.Line)
			if d.Block == nil {
				b.WriteString("\n")
				continue
			}
			b.WriteString(" {\n")
			write(d.Block, indent+"  ")
		}
	}
	write(list, "")
	return b.String()
}

func TestWords(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"# nothing", ""},
		{"user www;", "user [\"www\"] /n:1\n"},
		{"a 'b c' \"d;e\" f\\ g;", "a [\"b c\" \"d;e\" \"f\\\\ g\"] /n:1\n"},
		{"a \"q\\\"t\" x\\ty#z;", "a [\"q\\\"t\" \"x\\ty#z\"] /n:1\n"},
		{"a\n  b\n  c;\nd;", "a [\"b\" \"c\"] /n:1\nd [] /n:4\n"},
		{"a b{c;}d{}", "a [\"b\"] /n:1 {\n  c [] /n:1\nd [] /n:1 {\n"},
		{"set $x ${y}z{}", "set [\"$x\" \"${y}z\"] /n:1 {\n"},
		{"a \\${b;}", "a [\"\\\\$\"] /n:1 {\n  b [] /n:1\n"},
		{"if ($a = \"b\") {c;}", "if [\"($a\" \"=\" \"b\" \")\"] /n:1 {\n  c [] /n:1\n"},
		{"a b#c;", "a [\"b#c\"] /n:1\n"},
		{"a \"b\nc\";\nd;", "a [\"b\\nc\"] /n:1\nd [] /n:3\n"},
		{"content_by_lua_block {\n local x = \"}\" -- }\n y = { [[}]] } --[==[ } ]==]\n}\nd;", "content_by_lua_block [] /n:1 {\nd [] /n:5\n"},
	} {
		tree, err := Load(image.Of(t, map[string]string{"/n": tt.text}), "/n")
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, show(tree.Directives)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestRefused: nginx's words for what it refuses.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"a":                   `unexpected end of file, expecting ";" or "}" in /n:1`,
		"a;\nb {\nc;\n":       `unexpected end of file, expecting "}" in /n:4`,
		"}":                   `unexpected "}" in /n:1`,
		"a {\n;}":             `unexpected ";" in /n:2`,
		"{ }":                 `unexpected "{" in /n:1`,
		"a {\nb }":            `unexpected "}" in /n:2`,
		"a \"b\"c;":           `unexpected "c" in /n:1`,
		"a 'b":                `unexpected end of file, expecting ";" or "}" in /n:1`,
		"include a b;":        `invalid number of arguments in "include" directive in /n:1`,
		"x_by_lua_block { \"": `unexpected end of file, expecting "}" in /n:1`,
	} {
		tree, err := Load(image.Of(t, map[string]string{"/n": text}), "/n")
		var bad *Error
		if !errors.As(err, &bad) || err.Error() != want || tree.Directives != nil {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
