package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"seawall/pkg/sigma/event"
)

func main() {
	pairs := flag.Int("pairs", 200_000, "how many random pairs of rule and event to compare")
	rounds := flag.Int("rounds", 5, "how often to measure each")
	seed := flag.Uint64("seed", 1, "of the random rules")
	flag.Parse()
	if err := run(os.Stdout, *pairs, *rounds, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "sigmacompare:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, pairs, rounds int, seed uint64) error {
	matched, err := compare(pairs, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d random pairs: all verdicts are the same, %d of them matches\n\n", pairs, matched)
	if err := listDifferences(w); err != nil || rounds == 0 {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "rules\tours, µs/event\tsigma-go\tits bundle\tsigma-go of ours")
	for _, rules := range []int{100, 500} {
		costs, err := measure(rules, rounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%d\t%.2f\t%.0f\t%.0f\t%.0f ×\n", rules, costs[0], costs[1], costs[2], min(costs[1], costs[2])/costs[0])
	}
	return t.Flush()
}

// listDifferences tells the known differences, and fails if one is not as said.
func listDifferences(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "detection\tevent\tours\tsigma-go\twhy")
	for _, d := range differences() {
		text := "title: t\nlogsource: {product: linux}\ndetection: " + d.detection + "\n"
		o, err := newOurs(text, []string{"a", "b"})
		if err != nil {
			return err
		}
		says := "cannot be read"
		if theirs, err := newTheirs(text); err == nil {
			says = theirs.matches(d.event)
		}
		if got := o.matches(d.event, 1); got != d.ours || !strings.HasPrefix(says, d.theirs) {
			return fmt.Errorf("%s with %q: ours says %q, sigma-go %q; the list says %q and %q", d.detection, d.event, got, says, d.ours, d.theirs)
		}
		if d.why != "" {
			fmt.Fprintf(t, "%s\t%q\t%s\t%.20s\t%s\n", d.detection, map[string]string(d.event), d.ours, says, d.why)
		}
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// compare gives random events to random rules, and fails at a different verdict.
func compare(pairs int, random *rand.Rand) (matched int, err error) {
	const rules, events = 20, 25
	for done := 0; done < pairs; done += rules * events {
		var texts []string
		for range rules {
			texts = append(texts, randomRule(random))
		}
		text := strings.Join(texts, "---\n")
		o, err := newOurs(text, []string{"a", "b", "ip", "n"})
		if err != nil {
			return 0, err
		}
		t, err := newTheirs(text)
		if err != nil {
			return 0, fmt.Errorf("%w\n%s", err, text)
		}
		for range events {
			e := fields{"a": randomText(random), "b": randomText(random), "ip": fmt.Sprintf("10.%d.0.1", random.IntN(3)), "n": fmt.Sprint(random.IntN(20) - 5)}
			got, want := o.matches(e, rules), t.matches(e)
			for i := range rules {
				if got[i] != want[min(i, len(want)-1)] || len(want) != rules {
					return 0, fmt.Errorf("ours says %s, sigma-go %s of %q\n%s", got[i:i+1], want, e, texts[i])
				}
			}
			matched += strings.Count(got, "x")
		}
	}
	return matched, nil
}

func pick(random *rand.Rand, list ...string) string { return list[random.IntN(len(list))] }

func randomText(random *rand.Rand) string {
	var text strings.Builder
	for range random.IntN(5) {
		text.WriteString(pick(random, "a", "B", "ab", "/bin/", "sh", " -c ", "é", "É", "x", "1", "YQ==", "'", "."))
	}
	return text.String()
}

// randomRule is of what both engines support.
func randomRule(random *rand.Rand) string {
	test := func() string {
		field, modifier := pick(random, "a", "b"), pick(random, "", "|contains", "|startswith", "|endswith", "|contains|all", "|re", "|cidr", "|gt", "|gte", "|lt", "|lte", "|base64", "|base64|contains")
		switch modifier {
		case "|re":
			return fmt.Sprintf("%s|re: '%s'", field, pick(random, "a+b", "^/bin", "(sh|x)$", "[ab]{2}", "(?i)é", "b.*1"))
		case "|cidr":
			return "ip|cidr: " + pick(random, "10.0.0.0/8", "10.1.0.0/16", "'::/0'")
		case "|gt", "|gte", "|lt", "|lte":
			return fmt.Sprintf("n%s: %d", modifier, random.IntN(15)-3)
		}
		var list []string
		for range 1 + random.IntN(3) {
			list = append(list, "'"+strings.ReplaceAll(randomText(random), "'", "''")+"'")
		}
		if strings.HasPrefix(modifier, "|base64") {
			list = []string{pick(random, "'a'", "'ab'")}
		}
		return fmt.Sprintf("%s%s: [%s]", field, modifier, strings.Join(list, ", "))
	}
	selection := func() string {
		first, second := test(), test()
		if name, _, _ := strings.Cut(second, ":"); strings.HasPrefix(first, name+":") || random.IntN(2) == 0 {
			return fmt.Sprintf("[{%s}, {%s}]", first, second)
		}
		return fmt.Sprintf("{%s, %s}", first, second)
	}
	condition := pick(random, "s1", "s1 and s2", "s1 or not s2", "s1 and not f1", "1 of s*", "all of s*", "all of them", "1 of them", "not (s1 and s2) or f1", "s1 or s2 and f1")
	return fmt.Sprintf("title: t\nlogsource: {product: linux}\ndetection:\n  s1: %s\n  s2: %s\n  f1: %s\n  condition: %s\n", selection(), selection(), selection(), condition)
}

// measure returns the medians of µs per event: ours, theirs, their bundle.
func measure(rules, rounds int) (medians [3]float64, err error) {
	text := benchRules(rules)
	o, err := newOurs(text, strings.Split(benchFields, " "))
	if err != nil {
		return medians, err
	}
	t, err := newTheirs(text)
	if err != nil {
		return medians, err
	}
	var filled []*event.Event
	var plain []map[string]any
	for _, e := range benchEvents() {
		filled = append(filled, new(event.Event))
		o.fill(filled[len(filled)-1], e)
		plain = append(plain, values(e))
	}
	ctx := context.Background()
	ways := []func(i int){
		func(i int) { o.m.Match(filled[i%len(filled)], o.s) },
		func(i int) {
			for _, rule := range t.rules {
				if _, err = rule.Matches(ctx, plain[i%len(plain)]); err != nil {
					return
				}
			}
		},
		func(i int) { _, err = t.bundle.Matches(ctx, plain[i%len(plain)]) },
	}
	var costs [3][]float64
	for range rounds {
		for k, way := range ways {
			before, n := cpu(), 0
			for ; n%len(filled) != 0 || cpu()-before < 300*time.Millisecond; n++ {
				way(n)
			}
			if err != nil {
				return medians, err
			}
			costs[k] = append(costs[k], float64(cpu()-before)/float64(n)/1e3)
		}
	}
	for k := range medians {
		slices.Sort(costs[k])
		medians[k] = costs[k][len(costs[k])/2]
	}
	return medians, nil
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
