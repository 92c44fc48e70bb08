package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"seawall/agent/auditcmd"
	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/facts/kernel"
	"seawall/agent/footprint"
	"seawall/agent/history"
	"seawall/agent/lint"
	"seawall/agent/lookout"
	"seawall/agent/replay"
	"seawall/agent/report"
	"seawall/agent/roomy"
	"seawall/agent/spool"
	"seawall/agent/usage"
	"seawall/agent/watch"
	"seawall/pkg/service"
)

func main() {
	footprint.Small()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{console.Console{Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ()}}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		p.Terminal = true
		p.Width, _, _ = term.GetSize(fd)
	}
	p.ErrTerminal = term.IsTerminal(int(os.Stderr.Fd()))
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is the commands and their surroundings.
type program struct{ console.Console }

// run runs one command line and returns the exit status. Every error is said here
// and nowhere else.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *console.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Err == nil:
		return exit.Code
	case errors.As(err, &exit):
		p.Complain(err)
		return exit.Code
	}
	p.Complain(err)
	return console.Problem
}

// command makes the commands anew, so that one run's flags are not another's.
func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "seawall",
		Short: "Check a host's hardening and watch that it stays hard",
		Long: `Seawall checks how a host is hardened and watches that it stays so: SSH as the
server really behaves, pending security updates, end of life, kernel audit.

"seawall check" looks once and says what is wrong, where it stands and how to
fix it. "seawall sensor" is the daemon that looks again at once whenever
something changes, and says who changed it. No command here changes the host.

Exit status:
  0  all is well
  1  there are findings
  2  something could not be done or evaluated`,
		Example: `  seawall check                  everything, once
  seawall check ssh              one family
  seawall patch                  pending security updates
  seawall explain ssh-ciphers    why, how it is decided, and the fix`,
		Version:       service.ReadBuild().Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usage.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetVersionTemplate("seawall {{.Version}}\n")
	root.AddCommand(
		p.newCheckCommand(), p.newPatchCommand(), p.newExplainCommand(), p.newFactsCommand(), p.newStatusCommand(),
		p.newSensorCommand(), p.newCheckConfigCommand(), lint.Command(&p.Console, facts.Facts{}, linted()), replay.Command(&p.Console), console.Version(&p.Console),
		lookout.Restarts(p.Stdout), lookout.Network(p.Stdout, kernel.Keys()), history.Command(&p.Console, report.Line), watch.Command(&p.Console, followed()), auditcmd.Command(&p.Console), roomy.Command(),
	)
	usage.Finish(root)
	return root
}

// followed is the sensor's spool for those who watch it.
func followed() watch.Spool {
	return watch.Spool{Follow: history.Follow, Hint: history.Hint, Change: report.Change, Record: func(lane string, rec spool.Record) any {
		return history.NewRecord(lane, rec.Position, rec.Payload)
	}}
}
