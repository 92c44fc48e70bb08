package haproxyconf

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                   nil,
		"# x":                                nil,
		"bind :443 ssl # why":                {"bind", ":443", "ssl"},
		"a\t b\\ c \\# \\\\":                 {"a", "b c", "#", `\`},
		`a "b c" 'd \ e' "f\"g" x"y z"w`:     {"a", "b c", `d \ e`, `f"g`, "xy zw"},
		`a "" ''`:                            {"a", "", ""},
		`http-request set-header X "%[src]"`: {"http-request", "set-header", "X", "%[src]"},
	} {
		got, ok := Split(text + "\n")
		if !ok || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{`a "b`, `a 'b`} {
		if got, ok := Split(text); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func load(t testing.TB, text string) (*Config, error) {
	t.Helper()
	return Load(image.Of(t, map[string]string{DefaultPath: text}), DefaultPath)
}

// TestDebian reads the file that Debian installs, with a site.
func TestDebian(t *testing.T) {
	text, err := os.ReadFile("testdata/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Sections {
		got = append(got, strings.TrimSpace(s.Kind+" "+s.Name))
	}
	if diff := cmp.Diff([]string{"global", "defaults", "frontend web", "backend app"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	web := c.Sections[2]
	want := Line{[]string{"bind", ":443", "ssl", "crt", "/etc/haproxy/certs dir/", "alpn", "h2,http/1.1"}, DefaultPath, 38}
	if diff := cmp.Diff(want, web.Lines[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(c.Conditions) != 2 || c.Conditions[0].Words[0] != ".if" {
		t.Errorf("got %+v", c.Conditions)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"bind :80":           "parsing [/etc/haproxy/haproxy.cfg:1] : unknown keyword 'bind' out of section.",
		"global\n log \"x\n": "parsing [/etc/haproxy/haproxy.cfg:2] : unmatched quote",
	} {
		_, err := load(t, text)
		var bad *Error
		if !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("%q: got %v", text, err)
		}
		if file, line := bad.Place(); file != DefaultPath || line != strings.Count(text[:len(text)-1], "\n")+1 {
			t.Errorf("%q: at %s:%d", text, file, line)
		}
	}
	if _, err := load(t, strings.Repeat("\n", maxLines+1)); !errors.Is(err, ErrLimit) {
		t.Errorf("lines: %v", err)
	}
	if _, err := load(t, strings.Repeat("#", maxBytes+1)); !errors.Is(err, hostfs.ErrTooLarge) {
		t.Errorf("bytes: %v", err)
	}
	if _, err := Load(image.Of(t, nil), DefaultPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`bind :443 ssl crt "a b" # x`)
	f.Add("a\\ b 'c' \"")
	f.Fuzz(func(t *testing.T, text string) {
		words, ok := Split(text)
		if !ok || strings.ContainsAny(text, "\r\n") {
			return
		}
		// Written with everything that means something escaped, they are the same.
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, ok := Split(strings.Join(quoted, " "))
		if !ok || !slices.Equal(words, again) {
			t.Errorf("%q: %q, again %q", text, words, again)
		}
	})
}
