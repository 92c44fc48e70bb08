package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// runRate has hosts find as much as the collector takes, in full batches, and
// counts what it acknowledges.
func runRate(ctx context.Context, f *fleet, out io.Writer) error {
	if err := f.ready(ctx, out); err != nil {
		return err
	}
	making, stop := context.WithCancel(ctx)
	defer stop()
	made := make(chan struct{})
	go func() {
		defer close(made)
		f.flood(making)
	}()
	seconds, cpu, err := f.count(ctx)
	if err != nil {
		return err
	}
	memory, err := f.collector.Memory()
	if err != nil {
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
	total := 0
	for _, n := range seconds {
		total += n
	}
	fmt.Fprintf(out, "rate     %d streams: %d findings per second over %d s (worst second %d, median %d); collector %.1f µs of processor each, %s resident\n",
		len(f.hosts), total/len(seconds), len(seconds), quantile(seconds, 0), quantile(seconds, .5), float64(cpu.Microseconds())/float64(total), mb(memory))
	fmt.Fprintf(out, "rate     %d findings, each once in the database\n", findings)
	return nil
}

// flood lets one host after the other find a batch, as long as no more than the
// window waits for its acknowledgement, until ctx ends.
func (f *fleet) flood(ctx context.Context) {
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	began := f.tally.Acked.Load()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		for int64(n*f.opt.batch)-(f.tally.Acked.Load()-began) < int64(f.opt.window) {
			f.hosts[n%len(f.hosts)].Make(f.opt.batch)
			n++
		}
	}
}

// count returns what was acknowledged, second by second, and the collector's
// processor time meanwhile.
func (f *fleet) count(ctx context.Context) ([]int, time.Duration, error) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	before, err := f.collector.Processor()
	if err != nil {
		return nil, 0, err
	}
	var seconds []int
	last := f.tally.Acked.Load()
	for range max(int(f.opt.span/time.Second), 1) {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-second.C:
		}
		now := f.tally.Acked.Load()
		seconds = append(seconds, int(now-last))
		last = now
	}
	after, err := f.collector.Processor()
	return seconds, after - before, err
}

// runStall stalls the store while every host has more to send than it may, and
// looks at the collector's memory each second.
func runStall(ctx context.Context, f *fleet, out io.Writer) error {
	if err := f.ready(ctx, out); err != nil {
		return err
	}
	calm, err := f.watch(ctx, min(f.opt.span, 10*time.Second))
	if err != nil {
		return err
	}
	stall := f.collector.Lock
	if f.opt.stallBy == "freeze" {
		stall = f.collector.Freeze
	}
	stalling, release := context.WithCancel(ctx)
	defer release()
	released, held := make(chan error, 1), make(chan struct{})
	go func() { released <- stall(stalling, func() { close(held) }) }()
	select {
	case err := <-released:
		return err
	case <-held:
	}
	for _, h := range f.hosts {
		h.Make(100 * f.opt.batch)
	}
	memory, err := f.watch(ctx, f.opt.stall)
	if err != nil {
		return err
	}
	release()
	if err := <-released; err != nil {
		return err
	}
	acked := f.tally.Acked.Load()
	after, err := f.watch(ctx, f.opt.span)
	if err != nil {
		return err
	}
	acked = f.tally.Acked.Load() - acked
	findings, err := f.verify(ctx, false)
	if err != nil {
		return err
	}
	tail := memory[len(memory)/2:]
	fmt.Fprintf(out, "stall    store stalled by %s for %v, %d hosts push: %s before; least %s, median %s, most %s; second half %s to %s; most %s after it\n",
		f.opt.stallBy, f.opt.stall, len(f.hosts), mb(quantile(calm, 1)), mb(quantile(memory, 0)), mb(quantile(memory, .5)),
		mb(quantile(memory, 1)), mb(quantile(tail, 0)), mb(quantile(tail, 1)), mb(quantile(after, 1)))
	fmt.Fprintf(out, "stall    by second %s\n", bars(compress(memory)))
	fmt.Fprintf(out, "stall    %d findings stored in %v after it; %d in all, each once in the database\n", acked, f.opt.span, findings)
	f.rest()
	return nil
}

// compress makes at most 80 values of many, each the most of its neighbours, in MB.
func compress(values []int64) []int {
	step := max((len(values)+79)/80, 1)
	var out []int
	for i := 0; i < len(values); i += step {
		out = append(out, int(quantile(values[i:min(i+step, len(values))], 1)/1e6))
	}
	return out
}
