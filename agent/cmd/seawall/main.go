package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"seawall/agent/report"
	"seawall/agent/usage"
	"seawall/pkg/service"
	"seawall/pkg/text"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		p.terminal = true
		p.width, _, _ = term.GetSize(fd)
	}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// The exit statuses.
const (
	exitFindings = 1
	exitProblem  = 2
)

// exit ends the program with a status, when everything has been said.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// exitError ends the program with a status. Where err is nil, what there was to
// say has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// program is what main gives to the commands, and what tests give.
type program struct {
	stdout, stderr io.Writer
	environ        []string
	terminal       bool // stdout is one
	width          int  // of the terminal, 0 where not known
}

// run runs one command line and returns the exit status. Every error is said here
// and nowhere else.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.err == nil:
		return exit.code
	case errors.As(err, &exit):
		p.complain(err)
		return exit.code
	}
	p.complain(err)
	return exitProblem
}

// complain writes an error on a line of its own, and each of several that were
// joined. What an error says is escaped and bounded, so that a name in it cannot
// forge a line.
func (p *program) complain(err error) {
	for _, message := range usage.Messages(err) {
		fmt.Fprintf(p.stderr, "seawall: %s\n", text.Terminal(text.Clean(message, text.Limit)))
	}
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
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetVersionTemplate("seawall {{.Version}}\n")
	root.AddCommand(
		p.newCheckCommand(), p.newPatchCommand(), p.newExplainCommand(), p.newFactsCommand(), p.newWatchCommand(), p.newStatusCommand(),
		p.newSensorCommand(), p.newCheckConfigCommand(), p.newSpoolCommand(), p.newVersionCommand(),
		p.newRestartsCommand(),
	)
	usage.Finish(root)
	return root
}

// options says how reports look here: with colour on a terminal, unless NO_COLOR
// (https://no-color.org) or a dumb terminal speaks against it.
func (p *program) options() report.Options {
	noColor := slices.ContainsFunc(p.environ, func(e string) bool {
		return strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR=" || e == "TERM=dumb"
	})
	return report.Options{Color: p.terminal && !noColor, Width: p.width}
}
