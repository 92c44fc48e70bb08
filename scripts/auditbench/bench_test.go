package auditbench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes a process of this program one of its other roles.
const roleVariable = "AUDITBENCH"

var (
	roundsFlag  = flag.Int("rounds", 5, "rounds of the benchmark")
	readersFlag = flag.String("readers", "", "only these readers, by name, with commas between")
	loadsFlag   = flag.String("loads", "flat,2000,100,lossless", "loads")
)

// summary is what benchmarks tell at the end: their own logs are cut.
var summary strings.Builder

func TestMain(m *testing.M) {
	name := os.Getenv(roleVariable)
	if name == "" {
		code := m.Run()
		fmt.Print(summary.String())
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	roles := map[string]func() error{
		"generate":    func() error { return generate(os.Args[1:]) },
		"drain":       func() error { return drain(ctx) },
		"uplink":      func() error { return readUplink(ctx, os.Args[1:]) },
		"soak":        func() error { return readSoak(ctx, os.Args[1:]) },
		"seawall":     func() error { return readSeawall(ctx, os.Args[1:]) },
		"go-libaudit": func() error { return readLibaudit(ctx, os.Args[1:]) },
	}
	err := roles[name]()
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// figure is what one reader did with one load.
type figure struct {
	cpu     float64 // µs an event
	core    float64 // % of a core
	rate    float64 // events a second
	worst   float64 // ms
	rss     float64 // MB
	sleeps  float64 // of its threads, an event
	missing float64
}

// forever is how long a system call waits for room in the kernel's queue where nothing is
// to be lost. The kernel's default is a minute, and a waiter that is just not woken waits
// all of it. More than this the sensor takes for that default, and sets it to 0.
const forever = time.Second

// paced are the loads with nothing lost, by name.
func paced() map[string]load {
	return map[string]load{"flat": {30_000, 0}, "2000": {6_000, 2000}, "100": {500, 100}}
}

// ladder are the rates at which loss is looked for.
var ladder = []int{2000, 4500, 6500, 9000, 12_000, 16_000, 22_000, 30_000, 40_000}

// results has the figures of every round by load and reader.
type results map[string]map[string][]figure

func (r results) add(load, reader string, f figure) {
	if r[load] == nil {
		r[load] = map[string][]figure{}
	}
	r[load][reader] = append(r[load][reader], f)
}

// round runs one reader with every load, and tells for how long it held the kernel.
func (r results) round(tb testing.TB, one reader, dir string) (held time.Duration, err error) {
	k, err := holdKernel(forever)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	defer func() {
		k.release()
		held = time.Since(start)
	}()
	return 0, r.turn(tb, k, one, dir)
}

func (r results) turn(tb testing.TB, k *kernel, one reader, dir string) error {
	work, err := os.MkdirTemp(dir, one.name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	run, err := one.begin(k, work)
	if err != nil {
		return err
	}
	defer run.end()
	if _, err := run.measure(load{500, 2000}, dir); err != nil { // what is done once
		return err
	}
	if err := k.set("--backlog_wait_time " + jiffies(forever)); err != nil { // the sensor set its own
		return err
	}
	for _, name := range strings.Split(*loadsFlag, ",") {
		measure := func() (figure, error) { return run.measure(paced()[name], dir) }
		if name == "lossless" {
			measure = func() (figure, error) { return run.lossless(k, dir) }
		}
		f, err := measure()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", one.name, name, err)
		}
		r.add(name, one.name, f)
		tb.Logf("%s %s: %+v", one.name, name, f)
	}
	return nil
}

// measure gives the reader a load and waits until it has all of it, or no more comes.
func (r *running) measure(l load, dir string) (figure, error) {
	events, before, sleeps := r.events(), r.cpu(), r.sleeps()
	start := time.Now()
	m, err := l.run(dir)
	if err != nil {
		return figure{}, err
	}
	got := r.settle(events + int64(l.events))
	took, sleeps := r.cpu()-before, r.sleeps()-sleeps
	if before == 0 || took <= 0 {
		return figure{}, fmt.Errorf("the reader ended")
	}
	return figure{
		cpu:     took.Seconds() * 1e6 / float64(l.events),
		core:    took.Seconds() / time.Since(start).Seconds() * 100,
		rate:    float64(l.events) / m.Took.Seconds(),
		worst:   m.Worst.Seconds() * 1e3,
		rss:     float64(r.rss()) / 1e6,
		sleeps:  float64(sleeps) / float64(l.events),
		missing: float64(events + int64(l.events) - got),
	}, nil
}

// settle waits until the reader has so many events, or has not worked for a while, and
// then for what it does a little later.
func (r *running) settle(want int64) int64 {
	const quiet, late, limit = 1500 * time.Millisecond, 200 * time.Millisecond, 30 * time.Second
	got, since := r.events(), time.Now()
	_ = eventually(limit, "events", func() bool {
		<-time.After(late / 4)
		if now := r.events(); now != got {
			got, since = now, time.Now()
		}
		return got >= want || time.Since(since) > quiet
	})
	<-time.After(late)
	return got
}

// lossless finds the highest rate of the ladder without a loss.
func (r *running) lossless(k *kernel, dir string) (figure, error) {
	if err := k.set("--backlog_wait_time 0"); err != nil {
		return figure{}, err
	}
	best := figure{}
	low, high := 0, len(ladder)
	for low < high {
		mid := (low + high) / 2
		if err := k.set("--reset-lost"); err != nil {
			return figure{}, err
		}
		f, err := r.measure(load{ladder[mid] * 3 / 2, ladder[mid]}, dir)
		if err != nil {
			return figure{}, err
		}
		s, err := k.control.Status()
		if err != nil {
			return figure{}, err
		}
		if f.missing == 0 && s.Lost == 0 {
			low, best = mid+1, f
			best.rate = float64(ladder[mid])
		} else {
			high = mid
		}
	}
	return best, k.set("--backlog_wait_time " + jiffies(forever))
}

// wanted are the readers that are there.
func wanted(tb testing.TB) []reader {
	var list []reader
	for _, r := range readers() {
		if named := slices.Contains(strings.Split(*readersFlag, ","), r.name); !named && (*readersFlag != "" || r.extra) {
			continue
		}
		missing := slices.ContainsFunc(r.needs, func(name string) bool {
			_, err := exec.LookPath(name)
			return err != nil
		})
		if missing {
			tb.Logf("%s is not installed", r.name)
			continue
		}
		list = append(list, r)
	}
	return list
}

// BenchmarkReaders measures all readers in turns, and reports medians.
func BenchmarkReaders(b *testing.B) {
	need(b)
	dir, err := os.MkdirTemp("", "auditbench")
	if err == nil {
		defer os.RemoveAll(dir)
		err = makeFiles(dir)
	}
	if err != nil {
		b.Fatal(err)
	}
	const others = time.Second // to whoever waits for the kernel
	r, list := results{}, wanted(b)
	var sum, longest time.Duration
	for range *roundsFlag {
		for _, one := range list {
			<-time.After(others)
			held, err := r.round(b, one, dir)
			if err != nil {
				fmt.Fprintf(&summary, "a round without %s: %v\n", one.name, err)
			}
			sum, longest = sum+held, max(longest, held)
		}
	}
	b.StopTimer()
	for _, name := range strings.Split(*loadsFlag, ",") {
		for _, one := range list {
			b.Run(filepath.Join(name, one.name), func(b *testing.B) { report(b, r[name][one.name], r[name][compared]) })
		}
	}
	summary.WriteString(r.table(strings.Split(*loadsFlag, ",")))
	fmt.Fprintf(&summary, "\nthe kernel was held for %.0f s, %.0f s at a time at most\n", sum.Seconds(), longest.Seconds())
}

// report tells the medians of one reader's figures, and what its CPU is of base's.
func report(b *testing.B, figures, base []figure) {
	b.Helper()
	for unit, of := range map[string]func(figure) float64{
		"cpu-µs/event": figure.ofCPU, "cpu-%": figure.ofCore, "events/s": figure.ofRate, "worst-ms": figure.ofWorst,
		"rss-MB": figure.ofRSS, "missing": func(f figure) float64 { return f.missing },
		"sleeps/event": func(f figure) float64 { return f.sleeps },
	} {
		b.ReportMetric(median(figures, of), unit)
	}
	if whole := median(base, figure.ofCPU); whole > 0 {
		b.ReportMetric(median(figures, figure.ofCPU)/whole, "of-"+compared)
	}
	b.ReportMetric(0, "ns/op")
}
