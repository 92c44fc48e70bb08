package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"seawall/agent/look"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Explanation is what there is to say of a check before its result.
type Explanation struct {
	finding.CheckInfo // an empty Remediation is left out
	Rule              string
	Profiles          []string
	Parameters        []string
	Place             string // where the check is written
	Facts             []Source
	AuditKey          string   // of the rules that tell of changes
	Saw               []string // facts that the rule names, as they are here
}

// Source is a group of facts as it was read.
type Source struct {
	Name, State, Reason string
	Depends             []string
	Clocked             bool // read again by the clock, too
}

// Explain writes an explanation for people.
func Explain(w io.Writer, x Explanation) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s: %s\n\n%s\n\n", x.ID, x.Title, look.Wrap(x.Rationale, 80))
	rows := [][2]string{
		{"severity", x.Severity.String()},
		{"references", strings.Join(x.References, "; ")},
		{"profiles", strings.Join(x.Profiles, ", ")},
		{"passes when", x.Rule},
		{"parameters", strings.Join(x.Parameters, ", ")},
		{"written in", x.Place},
	}
	for _, f := range x.Facts {
		state := f.State
		if f.Reason != "" {
			state += ": " + f.Reason
		}
		rows = append(rows, [2]string{f.Name + " facts", state})
	}
	rows = append(rows, invalidation(x)...)
	for _, r := range rows {
		if r[1] != "" {
			fmt.Fprintf(out, "%-15s %s\n", r[0], text.Terminal(r[1]))
		}
	}
	name := "fix"
	for line := range strings.Lines(x.Remediation) {
		fmt.Fprintf(out, "%-15s %s\n", name, text.Code(strings.TrimSuffix(line, "\n")))
		name = ""
	}
	fmt.Fprintf(out, "\non this host:\n\n")
	for _, line := range x.Saw {
		fmt.Fprintf(out, "  %s\n", text.Terminal(line))
	}
	if len(x.Saw) > 0 {
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// invalidation says what makes the sensor evaluate the check again.
func invalidation(x Explanation) [][2]string {
	var names, clocked []string
	for _, f := range x.Facts {
		names = append(names, f.Depends...)
		if f.Clocked {
			clocked = append(clocked, f.Name)
		}
	}
	slices.Sort(names)
	rows := [][2]string{{"invalidated by", strings.Join(few(slices.Compact(names)), " ")}}
	if len(names) > 0 {
		rows = append(rows, [2]string{"told by", fmt.Sprintf("inotify, and kernel audit with the key %q, which knows who it was", x.AuditKey)})
	}
	if len(clocked) > 0 {
		rows = append(rows, [2]string{"read again", "with each heartbeat: " + strings.Join(clocked, ", ") + " facts"})
	}
	return rows
}

// few keeps the first names of a long list.
func few(names []string) []string {
	const limit = 12
	if len(names) <= limit {
		return names
	}
	return append(names[:limit:limit], fmt.Sprintf("and %d more", len(names)-limit))
}
