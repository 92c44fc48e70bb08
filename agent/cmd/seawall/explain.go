package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"seawall/agent/policy"
	"seawall/agent/report"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

func (p *program) newExplainCommand() *cobra.Command {
	var h host
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Explain one check: why, how it is decided, what holds here",
		Long: `Explain prints what a check is about, why it matters, how it is decided, on what
files its facts depend, what holds on this host, and how to fix it.

The rule is a CEL expression over the facts that "seawall facts" prints.

Exit status:
  0  the check was explained, whatever its result
  2  there is no such check, or the host could not be looked at`,
		Example:           `  seawall explain ssh-permit-root-login`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeChecks(&h),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.explain(cmd.Context(), h, args[0])
		},
	}
	h.addRoot(cmd)
	h.addChecks(cmd)
	return cmd
}

func (p *program) explain(ctx context.Context, h host, id string) error {
	e, err := h.evaluate(ctx, []string{id})
	if err != nil {
		return err
	}
	for _, c := range e.policy.Checks() {
		if c.ID != id && c.Family != id {
			continue
		}
		p.explainCheck(c, e)
	}
	return report.Table(p.stdout, e.results, e.pack, p.options())
}

func (p *program) explainCheck(c policy.Check, e *evaluation) {
	fmt.Fprintf(p.stdout, "%s: %s\n\n%s\n\n", c.ID, c.Title, wrap(c.Rationale, 80))
	rows := [][2]string{
		{"severity", c.Severity.String()},
		{"references", strings.Join(c.References, "; ")},
		{"passes when", c.Rule},
		{"facts", strings.Join(c.Needs, ", ")},
		{"written in", fmt.Sprintf("%s:%d", c.File, c.Line)},
	}
	for _, g := range c.Needs {
		meta := e.facts.Meta(g)
		state := string(meta.State)
		if meta.Reason != "" {
			state += ": " + meta.Reason
		}
		rows = append(rows, [2]string{g + " facts", state}, [2]string{"depends on", strings.Join(few(meta.Depends), " ")})
	}
	for _, r := range rows {
		if r[1] != "" {
			fmt.Fprintf(p.stdout, "%-13s %s\n", r[0], text.Terminal(r[1]))
		}
	}
	for _, info := range e.pack {
		if info.ID == c.ID && !failed(e.results, c.ID) { // a failure shows its fix itself
			fmt.Fprintf(p.stdout, "%-13s %s\n", "fix", strings.ReplaceAll(info.Remediation, "\n", "\n"+strings.Repeat(" ", 14)))
		}
	}
	fmt.Fprintf(p.stdout, "\non this host:\n\n")
}

func failed(results []finding.Result, id string) bool {
	for _, r := range results {
		if r.Check == id && r.Status == finding.StatusFail {
			return true
		}
	}
	return false
}

// few keeps the first names of a long list.
func few(names []string) []string {
	const limit = 12
	if len(names) <= limit {
		return names
	}
	return append(names[:limit:limit], fmt.Sprintf("and %d more", len(names)-limit))
}

// wrap breaks a paragraph into lines of at most width bytes where it can.
func wrap(s string, width int) string {
	var b strings.Builder
	line := 0
	for _, word := range strings.Fields(s) {
		switch {
		case line == 0:
		case line+1+len(word) > width:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String()
}
