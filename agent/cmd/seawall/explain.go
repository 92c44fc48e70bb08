package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"seawall/agent/facts"
	"seawall/agent/policy"
	"seawall/agent/report"
	"seawall/agent/usage"
	"seawall/pkg/auditrule"
	"seawall/pkg/finding"
)

// newExplainCommand takes a family in place of a check, as check does.
func (p *program) newExplainCommand() *cobra.Command {
	h := host{environ: p.Environ}
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Explain one check: why, how it is decided, what holds here",
		Long: `Explain prints what a check is about, why it matters, how it is decided, what
makes the sensor decide it again, what holds on this host (the facts that the rule
names, and the result), and how to fix it.

The rule is a CEL expression over the facts that "seawall facts" prints.

Exit status:
  0  the check was explained, whatever its result
  2  there is no such check, or the host could not be looked at`,
		Example:           `  seawall explain ssh-permit-root-login`,
		Args:              usage.One("a check such as ssh-ciphers"),
		ValidArgsFunction: completeChecks(&h),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.explain(cmd, &h, args[0])
		},
	}
	h.addRoot(cmd)
	h.addStandard(cmd)
	return cmd
}

// explain prints the text of a check and then its results as check would. A result
// that is bad is no error here: it was asked for.
func (p *program) explain(cmd *cobra.Command, h *host, id string) error {
	held, err := h.standard(cmd)
	if err != nil {
		return err
	}
	e, err := h.evaluate(cmd, []string{id}, held)
	if err != nil {
		return err
	}
	for _, c := range e.policy.Checks() {
		if c.ID != id && c.Family != id {
			continue
		}
		x, err := e.explanation(c)
		if err != nil {
			return err
		}
		if err := report.Explain(p.Stdout, x); err != nil {
			return err
		}
	}
	return report.Table(p.Stdout, e.sheet, p.Options())
}

// explanation gathers what is known of a check.
func (e *evaluation) explanation(c policy.Check) (report.Explanation, error) {
	x := report.Explanation{CheckInfo: c.CheckInfo, Rule: c.Rule, Profiles: c.Profiles, Parameters: c.Parameters, AuditKey: auditrule.Key, Place: fmt.Sprintf("%s:%d", c.File, c.Line)}
	for _, info := range e.sheet.Checks {
		if info.ID == c.ID {
			x.Remediation = info.Remediation
		}
	}
	// A failure shows its fix itself.
	if slices.ContainsFunc(e.sheet.Results, func(r finding.Result) bool { return r.Check == c.ID && r.Status == finding.StatusFail }) {
		x.Remediation = ""
	}
	clocked := facts.Clocked()
	for _, g := range c.Needs {
		meta := e.facts.Meta(g)
		_, byClock := clocked[g]
		x.Facts = append(x.Facts, report.Source{Name: g, State: string(meta.State), Reason: meta.Reason, Depends: meta.Depends,
			Clocked: byClock})
		saw, err := report.Saw(g, e.facts.Group(g), c.Reads...)
		if err != nil {
			return x, err
		}
		x.Saw = append(x.Saw, saw...)
	}
	return x, nil
}
