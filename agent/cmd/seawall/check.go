package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/footprint"
	"seawall/agent/policy"
	"seawall/agent/report"
	"seawall/agent/usage"
	"seawall/pkg/finding"
)

// newCheckCommand is the command that most people know. Its JSON and its exit
// statuses are used by programs: they change compatibly or not at all.
func (p *program) newCheckCommand() *cobra.Command {
	h := host{environ: p.Environ}
	var format string
	cmd := &cobra.Command{
		Use:   "check [ID|FAMILY]...",
		Short: "Check this host once and say what to fix",
		Long: `Check evaluates the named checks, or all of a profile, on this host or on the one
below --root. Of a family it evaluates what is in the profile.

The table is grouped by family, the worst first. Each finding has what was found,
what is expected, the file and line that sets it, and commands that fix it.
Colour is used on a terminal unless NO_COLOR is set.

With --format json the output is one object:

  {"results": [{"check", "resource", "status", "severity", "actual", "expected",
    "evidence": [{"file", "line", "text"}], "time", "cause", "remediation",
    "group", "since"}]}

Group is what belongs together (a source package), since is since when it is so;
both are left out where there is none.

Status is pass, fail, not_applicable, unknown (the host could not be asked), error
(something is broken, such as a configuration that sshd refuses) or waived.

Below --root no program is run and the kernel is not asked; what needs them is
unknown. Most checks need root: what may not be read is unknown too.

Exit status:
  0  every check passed or is not applicable
  1  at least one failed
  2  none failed, and at least one is unknown or an error; or nothing was checked`,
		Example: `  seawall check
  seawall check ssh-password-authentication ssh-permit-root-login
  seawall check patch --format json
  seawall check --profile cis-1
  seawall check --root /mnt/image`,
		ValidArgsFunction: completeChecks(&h),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.check(cmd, &h, format, args)
		},
	}
	h.addRoot(cmd)
	h.addStandard(cmd)
	usage.AddFormat(cmd, &format, "table", "json")
	return cmd
}

// completeChecks offers the identifiers of all checks, the user's own included,
// with their titles.
func completeChecks(h *host) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		s, err := h.standard(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var words []string
		for _, c := range s.Policy.Checks() {
			words = append(words, cobra.CompletionWithDesc(c.ID, c.Title))
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// check prints what the named checks say, and ends with their verdict. Without root
// it says so on standard error, since much is unknown then for that reason alone.
func (p *program) check(cmd *cobra.Command, h *host, format string, names []string) error {
	e, err := h.evaluate(cmd, names)
	if err != nil {
		return err
	}
	if format == "json" {
		err = report.Results(p.Stdout, e.results, e.pack)
	} else {
		err = report.Table(p.Stdout, e.results, e.pack, p.Options())
	}
	if err != nil {
		return err
	}
	code := report.Exit(e.results)
	if h.root == "/" && os.Geteuid() != 0 && code != 0 {
		fmt.Fprintln(p.Stderr, "seawall: not run as root: what root alone may read is unknown, and sshd itself may not have been asked")
	}
	return console.Exit(code)
}

// evaluation is one look at a host.
type evaluation struct {
	policy  *policy.Policy
	facts   facts.Facts
	results []finding.Result
	pack    []finding.CheckInfo // with remediation for the host's distribution
}

// evaluate looks at the host once, reading only what the named checks need.
func (h *host) evaluate(cmd *cobra.Command, names []string) (*evaluation, error) {
	env, err := h.env()
	if err != nil {
		return nil, err
	}
	footprint.Trim()
	s, err := h.standard(cmd)
	if err != nil {
		return nil, err
	}
	footprint.Trim() // reading YAML is over
	ids, err := s.Choose(names...)
	if err != nil {
		return nil, err
	}
	// The system's facts say which remediation fits.
	groups := append(s.Policy.Groups(ids...), "system")
	e := &evaluation{policy: s.Policy, facts: facts.NewReader(env).Read(cmd.Context(), groups...)}
	if err := cmd.Context().Err(); err != nil {
		return nil, err
	}
	e.results = s.Evaluate(&e.facts, time.Now().UTC(), ids)
	e.pack = s.Policy.Pack(e.facts.System.Family).Checks
	return e, nil
}
