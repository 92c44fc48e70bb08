package auditcmd

import (
	"fmt"
	"io"
	"strings"

	"seawall/agent/look"
	"seawall/pkg/text"
)

// page writes lines for people.
type page struct {
	out   io.Writer
	width int
	opt   look.Options
	err   error
}

// wide is how wide lines may be.
func (p *page) wide() int {
	if p.width > 40 {
		return min(p.width, 160)
	}
	return 80
}

// line writes one line, escaped for the terminal.
func (p *page) line(format string, args ...any) { p.put(text.Terminal(fmt.Sprintf(format, args...))) }

func (p *page) put(line string) {
	if p.err != nil {
		return
	}
	if _, err := fmt.Fprintln(p.out, strings.TrimRight(line, " ")); err != nil {
		p.err = fmt.Errorf("write: %w", err)
	}
}

// label is the width of the names in rows.
const label = 13

// row is a name and what is to be said of it, on as many lines as it needs.
func (p *page) row(name, format string, args ...any) {
	said := text.Terminal(fmt.Sprintf(format, args...))
	name = text.Terminal(name)
	for i, line := range strings.Split(look.Wrap(said, p.wide()-label-1), "\n") {
		if i > 0 {
			name = ""
		}
		p.put(fmt.Sprintf("%-*s %s", label, name, line))
	}
}

// thousands writes n so that it can be read.
func thousands(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural says how many there are of something.
func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}
