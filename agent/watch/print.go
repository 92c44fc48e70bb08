package watch

import (
	"fmt"
	"strings"
	"time"

	"seawall/agent/look"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// below begins a line that belongs to the one above it.
const below = "          "

// detection prints a detection as it is now: what, then who, by which command, on what.
func (p *program) detection(at time.Time, d *finding.Detection) error {
	o := p.Options()
	title := text.Terminal(d.Title)
	switch {
	case d.Count > 1 && d.Ended:
		title += fmt.Sprintf(" (%d, ended)", d.Count)
	case d.Count > 1:
		title += fmt.Sprintf(" (%d so far)", d.Count)
	}
	if len(d.Techniques) > 0 {
		title += "  " + text.Terminal(strings.Join(d.Techniques, " "))
	}
	var b strings.Builder
	head := fmt.Sprintf("%s  %s  ", o.Paint(look.Dim, at.Local().Format(time.TimeOnly)), o.Paint(tint(d.Severity), fmt.Sprintf("%-8s", d.Severity)))
	for i, line := range o.Fit(title, len(below)+10) {
		if i > 0 {
			head = below + strings.Repeat(" ", 10)
		}
		b.WriteString(head + o.Paint(look.Bold, line) + "\n")
	}
	lines := d.Group
	if len(d.Samples) > 0 {
		s := &d.Samples[len(d.Samples)-1] // the newest
		lines = append([]string{prefixed("by ", s.Actor.Text), s.Command, prefixed("on ", s.Target)}, lines...)
	} else if d.Description != "" {
		lines = append(lines, strings.Split(d.Description, "\n")...)
	}
	for _, line := range lines {
		if line != "" {
			p.under(&b, text.Terminal(text.Clean(line, widest)))
		}
	}
	return p.write(b.String())
}

// widest bounds a line whatever the terminal, in bytes.
const widest = 600

func prefixed(with, s string) string {
	if s == "" {
		return ""
	}
	return with + s
}

// under writes a line that belongs to the one above, broken to the terminal's width.
func (p *program) under(b *strings.Builder, line string) {
	for _, part := range p.Options().Fit(line, len(below)) {
		b.WriteString(below + part + "\n")
	}
}

func (p *program) write(s string) error {
	if _, err := p.Stdout.Write([]byte(s)); err != nil {
		return fmt.Errorf("print what is watched: %w", err)
	}
	return nil
}

func tint(s finding.Severity) look.Color {
	switch s {
	case finding.SeverityCritical, finding.SeverityHigh:
		return look.Red
	case finding.SeverityMedium:
		return look.Yellow
	}
	return look.Cyan
}

// row prints an event on one line, cut to the terminal's width: time, serial, who,
// what, and on what.
func (p *program) row(e *Event) error {
	o := p.Options()
	who := fmt.Sprintf("%-12s", look.Cut(text.Terminal(e.who()), 12))
	call := fmt.Sprintf("%-11s", look.Cut(text.Terminal(e.Call), 11))
	rest := text.Terminal(text.Clean(e.about(), widest))
	used := len("15:04:05 ") + len(fmt.Sprintf("%8d ", e.Serial)) + 13 + 12
	if o.Width > used {
		rest = look.Cut(rest, o.Width-used)
	}
	if e.Failed != "" {
		rest = strings.Replace(rest, e.Failed, o.Paint(look.Red, e.Failed), 1)
	}
	return p.write(fmt.Sprintf("%s %8d %s %s %s\n", o.Paint(look.Dim, e.Time.Local().Format(time.TimeOnly)), e.Serial, o.Paint(look.Cyan, who), call, rest))
}

// change prints the changes of files that an event made, and who made them.
func (p *program) change(e *Event) error {
	o := p.Options()
	var b strings.Builder
	for _, c := range e.Changes {
		for i, line := range o.Fit(text.Terminal(text.Clean(c.Path, widest)), len(below)+12) {
			if i > 0 {
				b.WriteString(below + strings.Repeat(" ", 12) + line + "\n")
				continue
			}
			fmt.Fprintf(&b, "%s  %s  %s\n", o.Paint(look.Dim, e.Time.Local().Format(time.TimeOnly)), o.Paint(look.Yellow, fmt.Sprintf("%-10s", c.Operation)), o.Paint(look.Bold, line))
		}
	}
	p.under(&b, text.Terminal(text.Clean("by "+e.Actor+": "+e.Command, widest)))
	return p.write(b.String())
}
