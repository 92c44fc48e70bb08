// Command seawall-uplink carries what the sensor writes to its spool to the
// collector. It has no privileges and decodes nothing; see package uplink.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
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
	p := program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	code := p.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// main runs the program and returns its exit code.
func (p *program) main(ctx context.Context, args []string) int {
	cmd := p.command()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(p.stderr, "seawall-uplink:", err)
	switch {
	case errors.As(err, new(configError)):
		return exitConfig
	case errors.Is(err, errPending):
		return exitWaits
	}
	return exitFailed
}
