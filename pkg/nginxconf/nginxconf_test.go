package nginxconf

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

var update = flag.Bool("update", false, "write the golden file")

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

// TestRefused: the words of nginx 1.22 for what it refuses.
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

// debian returns the files of testdata/debian.txtar, and what nginx -T said of them.
func debian(t testing.TB) (files map[string]string, order []string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/debian.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range archive.Files[1:] {
		files["/"+f.Name] = string(f.Data)
	}
	return files, strings.Fields(string(archive.Files[0].Data))
}

// TestDebian reads the files that the real nginx reads, in its order, and keeps
// their words.
func TestDebian(t *testing.T) {
	files, order := debian(t)
	tree, err := Load(image.Of(t, files), DefaultPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order, tree.Files); diff != "" {
		t.Errorf("files (-nginx -T +got):\n%s", diff)
	}
	for _, dir := range []string{"/etc/nginx/sites-enabled/", "/etc/nginx/conf.d/more/", "/etc/nginx/modules-enabled/"} {
		if !slices.Contains(tree.Watch, dir) {
			t.Errorf("%s is not watched: %q", dir, tree.Watch)
		}
	}
	http := tree.All("http")[0]
	var shop *Directive
	servers := http.All("server")
	for i := range servers {
		if names := servers[i].All("server_name"); names[0].Args[0] == "shop.example.org" {
			shop = &servers[i]
		}
	}
	if shop == nil {
		t.Fatal("the site is not there")
	}
	got := show(shop.Block)
	if *update {
		if err := os.WriteFile("testdata/shop.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/shop.txt")
	if err != nil || got != string(want) {
		t.Errorf("%v, got:\n%s\nwant:\n%s", err, got, want)
	}
	if got := Inherited("ssl_protocols", &http, shop); len(got) != 1 || got[0].Args[0] != "TLSv1" {
		t.Errorf("inherited: %+v", got)
	}
	if got := Inherited("ssl_certificate", &http, shop); len(got) != 1 || got[0].File != "/etc/nginx/snippets/tls-pair.conf" {
		t.Errorf("own: %+v", got)
	}
	if got := Inherited("ssl_dhparam", &http, shop); got != nil {
		t.Errorf("nobody's: %+v", got)
	}
}

func TestIncludes(t *testing.T) {
	load := func(files map[string]string) (*Tree, error) { return Load(image.Of(t, files), "/etc/nginx/nginx.conf") }
	tree, err := load(map[string]string{"/etc/nginx/nginx.conf": "include sub/a;", "/etc/nginx/sub/a": "include b; x;", "/etc/nginx/b": "y;"})
	if err != nil || show(tree.Directives) != "y [] /etc/nginx/b:1\nx [] /etc/nginx/sub/a:1\n" {
		t.Errorf("names are relative to the first file: %v, %s", err, show(tree.Directives))
	}
	if _, err := load(map[string]string{"/etc/nginx/nginx.conf": "\ninclude b;"}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "include in /etc/nginx/nginx.conf:2") {
		t.Errorf("missing: %v", err)
	}
	if tree, err := load(map[string]string{"/etc/nginx/nginx.conf": "include none/*.conf;"}); err != nil || !slices.Contains(tree.Watch, "/etc/nginx/none/") {
		t.Errorf("a pattern may match nothing, and is watched: %v, %q", err, tree.Watch)
	}
	if _, err := load(map[string]string{"/etc/nginx/nginx.conf": "include nginx.conf;"}); !errors.Is(err, ErrLimit) {
		t.Errorf("loop: %v", err)
	}
	many := strings.Repeat("include b;", 10)
	if _, err := load(map[string]string{"/etc/nginx/nginx.conf": many, "/etc/nginx/b": strings.ReplaceAll(many, "b;", "c;"),
		"/etc/nginx/c": strings.ReplaceAll(many, "b;", "d;"), "/etc/nginx/d": strings.ReplaceAll(many, "b;", "e;"), "/etc/nginx/e": ""}); !errors.Is(err, ErrLimit) {
		t.Errorf("ten to the fourth files: %v", err)
	}
}

func TestLimits(t *testing.T) {
	for what, text := range map[string]string{
		"bytes":      strings.Repeat("#", maxBytes+1),
		"directives": strings.Repeat("a;", maxDirectives+1),
		"nesting":    strings.Repeat("a{", maxNesting+2),
	} {
		root := image.Of(t, map[string]string{"/n": text})
		if _, err := Load(root, "/n"); !errors.Is(err, ErrLimit) && !errors.Is(err, hostfs.ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root, "/n"); !errors.Is(err, hostfs.ErrNotRegular) {
		t.Errorf("a FIFO: %v", err)
	}
}

// write puts directives down as nginx would read them again.
func write(b *strings.Builder, list []Directive) {
	for _, d := range list {
		for _, w := range append([]string{d.Name}, d.Args...) {
			b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `" `)
		}
		if d.Block == nil {
			b.WriteString(";\n")
			continue
		}
		b.WriteString("{\n")
		write(b, d.Block)
		b.WriteString("}\n")
	}
}

// bare takes the places out.
func bare(list []Directive) []Directive {
	for i := range list {
		list[i].File, list[i].Line = "", 0
		bare(list[i].Block)
	}
	return list
}

// FuzzLoad: what was read is read again, when it is written down.
func FuzzLoad(f *testing.F) {
	files, order := debian(f)
	for _, name := range order {
		f.Add(files[name])
	}
	f.Add("x_by_lua_block { [==[ } ]==] '}' -- }\n}")
	f.Add("a ${b}\\\n{c \"d\\\"\";}")
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := Load(image.Of(t, map[string]string{"/n": text}), "/n")
		if err != nil {
			if len(tree.Directives) > 0 {
				t.Error("refused, and something is there")
			}
			return
		}
		var b strings.Builder
		write(&b, tree.Directives)
		if strings.Contains(b.String(), `_by_lua_block" `) || strings.Contains(b.String(), `"include" `) {
			return
		}
		again, err := Load(image.Of(t, map[string]string{"/n": b.String()}), "/n")
		if err != nil {
			t.Fatalf("%q written as %q: %v", text, b.String(), err)
		}
		if diff := cmp.Diff(bare(tree.Directives), bare(again.Directives)); diff != "" {
			t.Errorf("%q written as %q:\n%s", text, b.String(), diff)
		}
	})
}
