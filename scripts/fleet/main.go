// Fleet fills a collector's store with a large fleet and its past, and measures what
// people then wait for.
//
//	go run ./scripts/fleet [flags] fill|pages|size…
//
//	fill    makes FOLDER/state/collector.db, see package fill, or with -store fills an
//	        empty PostgreSQL database. "seawall-collector migrate" copies the one into
//	        the other, which is faster.
//	pages   runs the collector as it is shipped on it, follows the links of its
//	        dashboard, and reads each kind of page many times: median and 95th
//	        percentile. The first of them that is slower than -limit is an error.
//	size    bytes of the database for each host, in all and by table
//
// The folder serves "scripts/load live", too, which times a finding on its way from a
// host to an open page of the same collector.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"seawall/scripts/fleet/fill"
)

// options is the command line.
type options struct {
	plan    fill.Plan
	folder  string
	store   string
	program string
	reads   int
	limit   time.Duration
}

// database is where the store is, as the collector's option --store names it.
func (o *options) database() string {
	if o.store != "" {
		return o.store
	}
	return filepath.Join(o.folder, "state", "collector.db")
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o := options{plan: fill.Plan{Now: time.Now().UTC()}}
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.IntVar(&o.plan.Hosts, "hosts", 10_000, "fill: hosts")
	f.IntVar(&o.plan.Days, "days", 90, "fill: days of changes")
	f.Uint64Var(&o.plan.Seed, "seed", 1, "fill: the same seed makes the same fleet")
	f.IntVar(&o.reads, "reads", 40, "pages: how often each kind of page is read")
	f.DurationVar(&o.limit, "limit", 100*time.Millisecond, "pages: the 95th percentile that a page must keep")
	f.StringVar(&o.folder, "folder", filepath.Join(os.TempDir(), "seawall-fleet"), "where the collector's state is kept")
	f.StringVar(&o.store, "store", "", "URL of a PostgreSQL database, postgres://…; default: a file in the folder")
	f.StringVar(&o.program, "collector", "", "pages: seawall-collector to run; default: built from this tree")
	if err := f.Parse(args); err != nil {
		return err
	}
	steps := map[string]func(context.Context, *options, io.Writer) error{"fill": runFill, "pages": runPages, "size": runSize}
	if f.NArg() == 0 {
		return fmt.Errorf("which of fill, pages, size?")
	}
	for _, name := range f.Args() {
		step := steps[name]
		if step == nil {
			return fmt.Errorf("no step %q", name)
		}
		if err := step(ctx, &o, out); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func runFill(ctx context.Context, o *options, out io.Writer) error {
	if err := os.MkdirAll(filepath.Join(o.folder, "state"), 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(o.database()); err == nil {
		return fmt.Errorf("%s is there already: remove it first", o.database())
	}
	began := time.Now()
	if err := o.plan.Into(ctx, o.database(), os.Stderr); err != nil {
		return err
	}
	fmt.Fprintf(out, "fill   %d hosts, %d checks, %d days in %v\n", o.plan.Hosts, fill.Checks, o.plan.Days, time.Since(began).Round(time.Second))
	// Scripts/load begins anew in a folder that it does not know.
	return os.WriteFile(filepath.Join(o.folder, "hosts.json"), []byte(`{"made":"`+o.plan.Now.Truncate(time.Second).Format(time.RFC3339)+`","members":[]}`), 0o600)
}
