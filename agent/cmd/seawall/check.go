package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/footprint"
	"seawall/agent/history"
	"seawall/agent/near"
	"seawall/agent/policy"
	"seawall/agent/report"
	"seawall/agent/report/junit"
	"seawall/agent/report/markdown"
	"seawall/agent/report/ocsf"
	"seawall/agent/report/page"
	"seawall/agent/report/sarif"
	"seawall/agent/report/sheet"
	"seawall/agent/standard"
	"seawall/agent/usage"
	"seawall/pkg/finding"
	"seawall/pkg/service"
)

// checkFlags are what a person asks of check beyond names.
type checkFlags struct {
	format, severity, since string
	families                []string
}

// newCheckCommand is the command that most people know. Its JSON and its exit
// statuses are used by programs: they change compatibly or not at all.
func (p *program) newCheckCommand() *cobra.Command {
	h := host{environ: p.Environ}
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [ID|FAMILY]...",
		Short: "Check this host once and say what to fix",
		Long: `Check evaluates the named checks, or all of a profile, on this host or on the one
below --root. Of a family it evaluates what is in the profile.

The table is grouped by family, the worst first. Each finding has what was found,
what is expected, the file and line that sets it, and commands that fix it. The
score is the weight of what passed in that of what passed or failed: docs/checks.md.
Colour is used on a terminal unless NO_COLOR is set.

Formats: table; json, one object, described by docs/check.schema.json; jsonl, one
object to a result; sarif (2.1.0); junit; ocsf, Compliance Findings (1.3.0), one to a
line; markdown; html, one file that needs no other and prints.

With --since only what changed is shown: what is new or has another status than then.
Then is "last" (what the sensor knew last), a time such as 2026-01-31, "2026-01-31
15:04" or 36h ago (both by the sensor's spool), or FILE.json, saved by --format json.
With --severity only what is at least that severe is shown. The score stays that of
everything, the exit status is that of what is shown.

Status is pass, fail, not_applicable, unknown (the host could not be asked), error
(something is broken, such as a configuration that sshd refuses) or waived.

Below --root no program is run and the kernel is not asked; what needs them is
unknown. Most checks need root: what may not be read is unknown too.

Exit status:
  0  every check passed or is not applicable; or nothing changed, or is so severe
  1  at least one failed
  2  none failed, and at least one is unknown or an error; or nothing was checked`,
		Example: `  seawall check
  seawall check ssh-password-authentication ssh-permit-root-login
  seawall check --family patch,network --severity high
  seawall check --profile cis-1 --format html > report.html
  seawall check --since 2026-01-31
  seawall check --root /mnt/image`,
		ValidArgsFunction: completeChecks(&h),
		RunE:              func(cmd *cobra.Command, args []string) error { return p.check(cmd, &h, f, args) },
	}
	h.addRoot(cmd)
	h.addStandard(cmd)
	usage.AddFormat(cmd, &f.format, "table", "json", "jsonl", "sarif", "junit", "ocsf", "markdown", "html")
	cmd.Flags().StringSliceVar(&f.families, "family", nil, "only the checks of these families, such as ssh,patch")
	cmd.Flags().StringVar(&f.severity, "severity", "", "only what is at least informational, low, medium, high or critical")
	cmd.Flags().StringVar(&f.since, "since", "", "only what changed since last, a time, or FILE.json")
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
func (p *program) check(cmd *cobra.Command, h *host, f checkFlags, names []string) error {
	var least finding.Severity
	if f.severity != "" {
		if err := least.UnmarshalText([]byte(f.severity)); err != nil {
			return fmt.Errorf("--severity: %w", err)
		}
	}
	s, err := h.standard(cmd)
	if err != nil {
		return err
	}
	var earlier *sheet.Earlier
	if f.since != "" {
		if earlier, err = history.Earlier(f.since, s.Config().SpoolDir, time.Now()); err != nil {
			return err
		}
	}
	for _, name := range f.families {
		if err := isFamily(s.Policy, name); err != nil {
			return err
		}
	}
	if f.format == "table" {
		h.watch = p.Progress
	}
	e, err := h.evaluate(cmd, append(names, f.families...), s)
	if err != nil {
		return err
	}
	if earlier != nil {
		e.sheet.Compare(earlier)
	}
	e.sheet.Only(least)
	if err := p.write(f.format, e.sheet); err != nil {
		return err
	}
	code := e.sheet.Exit()
	if h.root == "/" && os.Geteuid() != 0 && code != 0 {
		fmt.Fprintln(p.Stderr, "seawall: not run as root: what root alone may read is unknown, and sshd itself may not have been asked")
	}
	return console.Exit(code)
}

// write writes the report in one of the formats.
func (p *program) write(format string, s *sheet.Sheet) error {
	writers := map[string]func(io.Writer, *sheet.Sheet) error{
		"json": report.Document, "jsonl": report.Lines, "sarif": sarif.Write, "junit": junit.Write, "ocsf": ocsf.Write,
		"markdown": markdown.Write, "html": page.Write,
	}
	if write := writers[format]; write != nil {
		return write(p.Stdout, s)
	}
	return report.Table(p.Stdout, s, p.Options())
}

// isFamily refuses what is no family of checks.
func isFamily(pol *policy.Policy, name string) error {
	var known []string
	for _, c := range pol.Checks() {
		known = append(known, c.Family)
	}
	slices.Sort(known)
	if known = slices.Compact(known); !slices.Contains(known, name) {
		return near.Unknown("family", name, known)
	}
	return nil
}

// evaluation is one look at a host.
type evaluation struct {
	policy *policy.Policy
	facts  facts.Facts
	sheet  *sheet.Sheet // with remediation for the host's distribution
}

// evaluate looks at the host once, reading only what the named checks of s need.
func (h *host) evaluate(cmd *cobra.Command, names []string, s *standard.Standard) (*evaluation, error) {
	env, err := h.env()
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
	e := &evaluation{policy: s.Policy, facts: h.read(cmd, env, groups)}
	if err := cmd.Context().Err(); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	e.sheet = sheet.New(sheet.Sheet{
		Host: h.describe(env, &e.facts), Profile: s.Config().Profile, Named: names, Time: now, Version: service.ReadBuild().Version,
		Results: s.Evaluate(&e.facts, now, ids), Checks: s.Policy.Pack(e.facts.System.Family).Checks,
	})
	return e, nil
}

// read reads groups of facts, and says on a terminal how far that is.
func (h *host) read(cmd *cobra.Command, env fact.Env, groups []string) facts.Facts {
	r := facts.NewReader(env)
	if h.watch != nil {
		slices.Sort(groups)
		groups = slices.Compact(groups)
		stop := h.watch("reading this host", len(groups), func() []string {
			f := r.Facts()
			return slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return f.Meta(g).State != "" })
		})
		defer stop()
	}
	return r.Read(cmd.Context(), groups...)
}
