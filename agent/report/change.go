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
	status, tint := becomes(&c)
	name := r.Check
	if r.Resource != "" {
		name += " " + text.Terminal(r.Resource)
	}
	was := ""
	if c.Previous != finding.StatusUnspecified && c.Previous != r.Status {
		was = " (was " + c.Previous.String() + ")"
	}
	head := fmt.Sprintf("%s  %-7s  %s%s", at.Local().Format(time.TimeOnly), status, name, was)
	said := tells(&c)
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

// becomes is the word for what a result has become, and its colour.
func becomes(c *finding.Change) (word string, tint look.Color) {
	switch status := c.Result.Status; {
	case c.Removed:
		return "gone", look.Green
	case status == finding.StatusFail:
		return status.String(), look.Red
	case status.Bad():
		return status.String(), look.Yellow
	default:
		return status.String(), look.Green
	}
}

// tells is the first line of what is there now, and of a fault what should be.
func tells(c *finding.Change) string {
	if c.Removed {
		return ""
	}
	actual, more, _ := strings.Cut(c.Result.Actual, "\n")
	said := text.Terminal(actual)
	if more != "" {
		said += " …"
	}
	if c.Result.Status == finding.StatusFail {
		said += ", expected " + text.Terminal(c.Result.Expected)
	}
	return said
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
