package dovecotconf

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// real returns the files of testdata/dovecot.txtar and what doveconf said of them.
func real(t testing.TB) (files map[string]string, said string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/dovecot.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range archive.Files[1:] {
		files["/"+f.Name] = string(f.Data)
	}
	return files, string(archive.Files[0].Data)
}

// TestReal compares each setting that doveconf prints outside of blocks.
func TestReal(t *testing.T) {
	files, said := real(t)
	c, err := Load(image.Of(t, files), DefaultPath)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(said) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), " = ")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "#") {
			continue
		}
		seen++
		if got, _ := c.Get(key); got.Value != strings.Trim(value, `"`) {
			t.Errorf("%s: got %q, want %q", key, got.Value, value)
		}
	}
	if seen != 7 {
		t.Errorf("%d settings", seen)
	}
	ssl, _ := c.Get("ssl")
	if ssl.Line != 6 || ssl.File != DefaultPath {
		t.Errorf("ssl stands at %s:%d", ssl.File, ssl.Line)
	}
	i := slices.IndexFunc(c.Settings, func(s Setting) bool { return s.Name == "local_name" })
	block := c.Settings[i]
	if key, ok := Last(block.Block, "ssl_key"); block.Value != "mail.example.org" || !ok || key.Value != "</tmp/t/k.pem" || key.Line != 13 {
		t.Errorf("got %+v", block)
	}
	if _, ok := c.Get("ssl_cert"); ok {
		t.Error("what stands in a block counts outside")
	}
	for _, w := range []string{"/etc/dovecot/conf.d/", "/etc/dovecot/none/"} {
		if !slices.Contains(c.Watch, w) {
			t.Errorf("%s is not watched: %q", w, c.Watch)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"a\n":                   "/etc/dovecot/dovecot.conf line 1: Expecting '{'",
		"a = b\n}\n":            "/etc/dovecot/dovecot.conf line 2: Unexpected '}'",
		"service x {\n a = b\n": "/etc/dovecot/dovecot.conf line 2: Missing '}'",
		"!include none/*.conf":  "/etc/dovecot/dovecot.conf line 1: No matches",
	} {
		c, err := Load(image.Of(t, map[string]string{DefaultPath: text}), DefaultPath)
		var bad *Error
		if !errors.As(err, &bad) || err.Error() != want || c.Settings != nil {
			t.Errorf("%q: got %v", text, err)
			continue
		}
		if file, line := bad.Place(); file != bad.File || line != bad.Line {
			t.Errorf("at %s:%d", file, line)
		}
	}
	for what, files := range map[string]map[string]string{
		"loop":     {DefaultPath: "!include dovecot.conf"},
		"nesting":  {DefaultPath: strings.Repeat("a {\n", maxDepth+2)},
		"settings": {DefaultPath: strings.Repeat("a=b\n", maxSettings+1)},
		"bytes":    {DefaultPath: "!include a\n!include b\n", "/etc/dovecot/a": strings.Repeat("#", maxBytes), "/etc/dovecot/b": "#"},
	} {
		if _, err := Load(image.Of(t, files), DefaultPath); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Load(image.Of(t, map[string]string{DefaultPath: strings.Repeat("#", maxBytes+1)}), DefaultPath); !errors.Is(err, hostfs.ErrTooLarge) {
		t.Errorf("one file: %v", err)
	}
	if _, err := Load(image.Of(t, nil), DefaultPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := real(f)
	for _, text := range files {
		f.Add(text)
	}
	f.Add("a { b\n}\nc = \"d \\\" # e\" # f\n\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(image.Of(t, map[string]string{DefaultPath: text}), DefaultPath)
		if err != nil {
			return
		}
		for _, s := range c.Settings {
			if s.Line < 1 || s.Line > strings.Count(text, "\n")+1 || strings.Contains(s.Value, "\n") {
				t.Errorf("%q: %+v", text, s)
			}
		}
	})
}
