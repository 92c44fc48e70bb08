package caddyfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"seawall/pkg/hostfs/image"
)

func load(t testing.TB, files map[string]string) (*Config, error) {
	t.Helper()
	return Load(image.Of(t, files), DefaultPath)
}

// real returns the files of testdata/caddy.txtar and what caddy adapt made of them.
func real(t testing.TB) (files map[string]string, adapted []byte) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/caddy.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range archive.Files[1:] {
		files["/"+f.Name] = string(f.Data)
	}
	return files, archive.Files[0].Data
}

// hosts collects the names of all "host" matchers.
func hosts(v any) []string {
	var out []string
	switch x := v.(type) {
	case map[string]any:
		for key, inner := range x {
			if list, ok := inner.([]any); ok && key == "host" {
				for _, h := range list {
					out = append(out, h.(string))
				}
				continue
			}
			out = append(out, hosts(inner)...)
		}
	case []any:
		for _, inner := range x {
			out = append(out, hosts(inner)...)
		}
	}
	return out
}

// TestReal finds the hosts that Caddy finds, and its words.
func TestReal(t *testing.T) {
	files, adapted := real(t)
	c, err := load(t, files)
	if err != nil {
		t.Fatal(err)
	}
	var parsed any
	if err := json.Unmarshal(adapted, &parsed); err != nil {
		t.Fatal(err)
	}
	want := hosts(parsed)
	var got []string
	for _, s := range c.Sites {
		for _, a := range s.Addresses {
			if a = strings.TrimPrefix(a, "http://"); !strings.HasPrefix(a, ":") {
				got = append(got, a)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts (-caddy +got):\n%s", diff)
	}
	if len(c.Options) != 2 || !slices.Equal(c.Options[0].Words, []string{"email", "admin@example.org"}) || c.Options[1].Line != 3 {
		t.Errorf("options: %+v", c.Options)
	}
	var words []string
	var collect func(list []Directive)
	collect = func(list []Directive) {
		for _, d := range list {
			words = append(words, d.Words...)
			collect(d.Block)
		}
	}
	for _, s := range c.Sites {
		collect(s.Directives)
	}
	for _, w := range []string{"max-age=31536000; includeSubDomains", "/srv/www", `b "q"`, `it's "quoted"`, "/tmp/t/k.pem", "tls1.3", "permanent"} {
		if !slices.Contains(words, w) {
			t.Errorf("%q is not among %q", w, words)
		}
	}
	if !slices.Contains(c.Watch, "/etc/caddy/sites/") {
		t.Errorf("watched: %q", c.Watch)
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"a\nb c # d\n":                  {"b", "c"},
		"a\nb \"c d\" `e \"f`":          {"b", "c d", `e "f`},
		"a\nb \"c\\\"d\" e#f":           {"b", `c"d`, "e#f"},
		"a\nb \\\n c":                   {"b", "c"},
		"a\nb <<X\n c }\n X\n":          {"b", "c }"},
		"a\nb {$N} {$N:x}y {$N:{$M:z}}": {"b", "", "xy", "z"},
		"a\nb \"c\nd\"":                 {"b", "c\nd"},
	} {
		c, err := load(t, map[string]string{DefaultPath: text})
		if err != nil || len(c.Sites) != 1 || !slices.Equal(c.Sites[0].Addresses, []string{"a"}) || len(c.Sites[0].Directives) != 1 {
			t.Errorf("%q: %v, %+v", text, err, c)
			continue
		}
		if d := c.Sites[0].Directives[0]; !slices.Equal(d.Words, want) || d.Line != 2 {
			t.Errorf("%q: got %q at %d", text, d.Words, d.Line)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"a {\n":       "/etc/caddy/Caddyfile:1 - Error during parsing: unexpected EOF",
		"a {\n}\n}\n": "/etc/caddy/Caddyfile:3 - Error during parsing: Unexpected '}' because no matching opening brace",
		"a { b }":     "/etc/caddy/Caddyfile:1 - Error during parsing: Unexpected '}' because no matching opening brace",
		"import none": "/etc/caddy/Caddyfile:1 - Error during parsing: File to import not found: none",
	} {
		_, err := load(t, map[string]string{DefaultPath: text})
		var bad *Error
		if !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("%q: got %v", text, err)
			continue
		}
		if file, line := bad.Place(); file != DefaultPath || line != bad.Line {
			t.Errorf("at %s:%d", file, line)
		}
	}
	for what, text := range map[string]string{
		"loop":       "import Caddyfile",
		"nesting":    strings.Repeat("a {\n", maxDepth+2),
		"directives": strings.Repeat("a\n", maxDirectives+1),
		"snippets":   "(a) {\n" + strings.Repeat("b\n", 1000) + "}\nx {\n" + strings.Repeat("import a\n", 200) + "}\n",
	} {
		if _, err := load(t, map[string]string{DefaultPath: text}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := load(t, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := real(f)
	for _, text := range files {
		f.Add(text)
	}
	f.Add("{\n}\na {\n\tb <<X\n`\\\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(t, map[string]string{DefaultPath: text})
		if err != nil {
			return
		}
		for _, s := range c.Sites {
			for _, d := range s.Directives {
				if len(d.Words) == 0 && d.Block == nil || d.Line < 1 || d.Line > strings.Count(text, "\n")+1 {
					t.Errorf("%q: %+v", text, d)
				}
			}
		}
	})
}
