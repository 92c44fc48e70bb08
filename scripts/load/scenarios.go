package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"seawall/scripts/load/host"
)

// runEnrol enrols the hosts that are missing, all with one token, and shows that
// one more host is refused.
func runEnrol(ctx context.Context, f *fleet, out io.Writer) error {
	cpu, err := f.collector.Processor()
	if err != nil {
		return err
	}
	before, began := len(f.members), time.Now()
	times, err := f.enrol(ctx, f.opt.hosts, f.opt.atOnce)
	if err != nil {
		return err
	}
	took := time.Since(began)
	used, err := f.collector.Processor()
	if err != nil {
		return err
	}
	ids := make(map[string]bool)
	for _, m := range f.members {
		ids[m.ID] = true
	}
	if len(ids) != len(f.members) {
		return fmt.Errorf("%d hosts have %d ids", len(f.members), len(ids))
	}
	if len(f.members) == before {
		fmt.Fprintf(out, "enrol    %d hosts, all enrolled before\n", before)
		return nil
	}
	fmt.Fprintf(out, "enrol    %d hosts by one token, %d at once, in %.1f s: %.0f per second, median %v, slowest %v, %d ids; collector %.1f ms of processor each\n",
		len(times), min(f.opt.atOnce, len(times)), took.Seconds(), float64(len(times))/took.Seconds(),
		quantile(times, .5).Round(time.Millisecond), quantile(times, 1).Round(time.Millisecond), len(ids),
		float64((used-cpu).Milliseconds())/float64(len(times)))
	return f.replay(ctx, out)
}

// replay shows that a token enrols one host and not two.
func (f *fleet) replay(ctx context.Context, out io.Writer) error {
	t, err := f.collector.Token(ctx, 1)
	if err != nil {
		return err
	}
	if _, _, err = f.enrolOne(ctx, t, len(f.members)); err != nil {
		return err
	}
	if _, _, err = f.enrolOne(ctx, t, len(f.members)+1); err == nil {
		return errors.New("a token for one host enrolled two")
	}
	fmt.Fprintf(out, "enrol    a token for one host refuses the second: %v\n", err)
	return nil
}

// ready has all hosts enrolled and connected, and their first whole state stored.
func (f *fleet) ready(ctx context.Context, out io.Writer) error {
	if f.hosts != nil {
		return nil
	}
	if _, err := f.enrol(ctx, f.opt.hosts, f.opt.atOnce); err != nil {
		return err
	}
	began := time.Now()
	if err := f.connect(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "connect  %d hosts in %.1f s\n", len(f.hosts), time.Since(began).Seconds())
	began = time.Now()
	acked := f.tally.Acked.Load()
	for _, h := range f.hosts {
		if h.Identity().Made < f.set.Whole() {
			h.Make(int(f.set.Whole()))
		}
	}
	if err := f.drained(ctx); err != nil {
		return err
	}
	if n := f.tally.Acked.Load() - acked; n > 0 {
		fmt.Fprintf(out, "connect  %d results of first whole states in %.1f s: %.0f per second\n", n, time.Since(began).Seconds(), float64(n)/time.Since(began).Seconds())
	}
	return nil
}

// drained waits until everything made is acknowledged.
func (f *fleet) drained(ctx context.Context) error {
	return f.await(ctx, "everything is acknowledged", 10*time.Minute, func() bool { return f.pending() == 0 })
}

// runIdle lets streams rest and looks at the collector's memory.
func runIdle(ctx context.Context, f *fleet, out io.Writer) error {
	if err := f.ready(ctx, out); err != nil {
		return err
	}
	cpu, err := f.collector.Processor()
	if err != nil {
		return err
	}
	memory, err := f.watch(ctx, f.opt.span)
	if err != nil {
		return err
	}
	used, err := f.collector.Processor()
	if err != nil {
		return err
	}
	last := memory[len(memory)-1]
	fmt.Fprintf(out, "idle     %d streams: %s resident after %v (most %s), %.1f KB each; %.1f %% of a processor\n", len(f.hosts), mb(last),
		f.opt.span, mb(quantile(memory, 1)), float64(last)/1e3/float64(len(f.hosts)), 100*(used-cpu).Seconds()/f.opt.span.Seconds())
	return nil
}

// watch looks at the collector's memory each second.
func (f *fleet) watch(ctx context.Context, span time.Duration) ([]int64, error) {
	end := time.NewTimer(span)
	defer end.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var memory []int64
	for {
		m, err := f.collector.Memory()
		if err != nil {
			return nil, err
		}
		memory = append(memory, m)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-end.C:
			return memory, nil
		case <-second.C:
		}
	}
}

// runRestart stops the collector, then kills it, each time while hosts find things,
// and looks at how they come back.
func runRestart(ctx context.Context, f *fleet, out io.Writer) error {
	if err := f.ready(ctx, out); err != nil {
		return err
	}
	for _, signal := range []syscall.Signal{sigterm, sigkill} {
		if err := f.restart(ctx, signal, out); err != nil {
			return fmt.Errorf("%v: %w", signal, err)
		}
	}
	return nil
}

func (f *fleet) restart(ctx context.Context, signal syscall.Signal, out io.Writer) error {
	making, stop := context.WithCancel(ctx)
	defer stop()
	made := make(chan struct{})
	go func() {
		defer close(made)
		find(making, f.hosts, f.opt.rate)
	}()
	if _, err := f.watch(ctx, min(f.opt.span, 5*time.Second)); err != nil {
		return err
	}
	repeated, began := f.tally.Repeated.Load(), time.Now()
	if err := f.collector.End(signal); err != nil {
		return err
	}
	gone := time.Since(began)
	if err := f.collector.Start(ctx); err != nil {
		return err
	}
	up := time.Since(began)
	if err := f.await(ctx, "all hosts are back", 5*time.Minute, f.complete); err != nil {
		return err
	}
	back := time.Since(began)
	if _, err := f.watch(ctx, f.opt.span); err != nil { // an echo comes later
		return err
	}
	stop()
	<-made
	if err := f.drained(ctx); err != nil {
		return err
	}
	findings, err := f.verify(ctx, true)
	if err != nil {
		return err
	}
	attempts, welcomes := f.tally.Since(began)
	fmt.Fprintf(out, "restart  %v: gone after %.1f s, up after %.1f s, all %d back after %.1f s (median %.1f s); echo: %s\n", signal,
		gone.Seconds(), up.Seconds(), len(f.hosts), back.Seconds(), quantile(welcomes, .5).Seconds(), secondWave(welcomes))
	fmt.Fprintf(out, "restart  back by second %s\n", bars(histogram(welcomes)))
	fmt.Fprintf(out, "restart  tried by second %s: %d\n", bars(histogram(attempts)), len(attempts))
	fmt.Fprintf(out, "restart  %d findings, each once in the database, %d records were sent twice\n", findings, f.tally.Repeated.Load()-repeated)
	return nil
}

func secondWave(times []time.Duration) string {
	if at := echo(histogram(times)); at >= 0 {
		return fmt.Sprintf("at %d s", at)
	}
	return "none"
}

// find lets hosts find so much a second until ctx ends.
func find(ctx context.Context, hosts []*host.Host, rate int) {
	const steps = 20
	step := time.NewTicker(time.Second / steps)
	defer step.Stop()
	next := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-step.C:
		}
		for range max(rate/steps, 1) {
			hosts[next%len(hosts)].Make(1)
			next += 7 // no neighbour of the one before
		}
	}
}
