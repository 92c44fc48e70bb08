package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/pkg/squeeze"
	"seawall/pkg/token"
	"seawall/scripts/load/collector"
	"seawall/scripts/load/host"
	"seawall/scripts/load/sample"
)

// imageBytes is the file system that is frozen; it is sparse.
const imageBytes = 20 << 30

// fleet is the simulated hosts and the collector that they load.
type fleet struct {
	opt       options
	collector *collector.Collector
	address   string // where hosts find it, or what stands before it
	set       *sample.Set
	tally     *host.Tally
	made      time.Time // of the first records; they are the same in every run
	members   []*host.Identity
	hosts     []*host.Host

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// saved is the fleet between two runs.
type saved struct {
	Made    time.Time        `json:"made"`
	Members []*host.Identity `json:"members"`
}

// openFleet starts the collector, and reads the hosts that an earlier run enrolled.
// While a run is on, their file is away: what a killed run knew is lost, and the
// collector would take its hosts for copies. Both begin anew then.
func openFleet(ctx context.Context, opt options) (*fleet, error) {
	f := &fleet{opt: opt, tally: new(host.Tally), made: time.Now().Truncate(time.Second)}
	f.collector = &collector.Collector{Program: opt.program, Folder: opt.folder, Store: opt.store,
		Args: []string{"--max-hosts", "20000"}} // beside those of scripts/fleet
	if err := f.recall(); err != nil {
		return nil, err
	}
	if opt.stallBy == "freeze" {
		if err := f.collector.Mount(ctx, imageBytes); err != nil {
			return nil, err
		}
	}
	var err error
	if f.set, err = sample.New(f.made); err != nil {
		return nil, err
	}
	err = f.collector.Start(ctx)
	f.address = f.collector.Address
	return f, err
}

// recall reads the fleet of an earlier run, unless that was killed or this one has
// a file system of its own.
func (f *fleet) recall() error {
	b, err := os.ReadFile(f.file())
	if errors.Is(err, fs.ErrNotExist) || err == nil && f.opt.stallBy == "freeze" {
		return errors.Join(os.RemoveAll(f.file()), os.RemoveAll(filepath.Join(f.opt.folder, "state")))
	}
	if err != nil {
		return err
	}
	var s saved
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s: %w", f.file(), err)
	}
	f.made, f.members = s.Made, s.Members
	return os.Remove(f.file())
}

func (f *fleet) file() string { return filepath.Join(f.opt.folder, "hosts.json") }

// enrol makes the fleet as large as it should be, so many hosts at once, and
// returns how long each took.
func (f *fleet) enrol(ctx context.Context, want, atOnce int) ([]time.Duration, error) {
	missing := want - len(f.members)
	if missing <= 0 {
		return nil, nil
	}
	t, err := f.collector.Token(ctx, missing)
	if err != nil {
		return nil, err
	}
	first := len(f.members)
	members, times := make([]*host.Identity, missing), make([]time.Duration, missing)
	err = each(missing, atOnce, func(i int) (err error) {
		members[i], times[i], err = f.enrolOne(ctx, t, first+i)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.members = append(f.members, members...)
	return times, nil
}

// enrolOne asks until there is an answer, as a host does. The time is that of all
// attempts.
func (f *fleet) enrolOne(ctx context.Context, t token.Token, number int) (*host.Identity, time.Duration, error) {
	id, err := host.NewIdentity(number)
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	wait := 200 * time.Millisecond
	for {
		err := id.Enrol(ctx, f.address, t)
		if !slices.Contains([]codes.Code{codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded}, status.Code(err)) {
			return id, time.Since(began), err
		}
		pause := time.NewTimer(random(wait))
		select {
		case <-ctx.Done():
			return nil, 0, errors.Join(ctx.Err(), err)
		case <-pause.C:
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// connect runs the hosts, a hundred connections in the making at once, and waits
// until all are welcome.
func (f *fleet) connect(ctx context.Context) error {
	codec, err := squeeze.New(512<<10, 2)
	if err != nil {
		return err
	}
	cfg := host.Config{Address: f.address, Set: f.set, Codec: codec, Tally: f.tally, Batch: f.opt.batch}
	ctx, f.stop = context.WithCancel(ctx)
	for i, id := range f.members[:f.opt.hosts] {
		h, err := host.New(cfg, id)
		if err != nil {
			return err
		}
		f.hosts = append(f.hosts, h)
		f.wg.Go(func() { h.Run(ctx) })
		if err := f.await(ctx, "hosts connect", time.Minute, func() bool { return i-int(f.tally.Connected.Load()) < 100 }); err != nil {
			return err
		}
	}
	return f.await(ctx, "all hosts are connected", time.Minute, f.complete)
}

// complete reports whether every host is connected.
func (f *fleet) complete() bool { return int(f.tally.Connected.Load()) == len(f.hosts) }

// pending is how many records wait in the spools.
func (f *fleet) pending() int {
	n := 0
	for _, h := range f.hosts {
		n += h.Pending()
	}
	return n
}

// await waits until a condition holds, and fails when it does not in time.
func (f *fleet) await(ctx context.Context, what string, limit time.Duration, condition func() bool) error {
	if condition() {
		return nil
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return fmt.Errorf("%s: not within %v: %d connected, %d records pending, streams ended: %v",
				what, limit, f.tally.Connected.Load(), f.pending(), f.tally.Ends())
		case <-poll.C:
		}
	}
	return nil
}

// rest disconnects the hosts and keeps what they know.
func (f *fleet) rest() {
	if f.stop == nil {
		return
	}
	f.stop()
	f.wg.Wait()
	for i, h := range f.hosts {
		h.Trim()
		id := h.Identity()
		f.members[i] = &id
	}
	f.hosts, f.stop = nil, nil
}

// close ends the hosts and the collector, and saves the fleet for the next run.
func (f *fleet) close() error {
	f.rest()
	b, err := json.Marshal(saved{f.made, f.members})
	if err != nil {
		return err
	}
	if f.opt.stallBy == "freeze" {
		return errors.Join(f.collector.End(sigterm), f.collector.Unmount())
	}
	return errors.Join(f.collector.End(sigterm), os.WriteFile(f.file(), b, 0o600))
}

// verify holds the database against the hosts: every record once up to the
// position, which is at least what was acknowledged, and nothing missing. It
// returns how many findings that is. Drained says that everything was acknowledged.
func (f *fleet) verify(ctx context.Context, drained bool) (int, error) {
	// Before the database is read: hosts may go on meanwhile.
	ids := make([]host.Identity, len(f.hosts))
	for i, h := range f.hosts {
		ids[i] = h.Identity()
	}
	stored, err := f.collector.Stored(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	var wrong []string
	for i := range ids {
		id, s := &ids[i], stored[ids[i].ID]
		whole := f.set.Whole()
		changes := int(max(s.Position, whole) - whole)
		total += f.set.Findings(s.Position)
		switch {
		case s.Position < id.Acked || drained && s.Position != id.Made:
			wrong = append(wrong, fmt.Sprintf("host %d: stored to %d, acknowledged to %d, made to %d", id.Number, s.Position, id.Acked, id.Made))
		case s.Changes != changes || s.Distinct != changes || changes > 0 && (s.First != whole+1 || s.Last != s.Position):
			wrong = append(wrong, fmt.Sprintf("host %d: %d changes, %d rows, %d different, from %d to %d", id.Number, changes, s.Changes, s.Distinct, s.First, s.Last))
		case s.Lost > 0 || s.Rejected > 0:
			wrong = append(wrong, fmt.Sprintf("host %d: %d ranges lost, %d records rejected", id.Number, s.Lost, s.Rejected))
		}
	}
	wrong = append(wrong, f.tally.Breaches()...)
	if len(wrong) > 0 {
		return total, fmt.Errorf("%d faults, such as: %v", len(wrong), wrong[:min(len(wrong), 5)])
	}
	return total, nil
}

// each calls do for 0 to n-1, so many at once, and returns the first error.
func each(n, atOnce int, do func(int) error) error {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	errs := make([]error, n)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = do(i)
			<-slots
		})
	}
	wg.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}
