package pattern

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// show writes a pattern with its wildcards in brackets.
func show(list []Piece) string {
	var text strings.Builder
	for _, p := range list {
		if p.Wild != 0 {
			fmt.Fprintf(&text, "[%c]", p.Wild)
		}
		text.WriteString(p.Text)
	}
	return text.String()
}

func TestSplit(t *testing.T) {
	for text, want := range map[string]string{
		``: ``, `x`: `x`, `*`: `[*]`, `**`: `[*]`, `*?*`: `[*][?][*]`, `a*b?c`: `a[*]b[?]c`, `a**b`: `a[*]b`,
		`\`: `\`, `\\`: `\`, `\\\`: `\\`, `\\\\`: `\\`, `\x`: `\x`, `\*`: `*`, `\?`: `?`, `\\*`: `\[*]`, `\\\*`: `\*`, `C:\\Windows\*`: `C:\Windows*`,
	} {
		if got := show(Split(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"base64", "foobar", []string{"Zm9vYmFy"}},
		{"base64", "*", nil},
		{"base64", "", nil},
		{"base64offset", "foobar", []string{"Zm9vYmFy", "Zvb2Jhc", "mb29iYX"}},
		{"base64offset", "ab", []string{"YW", "Fi", "hY"}},
		{"base64offset", "a", nil},
		{"wide", "aé", []string{"a\x00\xe9\x00"}},
		{"utf16le", "😀", []string{"\x3d\xd8\x00\xde"}},
		{"utf16be", "a", []string{"\x00a"}},
		{"utf16", "a", []string{"\xff\xfea\x00"}},
		{"windash", "x", []string{"x"}},
		{"windash", "-", []string{"-"}},
		{"windash", "a-b -", []string{"a-b -"}},
		{"windash", "/q*", []string{"-q[*]", "/q[*]", "–q[*]", "—q[*]", "―q[*]"}},
		{"windash", "-a -b -c -d", nil},
	} {
		forms, err := Encode(tt.name, [][]Piece{Split(tt.text)})
		var got []string
		for _, form := range forms {
			got = append(got, show(form))
		}
		if !slices.Equal(got, tt.want) || (err != nil) != (tt.want == nil) {
			t.Errorf("%s of %q: %q, %v, want %q", tt.name, tt.text, got, err, tt.want)
		}
	}
	forms, err := Encode("windash", [][]Piece{Split(" -a /b —c")})
	if err != nil || len(forms) != 125 || show(forms[0]) != " -a -b -c" || show(forms[124]) != " ―a ―b ―c" {
		t.Errorf("%d forms, %v", len(forms), err)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"", []string{""}, []string{"x"}},
		{"*", []string{"", "x"}, nil},
		{"*?a*", []string{"xa", "xxa", "aa", "éa", "\xffa-"}, []string{"a", "xb", ""}},
		{"*a?b*", []string{"aaxb", "axaxb", "aébb"}, []string{"ab", "axx"}},
		{"*ab?*", []string{"aabx", "abab-"}, []string{"ab", "xab"}},
		{"?b*", []string{"ab", "éb", "bb"}, []string{"b", "aab"}},
		{"*?", []string{"a", "aé"}, []string{""}},
		{"a*?b", []string{"axb", "axxb", "abb"}, []string{"ab"}},
		{"*é??", []string{"éab", "aéé\xc3\xa9\xc3"}, []string{"éa", "éabc"}},
	} {
		p := Compile(Split(tt.pattern))
		for want, list := range map[bool][]string{true: tt.yes, false: tt.no} {
			for _, text := range list {
				if p.Match([]byte(text)) != want {
					t.Errorf("%s and %q: want %v", tt.pattern, text, want)
				}
			}
		}
	}
}

// expression is the pattern as a regular expression.
func expression(list []Piece) *regexp.Regexp {
	text := "(?s)^"
	for _, p := range list {
		switch p.Wild {
		case '*':
			text += ".*"
		case '?':
			text += "."
		default:
			text += regexp.QuoteMeta(p.Text)
		}
	}
	return regexp.MustCompile(text + "$")
}

func TestMatchAsExpression(t *testing.T) {
	words := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "é", "\xff", "\xc3", "€"}), 0, 6).Draw(t, "words"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"*", "?", "a", "b", "é", "ab", "\\"}), 0, 8).Draw(t, "pattern"), "")
		list := Split(text)
		p, re := Compile(list), expression(list)
		for range 10 {
			if v := words.Draw(t, "text"); p.Match([]byte(v)) != re.MatchString(v) {
				t.Fatalf("%s and %q: expression says %v", text, v, re.MatchString(v))
			}
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("*a?b*", "xxaéb")
	f.Add(`?\*?`, "\xff*\xfe")
	f.Add("a*a", "a")
	f.Fuzz(func(t *testing.T, text, value string) {
		if len(text) > 64 || len(value) > 1024 || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
			return // in an expression it stands for broken bytes too
		}
		list := Split(text)
		p := Compile(list)
		if got, want := p.Match([]byte(value)), expression(list).MatchString(value); got != want {
			t.Errorf("%q and %q: %v, want %v", text, value, got, want)
		}
	})
}
