package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"seawall/scripts/auditfields/compare"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	ok, err := run(ctx, os.Stdout, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "auditfields:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, args []string) (ok bool, err error) {
	if len(args) == 0 {
		return false, fmt.Errorf("one of log, live and capture is needed")
	}
	c := compare.New()
	switch args[0] {
	case "capture":
		return true, compare.Capture(w, args[1])
	case "log":
		for _, name := range args[1:] {
			if err := c.Log(ctx, name); err != nil {
				return false, err
			}
			c.Report(w) // of all so far
		}
	case "live":
		flags := flag.NewFlagSet("live", flag.ContinueOnError)
		chunks := flags.Int("chunks", 20, "how often to record and compare, at most")
		calls := flags.Int("calls", 50_000, "calls in each")
		seed := flags.Uint64("seed", 0, "of the calls")
		enough := flags.Int("events", 1_000_000, "end when so many were compared")
		keep := flags.String("keep", "", "folder to keep logs in")
		if err := flags.Parse(args[1:]); err != nil {
			return false, fmt.Errorf("read flags: %w", err)
		}
		if err := live(ctx, w, c, extent{*chunks, *calls, *enough, *seed, *keep}); err != nil {
			return false, err
		}
	default:
		return false, fmt.Errorf("unknown word %s", args[0])
	}
	return c.Report(w) == 0, nil
}
