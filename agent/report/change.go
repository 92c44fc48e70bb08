package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"seawall/agent/look"
	"seawall/agent/report/words"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Change writes one change for people: a line, the first place that it comes from,
// and who made it. Of a value of many lines only the first is shown: "seawall
// check" has them all.
func Change(w io.Writer, at time.Time, c finding.Change, opt Options) error {
	t := table{opt: opt}
	r := &c.Result
	status := r.Status.String()
	tint := look.Green
	switch {
	case c.Removed:
		status = "gone"
	case r.Status == finding.StatusFail:
		tint = look.Red
	case r.Status.Bad():
		tint = look.Yellow
	}
	name := r.Check
	if r.Resource != "" {
		name += " " + text.Terminal(r.Resource)
	}
	was := ""
	if c.Previous != finding.StatusUnspecified && c.Previous != r.Status {
		was = " (was " + c.Previous.String() + ")"
	}
	head := fmt.Sprintf("%s  %-7s  %s%s", at.Local().Format(time.TimeOnly), status, name, was)
	var said string
	if !c.Removed {
		actual, more, _ := strings.Cut(r.Actual, "\n")
		said = text.Terminal(actual)
		if more != "" {
			said += " …"
		}
		if r.Status == finding.StatusFail {
			said += ", expected " + text.Terminal(r.Expected)
		}
	}
	line := fmt.Sprintf("%s  %s  %s%s", t.paint(look.Dim, at.Local().Format(time.TimeOnly)),
		t.paint(tint, fmt.Sprintf("%-7s", status)), t.paint(look.Bold, name), was)
	switch room := opt.Width - utf8.RuneCountInString(head+": "); {
	case said == "":
	case opt.Width == 0 || utf8.RuneCountInString(said) <= room:
		line += ": " + said
	default:
		line += ":" + t.below(said)
	}
	for _, e := range r.Evidence {
		if e.File != "" {
			line += belowChange + place(e, &t)
			break
		}
	}
	if r.Cause != nil {
		line += t.below("by " + text.Terminal(words.Cause(r.Cause)))
	}
	_, err := fmt.Fprintln(w, line)
	if err != nil {
		return fmt.Errorf("write change: %w", err)
	}
	return nil
}

// belowChange begins a line that belongs to the change above it.
const belowChange = "\n          "

// below breaks words, which are escaped already, into such lines.
func (t *table) below(words string) string {
	room := t.opt.Width - len(belowChange) + 1
	if utf8.RuneCountInString(words) <= room || room < 20 {
		return belowChange + words
	}
	return belowChange + strings.ReplaceAll(look.Wrap(words, room), "\n", belowChange)
}
