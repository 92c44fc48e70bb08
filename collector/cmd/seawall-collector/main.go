// Command seawall-collector takes what hosts send, keeps it, and shows it.
//
// It listens twice: for hosts (gRPC over TLS 1.3, the host proves its key) and for
// browsers (the dashboard). Everything it keeps is in its state folder: the
// database, its own key, and connection.json, which says how to reach it and holds
// no secret. Started without a terminal it also leaves the administrator's first
// password there, in initial-password, until the first sign-in.
//
// Exit codes: 0 success, 1 an error while running, 2 a wrong configuration.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"seawall/collector/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := newCommand(stdout, stderr)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "seawall-collector: %v\n", err)
	if errors.As(err, new(config.Error)) {
		return 2
	}
	return 1
}
