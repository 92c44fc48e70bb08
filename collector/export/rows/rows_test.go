package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"web-1":                          "web-1",
		"a, \"b\"":                       `a, "b"`,
		"=cmd|'/c calc'!A1":              "'=cmd|'/c calc'!A1",
		"+1":                             "'+1",
		"-2+3":                           "'-2+3",
		"@SUM(A1)":                       "'@SUM(A1)",
		"\t=1":                           `'\t=1`,
		"\r=1":                           `'\r=1`,
		"  =1":                           "'  =1",
		"\u00a0=1":                       "'\u00a0=1",
		"＝1+1":                           "'＝1+1",
		"x;=1;-2; +3;y":                  "x;'=1;'-2;' +3;y",
		"line\nline":                     `line\nline`,
		"\u202eevil":                     `\u202eevil`,
		"\x1b[31mred":                    `\x1b[31mred`,
		"1 of 2":                         "1 of 2",
		"\ufeff=1":                       `\ufeff=1`,
		"https://example.com/?a=1&b=+-@": "https://example.com/?a=1&b=+-@",
	} {
		if got := Cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	var b strings.Builder
	c, err := NewCSV(&b, "host", "what")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Row("web-1", "=1,\"x\"\r\nnext"); err != nil {
		t.Fatal(err)
	}
	if want := "\"host\",\"what\"\r\n\"web-1\",\"'=1,\"\"x\"\"\\r\\nnext\"\r\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	if err := c.Row("alone"); err == nil {
		t.Error("a short row is written")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteFails(t *testing.T) {
	if _, err := NewCSV(full{}, "a"); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("CSV: %v", err)
	}
	if err := Line(full{}, 1); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("JSON: %v", err)
	}
	if err := Line(io.Discard, func() {}); err == nil {
		t.Error("a function is JSON")
	}
}

func TestLine(t *testing.T) {
	in := map[string]string{"a": "\x1b[2J\u202e<b>&\U000e0041\u2028\u00e9\n\x7f"}
	var b bytes.Buffer
	if err := Line(&b, in); err != nil {
		t.Fatal(err)
	}
	if want := `{"a":"\u001b[2J\u202e<b>&\udb40\udc41\u2028` + "\u00e9" + `\n\u007f"}` + "\n"; b.String() != want {
		t.Errorf("%s, want %s", b.String(), want)
	}
	var out map[string]string
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Errorf("not what was written: %s", diff)
	}
}

// FuzzRow holds any two cells against a reader of CSV: as many cells come out, none of
// them begins as a formula does or has a control character, and JSON says the same as
// before.
func FuzzRow(f *testing.F) {
	f.Add("=1", "a;=2")
	f.Add("\"", "\x00\xff")
	f.Add("\u202e", "-\r\n\"\"")
	f.Fuzz(func(t *testing.T, a, b string) {
		var out bytes.Buffer
		c, err := NewCSV(&out, "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Row(a, b); err != nil {
			t.Fatal(err)
		}
		got, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(got) != 2 {
			t.Fatalf("%q, %v", got, err)
		}
		for _, cell := range got[1] {
			for _, part := range append([]string{cell}, strings.Split(cell, ";")...) {
				if trimmed := strings.TrimLeftFunc(part, unicode.IsSpace); trimmed != "" && strings.ContainsRune("=+-@", rune(trimmed[0])) {
					t.Errorf("%q is a formula", part)
				}
			}
			if strings.ContainsFunc(cell, unicode.IsControl) {
				t.Errorf("%q steers", cell)
			}
		}
		line, err := JSON([]string{a, b})
		if err != nil {
			t.Fatal(err)
		}
		var back []string
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatal(err)
		}
		plain := func(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\ufffd", "") }
		if len(back) != 2 || plain(back[0]) != plain(a) || plain(back[1]) != plain(b) {
			t.Errorf("%q, %q come back as %q", a, b, back)
		}
		if bytes.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%q steers", line)
		}
	})
}
