package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Hostile bytes, each of which did harm somewhere.
const (
	screen = "a\x1b[2J\x1b]0;title\a\u009b2Jb" // clears the screen, names the window
	line   = "a\nlevel=ERROR\r\u2028\u2029\u0085b"
	order  = "a\u202e\u2066b\u200f\u061c\ufeff"
	hidden = "a\u200bb\u00ad\u2060\U000e0041\ufff9"
	broken = "a\xff\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80\xe2\x82b\ufffd"
)

func seeds() []string {
	return []string{"", "plain", "Grüße, 世界 🙂", screen, line, order, hidden, broken, strings.Repeat("\xff", 50), strings.Repeat("€", 50), `\x1b`, "\x00"}
}

func TestClean(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 10, ""},
		{"exactly te", 10, "exactly te"},
		{"exactly ten", 10, "exactly…"},
		{"a\xffb", 10, `a\xffb`},
		{"\xff\xff", 8, `\xff\xff`},
		{"exactly twelve", 14, "exactly twelve"},
		{"exactly twelve.", 14, "exactly twe…"},
		{"\xff\xff", 7, `\xff…`}, // an escape is never cut
		{"€€€", 9, "€€€"},
		{"€€€x", 9, "€€…"}, // nor a character
		{"\ufffd", 3, "\ufffd"},
		{"abcd", 3, "…"},
		{"abcd", 0, "…"},
		{"abcd", -1, "…"},
		{"a\x1b\n", 10, "a\x1b\n"}, // escaping is the printer's
		{broken, 100, `a\xff\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80\xe2\x82b` + "\ufffd"},
	} {
		if got := Clean(tt.in, tt.limit); got != tt.want {
			t.Errorf("Clean(%q, %d): got %q, want %q", tt.in, tt.limit, got, tt.want)
		}
		if got := Clean([]byte(tt.in), tt.limit); got != tt.want {
			t.Errorf("Clean of the bytes of %q, %d: got %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

// TestCleanLong: the work is bounded by the limit, not by what a host sends.
func TestCleanLong(t *testing.T) {
	in := []byte(strings.Repeat("\xffx€", 16<<20))
	n := testing.AllocsPerRun(3, func() {
		if got := Clean(in, Limit); len(got) > Limit || !strings.HasSuffix(got, "…") {
			t.Errorf("got %d bytes", len(got))
		}
	})
	if n > 2*Limit {
		t.Errorf("%v allocations", n)
	}
}

func TestTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"Grüße, 世界 🙂 ´`\\'": "Grüße, 世界 🙂 ´`\\'",
		screen:              `a\x1b[2J\x1b]0;title\a\u009b2Jb`,
		line:                `a\nlevel=ERROR\r\u2028\u2029\u0085b`,
		order:               `a\u202e\u2066b\u200f\u061c\ufeff`,
		hidden:              `a\u200bb\u00ad\u2060\U000e0041\ufff9`,
		"\x00\t\x7f":        `\x00\t\x7f`,
		"a\xff\ufffd":       `a\xff` + "\ufffd", // the character itself is harmless
	} {
		if got := Terminal(in); got != want {
			t.Errorf("Terminal(%q)\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range seeds() {
		for _, limit := range []int{0, 3, 10, Limit} {
			f.Add(s, limit)
		}
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := Clean(s, limit)
		if !utf8.ValidString(got) || len(got) > max(limit, len("…")) {
			t.Errorf("%d bytes to %d: got %q", len(s), limit, got)
		}
		if utf8.ValidString(s) && len(s) <= limit && got != s {
			t.Errorf("%q needs no cleaning, got %q", s, got)
		}
		if again := Clean(got, limit); again != got {
			t.Errorf("cleaned again: %q, once %q", again, got)
		}
		if got != Clean([]byte(s), limit) {
			t.Error("bytes and string differ")
		}
	})
}

func FuzzTerminal(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Terminal(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q gives invalid %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
				t.Errorf("%q keeps %q", s, r)
			}
		}
		if again := Terminal(got); again != got {
			t.Errorf("escaped again: %q, once %q", again, got)
		}
		if len(got) > 10*len(s) {
			t.Errorf("%d bytes became %d", len(s), len(got))
		}
	})
}

// TestSeeds: the fuzz targets begin with what is known to do harm.
func TestSeeds(t *testing.T) {
	all := strings.Join(seeds(), "")
	for _, want := range []string{"\x1b", "\n", "\r", "\a", "\u009b", "\u202e", "\u2028", "\u200b", "\xff", "\x00"} {
		if !strings.Contains(all, want) {
			t.Errorf("no seed has %q", want)
		}
	}
}
