package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"seawall/agent/look"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Options says how a report for people looks.
type Options = look.Options

// Table writes results for people. checks has the text of every check in results.
func Table(w io.Writer, results []finding.Result, checks []finding.CheckInfo, opt Options) error {
	t := &table{out: bufio.NewWriter(w), opt: opt, info: map[string]finding.CheckInfo{}}
	for _, c := range checks {
		t.info[c.ID] = c
	}
	families := t.group(results)
	for _, f := range families {
		t.family(f)
	}
	t.printf("%s\n", Summary(results))
	return t.out.Flush()
}

// table is one writing of a report.
type table struct {
	out   *bufio.Writer
	blank bool // the last line is empty
	opt   Options
	info  map[string]finding.CheckInfo
}

// section is one check's results of one status, the worst severity first.
type section struct {
	check   string
	status  finding.Status
	results []finding.Result
}

// family is what the checks of one subject found.
type family struct {
	name     string
	sections []section
}

// rank orders what people read first. What it does not know comes before all.
func rank(s finding.Status) int {
	order := []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown, finding.StatusWaived,
		finding.StatusPass, finding.StatusNotApplicable}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return 0
}

// worst compares sections: by status, then failures by severity and what could
// not be evaluated by its reason, so that checks with the same one stand together.
func worst(a, b section) int {
	severity := 0
	if a.loud() {
		severity = cmp.Compare(b.results[0].Severity, a.results[0].Severity)
	}
	reason := 0
	if a.status == finding.StatusUnknown || a.status == finding.StatusError {
		severity, reason = 0, cmp.Compare(a.results[0].Actual, b.results[0].Actual)
	}
	return cmp.Or(cmp.Compare(rank(a.status), rank(b.status)), severity, reason, cmp.Compare(a.check, b.check))
}

// loud reports whether a person should look.
func (s *section) loud() bool {
	return s.status != finding.StatusPass && s.status != finding.StatusNotApplicable
}

// group sorts results into families and sections. The family with the worst
// section comes first. A check of no known family belongs to its first word's.
func (t *table) group(results []finding.Result) []family {
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b finding.Result) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(rank(a.Status), rank(b.Status)),
			cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Resource, b.Resource))
	})
	byName := map[string]*family{}
	var families []*family
	for _, r := range sorted {
		name, _, _ := strings.Cut(r.Check, "-")
		if info, ok := t.info[r.Check]; ok && info.Family != "" {
			name = info.Family
		}
		f := byName[name]
		if f == nil {
			f = &family{name: name}
			byName[name] = f
			families = append(families, f)
		}
		if n := len(f.sections); n > 0 && f.sections[n-1].check == r.Check && f.sections[n-1].status == r.Status {
			f.sections[n-1].results = append(f.sections[n-1].results, r)
			continue
		}
		f.sections = append(f.sections, section{r.Check, r.Status, []finding.Result{r}})
	}
	for _, f := range families {
		slices.SortStableFunc(f.sections, worst)
	}
	slices.SortStableFunc(families, func(a, b *family) int { return worst(a.sections[0], b.sections[0]) })
	out := make([]family, 0, len(families))
	for _, f := range families {
		out = append(out, *f)
	}
	return out
}

// family writes a heading with the tally, then the sections.
func (t *table) family(f family) {
	var all []finding.Result
	for _, s := range f.sections {
		all = append(all, s.results...)
	}
	t.printf("%s  %s\n\n", t.paint(look.Bold, f.name), t.paint(look.Dim, tally(all)))
	for i := 0; i < len(f.sections); {
		s := f.sections[i]
		same := t.sameReason(f.sections[i:])
		switch {
		case !s.loud():
			t.quiet(s)
		case same > 1:
			t.together(f.sections[i : i+same])
		default:
			t.loud(s)
		}
		i += max(same, 1)
	}
	t.gap()
}

// sameReason counts the checks at the head of list that could not be evaluated
// for one and the same reason, such as a configuration that sshd refuses.
func (t *table) sameReason(list []section) int {
	first := &list[0]
	if first.status != finding.StatusUnknown && first.status != finding.StatusError {
		return 1
	}
	for n, s := range list {
		if s.status != first.status || len(s.results) != 1 || s.results[0].Resource != "" ||
			s.results[0].Actual != first.results[0].Actual {
			return n
		}
	}
	return len(list)
}

// together writes checks that share their reason.
func (t *table) together(list []section) {
	for _, s := range list {
		status, check := strings.ToUpper(s.status.String()), fmt.Sprintf("%-34s", s.check)
		room := t.opt.Width - len(status) - utf8.RuneCountInString(check) - len("      ")
		t.printf("  %s  %s %s\n", t.paint(look.Yellow, status), t.paint(look.Bold, check), look.Cut(t.info[s.check].Title, room))
	}
	t.prose("because", list[0].results[0].Actual)
	t.evidence(list[0].results[0].Evidence)
	t.gap()
}

// quiet writes a check that needs no attention on one line.
func (t *table) quiet(s section) {
	label := t.paint(look.Green, "  pass ")
	if s.status == finding.StatusNotApplicable {
		label = t.paint(look.Dim, "  n/a  ")
	}
	actual := s.results[0].Actual
	if n := len(s.results); n > 1 {
		actual = fmt.Sprintf("%d: %s", n, joinResources(s.results))
	}
	const indent = 7
	line := fmt.Sprintf("%-36s %s", s.check, text.Terminal(actual))
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
func (t *table) loud(s section) {
	info := t.info[s.check]
	status := strings.ToUpper(s.status.String())
	tint := look.Yellow
	if s.status == finding.StatusFail {
		tint = look.Red
		status += " " + s.results[0].Severity.String()
	}
	t.printf("  %s  %s\n", t.paint(tint, status), t.paint(look.Bold, s.check))
	if info.Title != "" {
		t.printf("        %s\n", info.Title)
	}
	if len(s.results) == 1 {
		t.details(s.results[0], s.status)
	} else {
		t.rows(s)
	}
	if s.status == finding.StatusFail {
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
	if status == finding.StatusFail || status == finding.StatusWaived {
		t.prose("actual", r.Actual)
		t.prose("expected", r.Expected)
	} else {
		t.prose("because", r.Actual)
	}
	t.evidence(r.Evidence)
	if since := sinceWhen(&r); since != "" {
		t.prose("since", since)
	}
	if r.Cause != nil {
		t.prose("cause", Cause(r.Cause))
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
		line = text.Terminal(strings.ReplaceAll(line, "\t", "    "))
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
		line = text.Terminal(strings.ReplaceAll(line, "\t", "    "))
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

// Summary counts results in one line.
func Summary(results []finding.Result) string {
	checks := map[string]bool{}
	for _, r := range results {
		checks[r.Check] = true
	}
	counted := fmt.Sprintf("%d checks", len(checks))
	if len(checks) == 1 {
		counted = "1 check"
	}
	if len(results) != len(checks) {
		counted += fmt.Sprintf(", %d results", len(results))
	}
	return counted + ": " + tally(results)
}

// Exit is the exit status that results call for: 0 all is well, 1 a failure, which is
// known for sure and so weighs more than 2, what is not known. Nothing checked is
// never well.
func Exit(results []finding.Result) int {
	has := func(list ...finding.Status) bool {
		return slices.ContainsFunc(results, func(r finding.Result) bool { return slices.Contains(list, r.Status) })
	}
	switch {
	case has(finding.StatusFail):
		return 1
	case len(results) == 0 || has(finding.StatusError, finding.StatusUnknown, finding.StatusUnspecified):
		return 2
	}
	return 0
}

// tally counts by status, failures by severity too.
func tally(results []finding.Result) string {
	count := map[finding.Status]int{}
	severe := map[finding.Severity]int{}
	for _, r := range results {
		count[r.Status]++
		if r.Status == finding.StatusFail {
			severe[r.Severity]++
		}
	}
	var parts []string
	words := []struct {
		status finding.Status
		word   string
	}{
		{finding.StatusFail, "failed"}, {finding.StatusError, "error"}, {finding.StatusUnknown, "unknown"},
		{finding.StatusWaived, "waived"}, {finding.StatusPass, "passed"}, {finding.StatusNotApplicable, "not applicable"},
	}
	for _, s := range words {
		if count[s.status] == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", count[s.status], s.word)
		if s.status == finding.StatusFail {
			part += " (" + severities(severe) + ")"
		}
		parts = append(parts, part)
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing was checked")
}

// severities counts failures, the worst first.
func severities(count map[finding.Severity]int) string {
	var parts []string
	for s := finding.SeverityCritical + 1; s > 0; s-- {
		if n := count[s-1]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s-1))
		}
	}
	return strings.Join(parts, ", ")
}

func (t *table) paint(c look.Color, s string) string { return t.opt.Paint(c, s) }
