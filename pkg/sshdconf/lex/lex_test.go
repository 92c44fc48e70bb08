package lex

import (
	"slices"
	"strings"
	"testing"
)

func TestKeyword(t *testing.T) {
	for line, want := range map[string][2]string{
		"Port 22":                {"Port", "22"},
		"Port=22":                {"Port", "22"},
		"Port = 22":              {"Port", "22"},
		"Port ==22":              {"Port", "=22"},
		"Port\t22 \f":            {"Port", "22"},
		`"Port" 22`:              {"Port", "22"},
		`"Port 22`:               {"", ""},
		"=Port 22":               {"Port", "22"},
		"Port":                   {"Port", ""},
		"# Port 22":              {"", ""},
		"#Port 22":               {"", ""},
		"":                       {"", ""},
		"\f":                     {"\f", ""},
		"ForceCommand a=b \"c\"": {"ForceCommand", `a=b "c"`},
	} {
		if word, rest := Keyword(line); word != want[0] || word != "" && rest != want[1] {
			t.Errorf("Keyword(%q) = %q, %q; want %q", line, word, rest, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"a b\tc":           {"a", "b", "c"},
		"a # b":            {"a"},
		"a#b":              {"a#b"},
		`"a b" 'c d'`:      {"a b", "c d"},
		`a"b c"d`:          {"ab cd"},
		`a\ b \"c\" \\ \x`: {"a b", `"c"`, `\`, `\x`},
		`"a\ b"`:           {`a\ b`},
		`""`:               {""},
		"a\rb":             {"a\rb"},
		"":                 nil,
	} {
		if got, ok := Split(text); !ok || !slices.Equal(got, want) {
			t.Errorf("Split(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{`"a`, `a 'b`, `"a'`} {
		if got, ok := Split(text); ok {
			t.Errorf("Split(%q) = %q", text, got)
		}
	}
}

func TestLines(t *testing.T) {
	got := Lines(" a\nb\x00x\n\tc\r\n\nd")
	want := []Line{{1, "a", " a"}, {2, "bc\r", "b\x00x"}, {4, "", ""}, {5, "d", "d"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a b", `"a`, `\`, "#", `'"'"`, "a=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args, _ := Split(text)
		n := 0
		for _, a := range args {
			n += len(a)
		}
		if n > len(text) {
			t.Errorf("%d bytes out of %d", n, len(text))
		}
		word, rest := Keyword(text)
		if len(word)+len(rest) > len(text) || strings.ContainsAny(word, " \t\n=\"") && !strings.Contains(text, `"`) {
			t.Errorf("keyword %q, rest %q", word, rest)
		}
	})
}
