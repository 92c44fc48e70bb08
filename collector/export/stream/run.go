package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/fleet"
)

// Source is what is asked of the store. All fields must be set.
type Source struct {
	Timeline   func(context.Context, fleet.TimelineQuery) ([]fleet.Event, error)
	Detections func(context.Context, fleet.DetectionQuery) ([]fleet.Detection, error)
	Checks     func(context.Context) ([]fleet.Check, error)
	Host       func(context.Context, fleet.HostID) (fleet.HostDetail, error)
	HostPage   func(context.Context, fleet.HostQuery) (fleet.HostPage, error)
	Subscribe  func(buffer int) (<-chan fleet.Update, func())
}

// Config is what a [Runner] works with. Data and Source must be set; zero fields mean the
// default.
type Config struct {
	Data    db.DB
	Source  Source
	Version string // the collector's
	Now     func() time.Time
	Log     *slog.Logger
}

// Runner puts what streams send into the outbox.
type Runner struct {
	cfg   Config
	wake  chan struct{}
	texts texts
	late  map[string]bool // streams that were told to be behind
}

const (
	calm       = 500 * time.Millisecond // what comes in this time goes out together
	idle       = 10 * time.Second       // room in the outbox is looked for
	hold       = 10 * time.Second       // after an error of the store
	maxWaiting = 20                     // parcels of a stream on their way
	perPass    = 50                     // steps of one stream before another's turn
	tooLate    = 10 * time.Minute       // behind by so much is told
)

// New returns a runner. Run makes it work.
func New(c Config) *Runner {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Runner{cfg: c, wake: make(chan struct{}, 1), late: map[string]bool{}}
}

// Wake has Run look now: streams have changed.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. Errors of the store are logged, and what they kept from being
// done is done later.
func (r *Runner) Run(ctx context.Context) error {
	updates, end := r.cfg.Source.Subscribe(1)
	defer end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-updates:
			if !ok {
				return nil
			}
			timer.Reset(calm)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			}
		case <-r.wake:
		case <-timer.C:
		}
		more, err := r.Pass(ctx)
		wait := idle
		switch {
		case err != nil && ctx.Err() == nil:
			r.cfg.Log.Error("exports wait", "err", err)
			wait = hold
		case more:
			wait = calm
		}
		timer.Reset(wait)
	}
}

// Pass has every stream go on, and reports whether one has more that could go at once.
func (r *Runner) Pass(ctx context.Context) (more bool, err error) {
	all, err := order.List(ctx, r.cfg.Data)
	if err != nil {
		return false, err
	}
	var errs []error
	for i := range all {
		if !all[i].Enabled {
			continue
		}
		again, err := r.stream(ctx, all[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("export %s: %w", all[i].Name, err))
		}
		more = more || again
	}
	return more, errors.Join(errs...)
}

// stream has one stream go on until it has nothing new, has no room, or had its turn.
func (r *Runner) stream(ctx context.Context, p order.Progress) (more bool, err error) {
	for range perPass {
		r.tell(&p)
		if p.Waiting >= maxWaiting {
			return false, nil
		}
		b, err := r.next(ctx, &p)
		if err != nil || b == nil {
			return false, err
		}
		switch err := r.put(ctx, &p, b); {
		case errors.Is(err, order.ErrMoved), errors.Is(err, outbox.ErrFull):
			return false, nil
		case err != nil:
			return false, err
		}
		if p, err = order.Get(ctx, r.cfg.Data, p.Name); err != nil || !p.Enabled {
			return false, err
		}
	}
	return true, nil
}

// tell logs once that a stream is behind, and that it is no more.
func (r *Runner) tell(p *order.Progress) {
	late := p.Behind > 0 && p.Waiting >= maxWaiting && r.cfg.Now().Sub(p.Reached) > tooLate
	switch {
	case late && !r.late[p.Name]:
		r.cfg.Log.Warn("an export is behind: its route does not take what waits", "export", p.Name, "route", p.Route, "behind", p.Behind, "reached", p.Reached)
	case r.late[p.Name] && p.Waiting < maxWaiting:
		late = false
		r.cfg.Log.Info("an export goes on", "export", p.Name)
	default:
		late = r.late[p.Name]
	}
	r.late[p.Name] = late
}

// put puts a batch into the outbox and moves the stream's place, both or neither.
func (r *Runner) put(ctx context.Context, p *order.Progress, b *batch) error {
	err := r.cfg.Data.Write(ctx, func(w db.Writer) error {
		if err := order.Move(w, p, b.to, int64(b.items), b.lost, b.reached); err != nil {
			return err
		}
		for _, one := range b.parcels {
			_, err := outbox.Put(w, r.cfg.Now(), outbox.Item{Route: p.Route, Kind: alert.KindRaw, Type: mediaType(p.Format), Rule: "export " + p.Name,
				Title: fmt.Sprintf("%d entries as %s", one.items, p.Format), Body: one.body})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put into the outbox: %w", err)
	}
	return nil
}
