package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/footprint"
	"seawall/agent/patchview"
	"seawall/agent/report"
	"seawall/agent/usage"
)

// newPatchCommand shows what the checks of the family patch judge. Its JSON and its
// exit statuses are used by programs: they change compatibly or not at all.
func (p *program) newPatchCommand() *cobra.Command {
	var h host
	var format string
	cmd := &cobra.Command{
		Use:   "patch",
		Short: "Show pending security updates and what keeps them back",
		Long: `Patch shows which security updates this host has been told of and has not
installed, those of one source package together, since when, and what keeps them
back: a hold, a preference, an exclude, a subscription. It asks no network and no
package manager, takes no lock and writes nothing.

With --format json the output is one object; docs/patch.schema.json describes it:

  {"status": "known"|"unknown"|"error", "reason", "metadata_age_seconds",
   "packages": [{"name", "arch", "installed", "candidate", "fixed", "source",
     "severity", "label", "reason", "first_seen", "days_pending"}], "other_pending"}

What is not known is null, never 0. Status is unknown where nobody can say what is
pending (no package lists, no security source), and error where files are damaged.

Exit status:
  0  nothing is pending
  1  at least one security update is pending
  2  it is not known, or could not be read`,
		Example: `  seawall patch
  seawall patch --format json | jq '.packages[] | select(.days_pending > 7)'
  seawall patch --root /mnt/image`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.patch(cmd.Context(), h, format) },
	}
	h.addRoot(cmd)
	usage.AddFormat(cmd, &format, "table", "json")
	return cmd
}

// patch looks at the host once and shows it.
func (p *program) patch(ctx context.Context, h host, format string) error {
	footprint.Trim()
	footprint.Brief()
	env, err := h.env()
	if err != nil {
		return err
	}
	f := facts.NewReader(env).Read(ctx, "patch", "system", "restart")
	if err := ctx.Err(); err != nil {
		return err
	}
	view := patchview.New(patchview.Facts{Patch: f.Patch, System: f.System, Restart: f.Restart, Now: time.Now()})
	if format == "json" {
		err = report.JSON(p.Stdout, view)
	} else {
		err = view.Table(p.Stdout, p.Options())
	}
	if err != nil {
		return err
	}
	return console.Exit(view.Exit())
}
