package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	dir := flag.String("cases", "cases", "`folder` with the cases")
	where := flag.String("where", container, "the kind of machine that this is: container or vm")
	seawall := flag.String("seawall", "/usr/bin/seawall", "the `program` that checks")
	look := flag.String("look", "", "`names` of the checks and families to look at each time, separated by commas; default all")
	narrow := flag.Bool("narrow", false, "look at the families of the checks that a fault is about, and no others")
	share := flag.String("part", "1/1", "which `part` of the cases, as 2/3 for the second of three")
	list := flag.Bool("packages", false, "print the packages that the cases need, and break nothing")
	flag.Parse()
	all, err := Load(*dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "plant:", err)
		os.Exit(2)
	}
	cases := choose(all, *where, flag.Args())
	var k, n int
	if _, err := fmt.Sscanf(*share, "%d/%d", &k, &n); err != nil || k < 1 || k > n {
		fmt.Fprintf(os.Stderr, "plant: part %q is not of the form 2/3\n", *share)
		os.Exit(2)
	}
	if *list {
		fmt.Println(strings.Join(packages(cases), "\n"))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	h := &host{seawall: *seawall, names: strings.FieldsFunc(*look, func(r rune) bool { return r == ',' }), narrow: *narrow}
	os.Exit(h.all(ctx, part(rounds(cases), k, n)))
}

// around says of a round whether the one before has prepared the same for it, and
// the one after wants to find it.
type around struct{ before, after bool }

// all runs the rounds in turn and returns the program's exit status.
func (h *host) all(ctx context.Context, list []round) int {
	var bad []string
	start := time.Now()
	var before state
	var like around
	faults := 0
	for i, r := range list {
		if ctx.Err() != nil {
			return 2
		}
		begin := time.Now()
		faults += len(r)
		changed, err := h.install(ctx, r.needs())
		if changed || h.narrow && !slices.Equal(h.names, r.families()) {
			before = nil
		}
		if h.narrow {
			h.names = r.families()
		}
		if err == nil {
			like.after = i+1 < len(list) && r.like(list[i+1])
			before, err = h.do(ctx, r, before, like)
			like.before = like.after && err == nil
		}
		names := strings.Join(r.checks(), " ")
		if err != nil {
			bad = append(bad, names)
			before = nil
			fmt.Printf("WRONG %s (%s): %s\n", names, r[0].place(), strings.ReplaceAll(err.Error(), "\n", "\n      "))
			continue
		}
		fmt.Printf("ok    %.1f s %s\n", time.Since(begin).Seconds(), names)
	}
	fmt.Printf("plant: %d faults in %.0f s and %d looks, wrong: %s\n", faults, time.Since(start).Seconds(), h.looks,
		cmp.Or(strings.Join(bad, " "), "none"))
	if len(bad) > 0 {
		return 1
	}
	return 0
}
