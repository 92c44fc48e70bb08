// Package markdown writes a look at a host as Markdown (CommonMark with the tables of
// GitHub), for issues, wikis and chat.
//
// What comes from the host stands in code spans and fenced blocks alone, whose fences
// are longer than any in it: there it is no markup, no link and no mention. The text of
// checks is escaped.
package markdown

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"seawall/agent/report/sheet"
	"seawall/agent/report/words"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Write writes the look.
func Write(w io.Writer, s *sheet.Sheet) error {
	m := &writer{bufio.NewWriter(w), s}
	m.head()
	m.families()
	m.findings("Failed", finding.StatusFail)
	m.findings("Could not be evaluated", finding.StatusError, finding.StatusUnknown, finding.StatusUnspecified)
	m.findings("Waived", finding.StatusWaived)
	m.list("Gone", s.Gone)
	m.list("Passed", m.all(finding.StatusPass))
	m.list("Not applicable", m.all(finding.StatusNotApplicable))
	return m.Flush()
}

// writer is one writing of a report.
type writer struct {
	*bufio.Writer
	sheet *sheet.Sheet
}

func (m *writer) printf(format string, args ...any) { fmt.Fprintf(m.Writer, format, args...) }

// head says whose report it is and what it comes to.
func (m *writer) head() {
	s := m.sheet
	m.printf("# Hardening of %s\n\n", code(cmp.Or(s.Host.Name, "a host")))
	m.printf("**%s**\n\n", prose(s.Score.String()))
	m.printf("%s.\n", prose(s.Summary()))
	if narrowed := s.Compared(); narrowed != "" {
		m.printf("\nThe report has %s.\n", code(narrowed))
	}
	m.printf("\n|  |  |\n|---|---|\n")
	for _, row := range [][2]string{
		{"System", s.Host.OS}, {"Kernel", strings.TrimSpace(s.Host.Kernel + " " + s.Host.Arch)}, {"Profile", s.Profile},
		{"Only", strings.Join(s.Named, " ")}, {"Root", s.Host.Root}, {"Looked at", s.Time.UTC().Format("2006-01-02 15:04:05 MST")},
		{"Seawall", s.Version},
	} {
		if row[1] != "" && (row[0] != "Root" || row[1] != "/") {
			m.printf("| %s | %s |\n", row[0], cell(row[1]))
		}
	}
}

// families is the table of counts.
func (m *writer) families() {
	families := m.sheet.Group()
	if len(families) == 0 {
		return
	}
	m.printf("\n| Family | Results |\n|---|---|\n")
	for _, f := range families {
		m.printf("| %s | %s |\n", cell(f.Name), prose(words.Tally(f.Results())))
	}
}

// findings are the checks of some statuses with all that is known of them.
func (m *writer) findings(title string, statuses ...finding.Status) {
	sections := m.sheet.Sections(statuses...)
	if len(sections) == 0 {
		return
	}
	m.printf("\n## %s\n", title)
	for _, section := range sections {
		m.finding(section)
	}
}

func (m *writer) finding(section sheet.Section) {
	info := m.sheet.Info(section.Check)
	word := section.Status.String()
	if section.Status == finding.StatusFail {
		word = section.Results[0].Severity.String()
	}
	m.printf("\n### %s · %s\n\n%s\n\n", prose(word), code(section.Check), prose(info.Title))
	for i := range section.Results {
		m.result(&section.Results[i], len(section.Results) > 1)
	}
	if section.Status != finding.StatusFail {
		return
	}
	if info.Rationale != "" {
		m.printf("\n%s\n", prose(strings.Join(strings.Fields(info.Rationale), " ")))
	}
	if fix := strings.TrimRight(info.Remediation, "\n"); fix != "" {
		var lines []string
		for line := range strings.SplitSeq(fix, "\n") {
			lines = append(lines, text.Code(line))
		}
		fence := fence(fix, 3)
		m.printf("\nFix:\n\n%ssh\n%s\n%s\n", fence, strings.Join(lines, "\n"), fence)
	}
	if len(info.References) > 0 {
		m.printf("\nReferences: %s\n", prose(strings.Join(info.References, "; ")))
	}
}

// result is one list item, or the items of a check's only result.
func (m *writer) result(r *finding.Result, several bool) {
	indent := ""
	if r.Resource != "" || several {
		m.printf("- %s\n", code(cmp.Or(r.Resource, "the host")))
		indent = "  "
	}
	item := func(name, value string) {
		if value != "" {
			m.printf("%s- %s: %s\n", indent, name, code(value))
		}
	}
	actual, expected := "found", r.Expected
	if r.Status != finding.StatusFail && r.Status != finding.StatusWaived {
		actual, expected = "because", ""
	}
	item("earlier", m.sheet.Was(r))
	item(actual, r.Actual)
	item("expected", expected)
	for _, e := range r.Evidence {
		item("at", strings.TrimSpace(words.Place(e)+"  "+e.Text))
	}
	item("since", words.Since(r))
	if r.Cause != nil {
		item("cause", words.Cause(r.Cause))
	}
}

// all are the results of a status.
func (m *writer) all(status finding.Status) []finding.Result {
	var list []finding.Result
	for _, s := range m.sheet.Sections(status) {
		list = append(list, s.Results...)
	}
	return list
}

// list is what needs no attention.
func (m *writer) list(title string, results []finding.Result) {
	if len(results) == 0 {
		return
	}
	m.printf("\n## %s\n\n", title)
	for _, r := range results {
		m.printf("- %s %s\n", code(strings.TrimSpace(r.Check+" "+r.Resource)), code(r.Actual))
	}
}

// code is a code span: one line, its fence longer than any inside.
func code(s string) string {
	s = text.Terminal(strings.Join(strings.Fields(s), " "))
	if s == "" {
		return ""
	}
	ticks := fence(s, 1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// cell is a code span in a table, where a bar ends it even there.
func cell(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

// fence is a run of backticks longer than any in s, at least n.
func fence(s string, n int) string {
	run := 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		n = max(n, run+1)
	}
	return strings.Repeat("`", n)
}

// prose escapes what would be markup.
func prose(s string) string {
	var b strings.Builder
	for _, r := range text.Terminal(s) {
		if strings.ContainsRune("\\`*_{}[]<>#+!|~&@$^", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
