package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"seawall/scripts/load/collector"
)

// options is the command line.
type options struct {
	hosts, atOnce, batch, window int
	rate                         int
	span, stall                  time.Duration
	stallBy                      string
	folder, program, store       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, sigterm)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// scenario is one load with its figures.
type scenario struct {
	name string
	what string
	run  func(context.Context, *fleet, io.Writer) error
}

func scenarios() []scenario {
	return []scenario{
		{"enrol", "hosts that are not enrolled, all at once by one token", runEnrol},
		{"idle", "memory of idle streams", runIdle},
		{"rate", "findings committed per second", runRate},
		{"live", "time from a finding to an open page", runLive},
		{"restart", "collector stopped, then killed, under load", runRestart},
		{"stall", "store that takes nothing, hosts that push", runStall},
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.IntVar(&o.hosts, "hosts", 8000, "simulated hosts")
	f.IntVar(&o.atOnce, "at-once", 1000, "hosts that enrol at once")
	f.IntVar(&o.batch, "batch", 50, "records of a batch, at most")
	f.IntVar(&o.window, "window", 10_000, "rate: findings made and not acknowledged, of all hosts")
	f.IntVar(&o.rate, "rate", 1000, "live, restart: findings made per second")
	f.DurationVar(&o.span, "span", time.Minute, "how long idle, rate, live and the watch after a restart take")
	f.DurationVar(&o.stall, "stall", 5*time.Minute, "stall: how long")
	f.StringVar(&o.stallBy, "stall-by", "lock", "stall: lock (of the database) or freeze (of its file system)")
	f.StringVar(&o.folder, "folder", filepath.Join(os.TempDir(), "seawall-load"), "where the collector's state and the hosts' keys are kept")
	f.StringVar(&o.store, "store", "", "`URL` of a PostgreSQL database; default: a file in -folder")
	f.StringVar(&o.program, "collector", "", "seawall-collector to load; default: built from this tree")
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "usage: load [flags] all|SCENARIO…\n\n")
		for _, s := range scenarios() {
			fmt.Fprintf(f.Output(), "  %-8s %s\n", s.name, s.what)
		}
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(f.Args())
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(o.folder, 0o700), collector.Files(uint64(2*o.hosts+2000))); err != nil {
		return err
	}
	if o.program == "" {
		o.program = filepath.Join(o.folder, "seawall-collector")
		if err := build(ctx, o.program); err != nil {
			return err
		}
	}
	return load(ctx, o, chosen, out)
}

// build builds the collector of this tree.
func build(ctx context.Context, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-w", "-o", program, "seawall/collector/cmd/seawall-collector")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the collector: %w: %s", err, text)
	}
	return nil
}

// choose returns the scenarios with names.
func choose(names []string) ([]scenario, error) {
	if len(names) == 1 && names[0] == "all" {
		return scenarios(), nil
	}
	var chosen []scenario
	for _, name := range names {
		n := len(chosen)
		for _, s := range scenarios() {
			if s.name == name {
				chosen = append(chosen, s)
			}
		}
		if len(chosen) == n {
			return nil, fmt.Errorf("no scenario %q", name)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("which scenario? -help lists them")
	}
	return chosen, nil
}

// load runs scenarios on one fleet. The first that fails ends it.
func load(ctx context.Context, o options, chosen []scenario, out io.Writer) (err error) {
	fl, err := openFleet(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fl.close()) }()
	for _, s := range chosen {
		if err := s.run(ctx, fl, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if ends := fl.tally.Ends(); len(ends) > 0 {
			fmt.Fprintf(out, "%-8s streams and attempts that ended: %s\n", s.name, told(ends))
		}
	}
	return nil
}

// told lists reasons with how often.
func told(ends map[string]int) string {
	var list []string
	for why, n := range ends {
		list = append(list, fmt.Sprintf("%d× %s", n, why))
	}
	return strings.Join(list, "; ")
}
