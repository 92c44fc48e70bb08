package fault

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fault is one line of the list.
type fault struct {
	id       string // F01 to F54
	name     string
	injected string
	expected string
	// run injects the fault, demands what is expected, and says what it saw.
	run func(t *testing.T) string
}

// elsewhere are the faults that this process cannot have, each with the reason and
// with where it is tried.
func elsewhere() []fault {
	return []fault{
		{id: "F26", name: "audit rules locked", injected: "auditctl -e 2 lasts until the machine is booted again, and this one is shared"},
		{id: "F27", name: "booted with audit=0", injected: "needs a boot: scripts/vmtest"},
		{id: "F40", name: "package upgrade cut short", injected: "needs an installed package"},
		{id: "F50", name: "power cut", injected: "needs a machine to cut: agent/spool simulates the disk, F03 what a cut leaves"},
	}
}

func faults() []fault {
	return slices.Concat(spoolFaults(), diskFaults(), hostFaults(), auditFaults(), collectorFaults(), tlsFaults(), networkFaults(),
		peerFaults(), identityFaults())
}

// TestFaults runs every fault and prints a line of each.
func TestFaults(t *testing.T) {
	all := faults()
	slices.SortFunc(all, func(a, b fault) int { return strings.Compare(a.id, b.id) })
	lines := &lines{pending: map[int]string{}}
	var passed, failed int
	t.Run("list", func(t *testing.T) {
		for i, f := range all {
			t.Run(f.id, func(t *testing.T) {
				t.Parallel()
				start := time.Now()
				seen := "see the log of the test"
				defer func() {
					verdict := "ok"
					if t.Failed() {
						verdict = "FAIL"
					}
					lines.mu.Lock()
					defer lines.mu.Unlock()
					if t.Failed() {
						failed++
					} else {
						passed++
					}
					lines.print(i, fmt.Sprintf("%s  %-24s injected: %s  expected: %s  seen: %s  %s %.1f s",
						f.id, f.name, f.injected, f.expected, seen, verdict, time.Since(start).Seconds()))
				}()
				seen = f.run(t)
			})
		}
	})
	lines.rest(len(all))
	for _, f := range elsewhere() {
		fmt.Fprintf(os.Stdout, "%s  %-24s not here: %s\n", f.id, f.name, f.injected)
	}
	fmt.Fprintf(os.Stdout, "faults: %d ok, %d failed, %d not here\n", passed, failed, len(elsewhere()))
}

// TestListed holds the list to be whole: each fault once.
func TestListed(t *testing.T) {
	count := map[string]int{}
	for _, f := range slices.Concat(faults(), elsewhere()) {
		count[f.id]++
	}
	for n := 1; n <= 54; n++ {
		if id := fmt.Sprintf("F%02d", n); count[id] != 1 {
			t.Errorf("%s stands %d times in the list", id, count[id])
		}
	}
}

// lines prints in order what arrives in any.
type lines struct {
	mu      sync.Mutex
	pending map[int]string
	next    int
}

func (l *lines) print(i int, line string) {
	l.pending[i] = line
	for {
		line, ok := l.pending[l.next]
		if !ok {
			return
		}
		fmt.Fprintln(os.Stdout, line)
		delete(l.pending, l.next)
		l.next++
	}
}

// rest prints what waits for faults that were not chosen to run.
func (l *lines) rest(n int) {
	for i := range n {
		if line, ok := l.pending[i]; ok {
			fmt.Fprintln(os.Stdout, line)
		}
	}
}
