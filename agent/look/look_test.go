package look

import (
	"slices"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"", 5, ""},
		{"a b c", 5, "a b c"},
		{"a b c d", 5, "a b c\nd"},
		{"  a \n b\t", 5, "a b"},
		{"longerthan a", 5, "longerthan\na"},
		{"ää öö üü", 5, "ää öö\nüü"},
		{"a", 0, "a"},
	} {
		if got := Wrap(tt.in, tt.width); got != tt.want {
			t.Errorf("%q to %d: got %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 3, "äö…"}, {"abc", 1, "…"}, {"abc", 0, "abc"}, {"abc", -5, "abc"}, {"", 3, ""},
	} {
		if got := Cut(tt.in, tt.width); got != tt.want {
			t.Errorf("%q to %d: got %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		width, used int
		want        []string
	}{
		{0, 0, []string{"one two three four five six"}},
		{40, 0, []string{"one two three four five six"}},
		{40, 19, []string{"one two three four", "five six"}},
		{40, 21, []string{"one two three four five six"}}, // too narrow to break well
		{30, 3, []string{"one two three four five six"}},
		{20, 0, []string{"one two three four", "five six"}},
	} {
		o := Options{Width: tt.width}
		if got := o.Fit("one two three four five six", tt.used); !slices.Equal(got, tt.want) {
			t.Errorf("width %d, used %d: got %q, want %q", tt.width, tt.used, got, tt.want)
		}
	}
}

func TestPaint(t *testing.T) {
	for _, c := range []Color{Bold, Dim, Red, Green, Yellow, Cyan} {
		if got := (Options{}).Paint(c, "x"); got != "x" {
			t.Errorf("without colour: %q", got)
		}
		if got, want := (Options{Color: true}).Paint(c, "x"), "\x1b["+string(c)+"mx\x1b[0m"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := (Options{Color: true}).Paint(c, ""); got != "" {
			t.Errorf("nothing is %q", got)
		}
	}
}
