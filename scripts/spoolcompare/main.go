package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
)

func main() {
	step := flag.Int("step", 1, "change every N-th byte; files larger than 16 KiB have theirs chosen so that 4,000 are changed")
	damages := flag.Bool("damage", true, "damage logs")
	only := flag.String("only", "", "try this library alone")
	bench := flag.Bool("bench", true, "measure appends too")
	child := flag.String("child", "", "for this program's own use")
	flag.Parse()
	var err error
	if *child != "" {
		err = runChild(*child, flag.Args())
	} else {
		err = run(*step, *only, *damages, *bench)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "spoolcompare:", err)
		os.Exit(1)
	}
}

// rounds is how often appends are measured; the best counts, since others may use
// the disk.
const rounds = 5

func run(step int, only string, damages, bench bool) error {
	libs := libraries()
	if only != "" {
		libs = slices.DeleteFunc(libs, func(l library) bool { return l.name != only })
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "library\tcase\ttried\twrong records\tpanics\tnot readable\tlost median\tlost max\tlosses located")
	for _, lib := range libs {
		for _, c := range cases() {
			if !damages {
				break
			}
			t, err := try(lib, c, step)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", lib.name, c.name, err)
			}
			fmt.Fprintln(w, t.row(lib.name, c.name))
		}
	}
	if !bench {
		return w.Flush()
	}
	fmt.Fprintln(w, "\nlibrary\tappends/s\tof ours\tappends/s, each synced\tof ours")
	var ours [2]float64
	for i, lib := range libs {
		var best [2]float64
		for range rounds {
			for j, n := range [2]int{20000, 300} {
				v, err := measure(lib, n, j == 1)
				if err != nil {
					return fmt.Errorf("%s: %w", lib.name, err)
				}
				best[j] = max(best[j], v)
			}
		}
		if i == 0 {
			ours = best
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.0f\t%.2f\n", lib.name, best[0], best[0]/ours[0], best[1], best[1]/ours[1])
	}
	return w.Flush()
}
