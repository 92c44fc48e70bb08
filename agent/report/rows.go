package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"seawall/agent/look"
	"seawall/agent/report/sheet"
	"seawall/agent/report/words"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// row is one line of a list: a result, or several of one group that say the same.
type row struct {
	finding.Result          // the first of them
	resources      []string // of all
}

func (r *row) takes(other *finding.Result) bool {
	return r.Group != "" && r.Group == other.Group && r.Severity == other.Severity && r.Actual == other.Actual && r.Expected == other.Expected
}

// name is what the row is about.
func (r *row) name() string {
	if len(r.resources) > 1 {
		return fmt.Sprintf("%s (%d)", text.Terminal(r.Group), len(r.resources))
	}
	return text.Terminal(r.Resource)
}

// collect puts results of one group that say the same into one row, since when the
// first of them did.
func collect(results []finding.Result) []row {
	var rows []row
	for i := range results {
		r := &results[i]
		at := slices.IndexFunc(rows, func(old row) bool { return old.takes(r) })
		if at < 0 {
			rows = append(rows, row{Result: *r})
			at = len(rows) - 1
		}
		rows[at].resources = append(rows[at].resources, r.Resource)
		if !r.Since.IsZero() && (rows[at].Since.IsZero() || r.Since.Before(rows[at].Since)) {
			rows[at].Since = r.Since
		}
	}
	return rows
}

// rows writes several results of one check as a list.
func (t *table) rows(s sheet.Section) {
	const indent = "        "
	rows := collect(s.Results)
	widest := 0
	for i := range rows {
		widest = max(widest, utf8.RuneCountInString(rows[i].name()))
	}
	widest = min(widest, 40)
	for i := range rows {
		r := &rows[i]
		what := text.Terminal(r.Actual)
		if s.Status == finding.StatusFail {
			what += t.paint(look.Dim, " → ") + text.Terminal(r.Expected)
		}
		if r.Severity != s.Results[0].Severity {
			what += " (" + r.Severity.String() + ")"
		}
		if age := words.Age(r.Time, r.Since); age != "" {
			what += t.paint(look.Dim, "  "+age)
		}
		if was := t.sheet.Was(&r.Result); was != "" {
			what += t.paint(look.Dim, "  ("+was+")")
		}
		t.printf("%s%-*s  %s\n", indent, widest, r.name(), what)
		if len(r.resources) < 2 {
			continue
		}
		for _, line := range t.opt.Fit(text.Terminal(strings.Join(r.resources, ", ")), len(indent)+2) {
			t.printf("%s  %s\n", indent, t.paint(look.Dim, line))
		}
	}
}
