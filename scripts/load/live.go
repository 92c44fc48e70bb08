package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/scripts/load/dashboard"
	"seawall/scripts/load/host"
)

// probeEvery is how often the host that is watched finds something.
const probeEvery = 100 * time.Millisecond

// probe is a host whose findings are awaited on an open page. Its events come in the
// order in which it found them.
type probe struct {
	host *host.Host
	id   string

	mu    sync.Mutex
	found []time.Time // and not yet on the page
	took  []time.Duration
	lost  int
}

// find has the host find something from time to time.
func (p *probe) find(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.mu.Lock()
		p.found = append(p.found, time.Now())
		p.mu.Unlock()
		p.host.Make(1)
	}
}

// event is an event of the open page.
func (p *probe) event(name, data string) {
	var change struct {
		Host string `json:"host"`
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case name == "lost":
		p.lost++
	case name == "change" && json.Unmarshal([]byte(data), &change) == nil && change.Host == p.id && len(p.found) > 0:
		p.took = append(p.took, time.Since(p.found[0]))
		p.found = p.found[1:]
	}
}

// runLive measures how long a finding takes from a host to an open page while others
// find options.rate a second, and another reader loads the overview all the time.
func runLive(ctx context.Context, f *fleet, out io.Writer) error {
	if f.opt.hosts < 2 {
		return fmt.Errorf("%d hosts: one is watched, others load", f.opt.hosts)
	}
	if err := f.ready(ctx, out); err != nil {
		return err
	}
	d, err := f.dashboard(ctx)
	if err != nil {
		return err
	}
	p := &probe{host: f.hosts[0], id: f.hosts[0].Identity().ID}
	acked, began := f.tally.Acked.Load(), time.Now()
	span, stop := context.WithTimeout(ctx, f.opt.span)
	defer stop()
	var pages []time.Duration
	group, span := errgroup.WithContext(span)
	group.Go(func() error { return d.Events(span, "/events?host="+p.id, p.event) })
	group.Go(func() error { p.find(span); return nil })
	group.Go(func() error { find(span, f.hosts[1:], f.opt.rate); return nil })
	group.Go(func() (err error) { pages, err = reload(span, d, "/"); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	if len(p.took) == 0 || p.lost > 0 || len(p.found) > len(p.took)/2+20 {
		return fmt.Errorf("%d findings came to the page, %d did not, %d times some were lost", len(p.took), len(p.found), p.lost)
	}
	rate := float64(f.tally.Acked.Load()-acked) / time.Since(began).Seconds()
	fmt.Fprintf(out, "live     %d findings on an open page under %.0f findings per second: p50 %v, p95 %v, most %v\n", len(p.took), rate,
		quantile(p.took, .5).Round(time.Millisecond), quantile(p.took, .95).Round(time.Millisecond), quantile(p.took, 1).Round(time.Millisecond))
	fmt.Fprintf(out, "live     overview loaded %d times meanwhile: p50 %v, p95 %v\n", len(pages), quantile(pages, .5).Round(time.Millisecond), quantile(pages, .95).Round(time.Millisecond))
	return f.drained(ctx)
}

// reload reads a page until ctx ends, as often as an open page does that is told of
// changes.
func reload(ctx context.Context, d *dashboard.Dashboard, path string) (took []time.Duration, err error) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		page, err := d.Get(ctx, path)
		switch {
		case ctx.Err() != nil:
			return took, nil
		case err != nil:
			return took, err
		case page.Status != 200:
			return took, fmt.Errorf("%s: status %d", path, page.Status)
		}
		took = append(took, page.Took)
		select {
		case <-ctx.Done():
			return took, nil
		case <-tick.C:
		}
	}
}

// dashboard signs in as the administrator of a collector that is new.
func (f *fleet) dashboard(ctx context.Context) (*dashboard.Dashboard, error) {
	address, err := f.collector.Dashboard()
	if err != nil {
		return nil, fmt.Errorf("find the dashboard: %w", err)
	}
	password, err := dashboard.Password(f.opt.folder)
	if err != nil {
		return nil, err
	}
	return dashboard.Open(ctx, address, "admin", password)
}
