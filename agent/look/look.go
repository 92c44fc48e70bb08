// Package look holds how output for people looks: whether it may have colours, how
// wide it may be, and the few things that every report does with text because of
// that. What it is given is escaped for the terminal already (text.Terminal).
package look

import (
	"strings"
	"unicode/utf8"
)

// Options says how a report for people looks.
type Options struct {
	Color bool
	// Width is where lines of passed checks are cut and prose is broken; commands
	// and places never are. 0 cuts and breaks nothing.
	Width int
}

// Color is an SGR sequence.
type Color string

// The colours of reports.
const (
	Bold   Color = "1"
	Dim    Color = "2"
	Red    Color = "31;1"
	Green  Color = "32"
	Yellow Color = "33;1"
	Cyan   Color = "36"
)

// Paint colours s, which is escaped already. Padding comes before it: the
// sequences have no width on the terminal, but would have in a format's.
func (o Options) Paint(c Color, s string) string {
	if !o.Color || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// least is how many characters prose needs to be broken well.
const least = 20

// Fit breaks a line, of which used columns are taken, where the rest of the width
// has no room for it. On a terminal too narrow for that it is the terminal's to
// break.
func (o Options) Fit(line string, used int) []string {
	room := o.Width - used
	if room < least || utf8.RuneCountInString(line) <= room {
		return []string{line}
	}
	return strings.Split(Wrap(line, room), "\n")
}

// Wrap breaks a paragraph into lines of at most width characters where it can.
func Wrap(s string, width int) string {
	var b strings.Builder
	line := 0
	for _, word := range strings.Fields(s) {
		switch {
		case line == 0:
		case line+1+utf8.RuneCountInString(word) > width:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += utf8.RuneCountInString(word)
	}
	return b.String()
}

// Cut shortens s to width characters.
func Cut(s string, width int) string {
	if width < 1 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
