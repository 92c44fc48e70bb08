package auditbench

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkSigma is what matching an event with many rules costs, with our matcher and
// with sigma-go's evaluator: the same rules, the same events, in turns. It is scripts/
// sigmacompare that measures, a module of its own.
func BenchmarkSigma(b *testing.B) {
	cmd := exec.Command("go", "run", ".", "-pairs", "20000")
	cmd.Dir = "../sigmacompare"
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	_, table, found := strings.Cut(string(out), "rules  ")
	if !found {
		b.Fatalf("no table in\n%s", out)
	}
	fmt.Fprintf(&summary, "\nmatching an event, rules  %s", table)
	b.ReportMetric(0, "ns/op")
	var ours []float64
	for line := range strings.Lines(table) {
		words := strings.Fields(line) // rules, ours, sigma-go, its bundle, how much more
		if len(words) < 5 {
			continue
		}
		cost, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			continue // the head
		}
		ours = append(ours, cost)
		b.ReportMetric(cost, words[0]+"-rules-µs/event")
		if times, err := strconv.ParseFloat(words[4], 64); err == nil {
			b.ReportMetric(times, words[0]+"-rules-sigma-go/ours")
		}
	}
	if len(ours) != 2 {
		b.Fatalf("not two rows in\n%s", table)
	}
	b.ReportMetric(ours[1]/ours[0], "500/100")
	fmt.Fprintf(&summary, "500 rules cost %.2f times 100\n", ours[1]/ours[0])
}
