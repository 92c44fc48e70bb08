package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"seawall/agent/look"
	"seawall/agent/report/sheet"
	"seawall/agent/report/words"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Options says how a report for people looks.
type Options = look.Options

// Table writes a look for people.
func Table(w io.Writer, s *sheet.Sheet, opt Options) error {
	t := &table{out: bufio.NewWriter(w), opt: opt, sheet: s}
	for _, f := range s.Group() {
		t.family(f)
	}
	t.gone()
	t.printf("%s\n", s.Summary())
	if narrowed := s.Compared(); narrowed != "" {
		t.printf("%s\n", text.Terminal(narrowed))
	}
	if len(s.Named) == 0 {
		t.printf("%s (%s)\n", t.paint(look.Bold, s.Score.String()), "profile "+text.Terminal(s.Profile))
	}
	return t.out.Flush()
}

// table is one writing of a report.
type table struct {
	out   *bufio.Writer
	blank bool // the last line is empty
	opt   Options
	sheet *sheet.Sheet
}

// gone writes what the earlier look had and this one has not.
func (t *table) gone() {
	for i := range t.sheet.Gone {
		r := &t.sheet.Gone[i]
		t.printf("%s%s\n", t.paint(look.Dim, "  gone "), text.Terminal(fmt.Sprintf("%-36s %s (was %s)", r.Check, r.Resource, r.Status)))
	}
	if len(t.sheet.Gone) > 0 {
		t.gap()
	}
}

// family writes a heading with the tally, then the sections.
func (t *table) family(f sheet.Family) {
	t.printf("%s  %s\n\n", t.paint(look.Bold, text.Terminal(f.Name)), t.paint(look.Dim, words.Tally(f.Results())))
	for i := 0; i < len(f.Sections); {
		s := f.Sections[i]
		same := t.sameReason(f.Sections[i:])
		switch {
		case !s.Loud():
			t.quiet(s)
		case same > 1:
			t.together(f.Sections[i : i+same])
		default:
			t.loud(s)
		}
		i += max(same, 1)
	}
	t.gap()
}

// sameReason counts the checks at the head of list that could not be evaluated
// for one and the same reason, such as a configuration that sshd refuses.
func (t *table) sameReason(list []sheet.Section) int {
	first := &list[0]
	if first.Status != finding.StatusUnknown && first.Status != finding.StatusError {
		return 1
	}
	for n, s := range list {
		if s.Status != first.Status || len(s.Results) != 1 || s.Results[0].Resource != "" ||
			s.Results[0].Actual != first.Results[0].Actual {
			return n
		}
	}
	return len(list)
}

// together writes checks that share their reason.
func (t *table) together(list []sheet.Section) {
	for _, s := range list {
		status, check := strings.ToUpper(s.Status.String()), fmt.Sprintf("%-34s", s.Check)
		room := t.opt.Width - len(status) - utf8.RuneCountInString(check) - len("      ")
		t.printf("  %s  %s %s\n", t.paint(look.Yellow, status), t.paint(look.Bold, check), look.Cut(t.sheet.Info(s.Check).Title, room))
	}
	t.prose("because", list[0].Results[0].Actual)
	t.evidence(list[0].Results[0].Evidence)
	t.gap()
}

// quiet writes a check that needs no attention on one line.
func (t *table) quiet(s sheet.Section) {
	label := t.paint(look.Green, "  pass ")
	if s.Status == finding.StatusNotApplicable {
		label = t.paint(look.Dim, "  n/a  ")
	}
	actual := s.Results[0].Actual
	if n := len(s.Results); n > 1 {
		actual = fmt.Sprintf("%d: %s", n, joinResources(s.Results))
	}
	const indent = 7
	if was := t.sheet.Was(&s.Results[0]); was != "" {
		actual = "(" + was + ") " + actual
	}
	line := fmt.Sprintf("%-36s %s", s.Check, text.Terminal(actual))
	if t.opt.Width > 0 {
		line = look.Cut(line, t.opt.Width-indent)
	}
	t.printf("%s%s\n", label, strings.TrimRight(line, " "))
}

// joinResources names what passed; cut bounds it on a terminal.
func joinResources(results []finding.Result) string {
	var names []string
	for _, r := range results {
		names = append(names, r.Resource)
	}
	return strings.Join(names, ", ")
}

// loud writes a check that a person should look at.
func (t *table) loud(s sheet.Section) {
	info := t.sheet.Info(s.Check)
	status := strings.ToUpper(s.Status.String())
	tint := look.Yellow
	if s.Status == finding.StatusFail {
		tint = look.Red
		status += " " + s.Results[0].Severity.String()
	}
	t.printf("  %s  %s\n", t.paint(tint, status), t.paint(look.Bold, s.Check))
	if info.Title != "" {
		t.printf("        %s\n", info.Title)
	}
	if len(s.Results) == 1 {
		t.details(s.Results[0], s.Status)
	} else {
		t.rows(s)
	}
	if s.Status == finding.StatusFail {
		t.fix(info.Remediation)
	}
	t.gap()
}

// details writes the only result of a section. Where there is no verdict, what
// was found is the reason for that.
func (t *table) details(r finding.Result, status finding.Status) {
	if r.Resource != "" {
		t.prose("of", r.Resource)
	}
	if was := t.sheet.Was(&r); was != "" {
		t.prose("before", was)
	}
	if status == finding.StatusFail || status == finding.StatusWaived {
		t.prose("actual", r.Actual)
		t.prose("expected", r.Expected)
	} else {
		t.prose("because", r.Actual)
	}
	t.evidence(r.Evidence)
	if since := words.Since(&r); since != "" {
		t.prose("since", since)
	}
	if r.Cause != nil {
		t.prose("cause", words.Cause(r.Cause))
	}
}

func (t *table) evidence(list []finding.Evidence) {
	for i, e := range list {
		name := "at"
		if i > 0 {
			name = ""
		}
		if e.File == "" {
			t.prose(name, e.Text)
			continue
		}
		t.fieldPainted(name, place(e, t))
	}
}

// place says where a piece of evidence stands and what stands there, on one line.
func place(e finding.Evidence, t *table) string {
	where := text.Terminal(e.File)
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	what := strings.TrimSpace(text.Terminal(strings.TrimSpace(e.Text)))
	switch {
	case where == "":
		return what
	case what == "":
		return t.paint(look.Cyan, where)
	}
	return t.paint(look.Cyan, where) + "  " + what
}

// fix writes commands. Their lines are kept, since people copy them; comments
// may be broken.
func (t *table) fix(commands string) {
	const mark = "# "
	name := "fix"
	for line := range strings.SplitSeq(strings.TrimRight(commands, "\n"), "\n") {
		line = text.Code(line)
		parts := []string{line}
		if comment, ok := strings.CutPrefix(line, mark); ok {
			parts = t.fit(comment, len(mark))
			for i := range parts {
				parts[i] = mark + parts[i]
			}
		}
		for _, part := range parts {
			t.fieldPainted(name, part)
			name = ""
		}
	}
}

// prose writes a name and a value, whose own lines are kept and broken to fit.
func (t *table) prose(name, value string) {
	for line := range strings.SplitSeq(strings.TrimRight(value, "\n"), "\n") {
		line = text.Code(line)
		for _, part := range t.fit(line, 0) {
			t.fieldPainted(name, part)
			name = ""
		}
	}
}

// fit breaks a line, of which used columns are taken, where a field's value has
// no room for it.
func (t *table) fit(line string, used int) []string {
	const indent = 17
	return t.opt.Fit(line, indent+used)
}

// fieldPainted writes one line, whose value is escaped already and may have
// colours.
func (t *table) fieldPainted(name, value string) {
	t.printf("        %s %s\n", t.paint(look.Dim, fmt.Sprintf("%-8s", name)), value)
}

func (t *table) printf(format string, args ...any) {
	fmt.Fprintf(t.out, format, args...)
	t.blank = false
}

// gap writes an empty line unless there is one.
func (t *table) gap() {
	if !t.blank {
		t.printf("\n")
	}
	t.blank = true
}

func (t *table) paint(c look.Color, s string) string { return t.opt.Paint(c, s) }
