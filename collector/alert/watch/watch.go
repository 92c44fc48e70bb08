// Package watch looks at what becomes durable and says whom to tell.
//
// It reads the timeline and the detections from where it stood, woken by the store's
// feed, and does the rest in one transaction: it moves the mark of how far it has
// looked, puts the signals that a rule wants into groups, and turns groups that are due
// into messages of the outbox. So a collector that is killed at any time tells of
// everything once. Of two collectors on one database, the one that moves the mark from
// where both found it has looked, and the other begins anew.
//
// A finding for which a waiver stands is told to nobody. Who asks for it is told a week
// before a waiver ends, and when it has ended.
//
// What bounds it: a subject is told of twice in its rule's quiet time and then once at
// its end, with the number of changes meanwhile; a group sends at the rule's pace; a
// rule has so many messages an hour, and what is beyond goes out together in the next;
// a group keeps 200 signals and counts the others. Nothing is told of what happened
// before there was a rule, and of an absence of the collector only the newest 20,000
// events; that others were left out is logged.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/alert/rules"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Source is what is looked at.
type Source interface {
	Timeline(ctx context.Context, q fleet.TimelineQuery) ([]fleet.Event, error)
	Detections(ctx context.Context, q fleet.DetectionQuery) ([]fleet.Detection, error)
	Checks(ctx context.Context) ([]fleet.Check, error)
	Subscribe(buffer int) (<-chan fleet.Update, func())
}

// Config is what a [Watch] works with. Zero fields mean the default.
type Config struct {
	Data   db.DB
	Source Source
	// Tags returns the tags that administrators gave a host. Default: none has any.
	Tags func(ctx context.Context, host fleet.HostID) ([]string, error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Watch turns what happens into messages.
type Watch struct {
	cfg    Config
	outbox *outbox.Outbox
	info   map[string]finding.CheckInfo
	read   time.Time // when info was
	wake   chan struct{}
}

const (
	calm     = 200 * time.Millisecond // what comes in this time is looked at together
	idle     = time.Minute
	page     = 200
	maxPages = 100
	infoFor  = 10 * time.Minute
)

// New returns a watch. Run makes it work.
func New(c Config) *Watch {
	if c.Tags == nil {
		c.Tags = func(context.Context, fleet.HostID) ([]string, error) { return nil, nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Watch{cfg: c, outbox: outbox.New(c.Data, c.Now), wake: make(chan struct{}, 1)}
}

// Wake has Run look now: rules have changed.
func (w *Watch) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run looks until ctx ends. Errors of the store are logged and what they kept from
// being done is done later.
func (w *Watch) Run(ctx context.Context) error {
	updates, end := w.cfg.Source.Subscribe(1)
	defer end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	trimmed := time.Time{}
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
		case <-w.wake:
		case <-timer.C:
		}
		next, err := w.Look(ctx)
		if now := w.cfg.Now(); err == nil && now.Sub(trimmed) > time.Hour {
			err, trimmed = w.outbox.Trim(ctx), now
		}
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.Error("alerts wait", "err", err)
			next = w.cfg.Now().Add(10 * time.Second)
		}
		timer.Reset(max(calm, min(idle, next.Sub(w.cfg.Now()))))
	}
}

// errMoved says that another collector has looked meanwhile.
var errMoved = errors.New("another collector has looked")

// Look looks once at everything that is new, and returns when a group is due.
func (w *Watch) Look(ctx context.Context) (next time.Time, err error) {
	all, err := rules.List(ctx, w.cfg.Data)
	if err != nil {
		return next, err
	}
	all = slices.DeleteFunc(all, func(r alert.Rule) bool { return !r.Enabled })
	from, err := w.marks(ctx)
	if err != nil {
		return next, err
	}
	if len(all) == 0 {
		return w.cfg.Now().Add(idle), w.forget(ctx, from)
	}
	var to marks
	var signals []alert.Signal
	if from == nil {
		to, err = w.newest(ctx)
	} else {
		to, signals, err = w.news(ctx, from)
	}
	if err != nil {
		return next, err
	}
	next, err = w.next(ctx)
	if err != nil || from != nil && maps.Equal(from, to) && next.After(w.cfg.Now()) {
		return next, err
	}
	matched, err := w.match(ctx, all, signals)
	if err != nil {
		return next, err
	}
	if err := w.take(ctx, all, from, to, matched); err != nil && !errors.Is(err, errMoved) {
		return next, err
	}
	return w.next(ctx)
}

// forget forgets how far was looked, so that the first rule begins with what happens
// after it.
func (w *Watch) forget(ctx context.Context, from marks) error {
	if from == nil {
		return nil
	}
	err := w.cfg.Data.Write(ctx, func(tx db.Writer) error { return tx.Exec("DELETE FROM alert_mark") })
	if err != nil {
		return fmt.Errorf("forget marks of alerts: %w", err)
	}
	return nil
}

// marks returns how far was looked, nil when never.
func (w *Watch) marks(ctx context.Context) (m marks, err error) {
	err = w.cfg.Data.Read(ctx, func(q db.Querier) error {
		m = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var name string
			var value int64
			if m == nil {
				m = marks{}
			}
			err := scan(&name, &value)
			m[name] = value
			return err
		}, "SELECT name, value FROM alert_mark")
	})
	if err != nil {
		return nil, fmt.Errorf("read marks of alerts: %w", err)
	}
	return m, nil
}

// marks are the newest event and the newest detection that were looked at, and the time
// up to which the ends of waivers were.
type marks map[string]int64

const (
	markEvents     = "events"
	markDetections = "detections"
	markWaivers    = "waivers"
)

func (w *Watch) newest(ctx context.Context) (marks, error) {
	m := marks{markEvents: 0, markDetections: 0, markWaivers: w.cfg.Now().UnixNano()}
	events, err := w.cfg.Source.Timeline(ctx, fleet.TimelineQuery{Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		m[markEvents] = e.ID
	}
	detections, err := w.cfg.Source.Detections(ctx, fleet.DetectionQuery{Limit: 1})
	if err != nil {
		return nil, err
	}
	for i := range detections {
		m[markDetections] = detections[i].Place
	}
	return m, nil
}

// news returns what happened after the marks, the oldest first, and where it ends.
func (w *Watch) news(ctx context.Context, from marks) (to marks, signals []alert.Signal, err error) {
	events, err := back(from[markEvents], func(before int64) ([]fleet.Event, error) {
		return w.cfg.Source.Timeline(ctx, fleet.TimelineQuery{Before: before, Limit: page})
	}, func(e *fleet.Event) int64 { return e.ID }, w.cfg.Log)
	if err != nil {
		return nil, nil, err
	}
	detections, err := back(from[markDetections], func(before int64) ([]fleet.Detection, error) {
		return w.cfg.Source.Detections(ctx, fleet.DetectionQuery{Before: before, Limit: page})
	}, func(d *fleet.Detection) int64 { return d.Place }, w.cfg.Log)
	if err != nil {
		return nil, nil, err
	}
	to = marks{markEvents: from[markEvents], markDetections: from[markDetections]}
	if to[markWaivers], signals, err = w.ends(ctx, from[markWaivers]); err != nil {
		return nil, nil, err
	}
	answered := w.waived()
	if len(events) > 0 {
		if err := w.learn(ctx); err != nil {
			return nil, nil, err
		}
	}
	for i := range events {
		to[markEvents] = events[i].ID
		s, ok := alert.FromEvent(&events[i], w.info[events[i].Change.Result.Check])
		if ok && !s.Over { // the end of what was told before somebody answered for it is told
			quiet, err := answered.stands(ctx, &events[i], s.Topic)
			if err != nil {
				return nil, nil, err
			}
			ok = !quiet
		}
		if ok {
			signals = append(signals, s)
		}
	}
	for i := range detections {
		to[markDetections] = detections[i].Place
		signals = append(signals, alert.FromDetection(&detections[i]))
	}
	return to, signals, nil
}

// back reads pages backward until the mark, and returns what is after it in order.
func back[T any](mark int64, read func(before int64) ([]T, error), id func(*T) int64, log *slog.Logger) (all []T, err error) {
	before := int64(0)
	for range maxPages {
		some, err := read(before)
		if err != nil {
			return nil, fmt.Errorf("look for news: %w", err)
		}
		for i := range some {
			if before = id(&some[i]); before <= mark {
				slices.Reverse(all)
				return all, nil
			}
			all = append(all, some[i])
		}
		if len(some) < page {
			slices.Reverse(all)
			return all, nil
		}
	}
	log.Warn("too much has happened: what is older is told to nobody", "looked_at", len(all))
	slices.Reverse(all)
	return all, nil
}

// learn reads the texts of checks, once in a while.
func (w *Watch) learn(ctx context.Context) error {
	if now := w.cfg.Now(); w.info != nil && now.Sub(w.read) < infoFor {
		return nil
	}
	checks, err := w.cfg.Source.Checks(ctx)
	if err != nil {
		return fmt.Errorf("read checks: %w", err)
	}
	w.info, w.read = make(map[string]finding.CheckInfo, len(checks)), w.cfg.Now()
	for i := range checks {
		w.info[checks[i].Info.ID] = checks[i].Info
	}
	return nil
}

// match returns for each rule the signals that it wants.
func (w *Watch) match(ctx context.Context, all []alert.Rule, signals []alert.Signal) (map[int64][]alert.Signal, error) {
	matched, known := map[int64][]alert.Signal{}, map[fleet.HostID][]string{}
	var failed error
	for i := range signals {
		s := &signals[i]
		tags := func() []string {
			if _, ok := known[s.Host]; !ok && s.Host != "" {
				t, err := w.cfg.Tags(ctx, s.Host)
				failed = errors.Join(failed, err)
				known[s.Host] = t
			}
			return known[s.Host]
		}
		for j := range all {
			if all[j].Match(s, tags) {
				matched[all[j].ID] = append(matched[all[j].ID], *s)
			}
		}
	}
	if failed != nil {
		return nil, fmt.Errorf("read tags: %w", failed)
	}
	return matched, nil
}
