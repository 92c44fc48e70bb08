package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"seawall/agent/look"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Explanation is what there is to say of a check before its result.
type Explanation struct {
	finding.CheckInfo // an empty Remediation is left out
	Rule              string
	Parameters        []string
	Place             string // where the check is written
	Facts             []Source
}

// Source is a group of facts as it was read.
type Source struct {
	Name, State, Reason string
	Depends             []string
}

// Explain writes an explanation for people.
func Explain(w io.Writer, x Explanation) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s: %s\n\n%s\n\n", x.ID, x.Title, look.Wrap(x.Rationale, 80))
	rows := [][2]string{
		{"severity", x.Severity.String()},
		{"references", strings.Join(x.References, "; ")},
		{"passes when", x.Rule},
		{"parameters", strings.Join(x.Parameters, ", ")},
		{"written in", x.Place},
	}
	for _, f := range x.Facts {
		state := f.State
		if f.Reason != "" {
			state += ": " + f.Reason
		}
		rows = append(rows, [2]string{f.Name + " facts", state}, [2]string{"depends on", strings.Join(few(f.Depends), " ")})
	}
	for _, r := range rows {
		if r[1] != "" {
			fmt.Fprintf(out, "%-13s %s\n", r[0], text.Terminal(r[1]))
		}
	}
	name := "fix"
	for line := range strings.Lines(x.Remediation) {
		fmt.Fprintf(out, "%-13s %s\n", name, text.Terminal(strings.TrimSuffix(line, "\n")))
		name = ""
	}
	fmt.Fprintf(out, "\non this host:\n\n")
	return out.Flush()
}

// few keeps the first names of a long list.
func few(names []string) []string {
	const limit = 12
	if len(names) <= limit {
		return names
	}
	return append(names[:limit:limit], fmt.Sprintf("and %d more", len(names)-limit))
}
