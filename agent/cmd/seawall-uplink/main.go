// Command seawall-uplink carries what the sensor writes to its spool to the
// collector. It has no privileges and decodes nothing; see package uplink.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"seawall/pkg/startup"
	"seawall/pkg/unitctl"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitConfig = 2
	exitWaits  = 3 // enroll: for a person's approval
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	p := newProgram()
	code := p.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// newProgram returns the program with what this process has.
func newProgram() *program {
	return &program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		units: unitctl.Run, unitDir: "/usr/lib/systemd/system"}
}

// main runs the program and returns its exit code.
func (p *program) main(ctx context.Context, args []string) int {
	cmd := p.command()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(p.stderr, "seawall-uplink:", strings.TrimSuffix(line, "\n"))
	}
	if !p.begun.IsZero() && !errors.Is(err, errStale) {
		startup.Failed(ctx, p.begun, err, p.files...)
	}
	switch {
	case errors.As(err, new(configError)):
		return exitConfig
	case errors.Is(err, errPending):
		return exitWaits
	}
	return exitFailed
}
