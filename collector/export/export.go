package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"time"

	"seawall/collector/export/item"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Source is what is asked of the store. All fields must be set.
type Source struct {
	Hosts      func(context.Context) ([]fleet.Host, error)
	Host       func(context.Context, fleet.HostID) (fleet.HostDetail, error)
	Checks     func(context.Context) ([]fleet.Check, error)
	Timeline   func(context.Context, fleet.TimelineQuery) ([]fleet.Event, error)
	Detections func(context.Context, fleet.DetectionQuery) ([]fleet.Detection, error)
}

// Open returns what makes a file of what parameters ask for ([Parse]): its name, what it is
// in a few words, and the function that writes it once. Sees says which hosts are within,
// nil for all. It is a function of everybody's types, so that who serves files needs to
// know nothing of their formats.
func (s Source) Open(version string) func(v url.Values, now time.Time, sees func(fleet.HostID) bool) (name, what string, write func(context.Context, io.Writer) error, err error) {
	return func(v url.Values, now time.Time, sees func(fleet.HostID) bool) (string, string, func(context.Context, io.Writer) error, error) {
		q, err := Parse(v, now)
		if err != nil {
			return "", "", nil, err
		}
		q.Sees = sees
		return q.Name(), q.String(), func(ctx context.Context, w io.Writer) error {
			_, err := Write(ctx, w, s, version, q)
			return err
		}, nil
	}
}

// page is how many events are asked for at a time: the store's own limit.
const page = 200

// errEnough ends a walk that has as many lines as were asked for.
var errEnough = errors.New("enough lines")

// Write writes what q selects to w, which should have a buffer, and returns how many
// items that were. Version is the collector's. After an error what was written is not
// whole.
func Write(ctx context.Context, w io.Writer, s Source, version string, q Query) (int, error) {
	out, err := newWriter(w, version, &q)
	if err != nil {
		return 0, err
	}
	hosts, err := s.Hosts(ctx)
	if err != nil {
		return 0, fmt.Errorf("export hosts: %w", err)
	}
	walk := walk{s: s, q: &q, out: out, hosts: hosts}
	switch q.What {
	case Hosts:
		err = walk.allHosts()
	case Findings:
		err = walk.findings(ctx)
	case Changes:
		err = walk.changes(ctx)
	case Detections:
		err = walk.detections(ctx)
	default:
		err = fmt.Errorf("there are no %q", q.What)
	}
	if err == nil || errors.Is(err, errEnough) {
		err = out.end()
	}
	if err != nil {
		return out.lines, fmt.Errorf("export %s: %w", q.What, err)
	}
	return out.lines, nil
}

type walk struct {
	s     Source
	q     *Query
	out   *writer
	hosts []fleet.Host
}

func (w *walk) allHosts() error {
	for i := range w.hosts {
		if !w.q.sees(w.hosts[i].ID) {
			continue
		}
		if err := w.out.host(&w.hosts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) findings(ctx context.Context) error {
	for i := range w.hosts {
		id := w.hosts[i].ID
		if !w.q.sees(id) {
			continue
		}
		d, err := w.s.Host(ctx, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // forgotten meanwhile
		}
		if err != nil {
			return err
		}
		if w.q.Format == SARIF {
			if err := w.run(&d); err != nil {
				return err
			}
			continue
		}
		for k := range d.States {
			state := &d.States[k]
			check := d.Checks[state.Result.Check]
			if !w.q.result(&state.Result, check.Family) {
				continue
			}
			if err := w.out.state(item.Labels(&d.Host), check, *state); err != nil {
				return err
			}
		}
	}
	return nil
}

// run writes a host's results as a run of SARIF.
func (w *walk) run(d *fleet.HostDetail) error {
	var items []item.Item
	for k := range d.States {
		state := &d.States[k]
		check := d.Checks[state.Result.Check]
		if w.q.result(&state.Result, check.Family) && (w.q.Limit == 0 || w.out.lines+len(items) < w.q.Limit) {
			items = append(items, item.State(item.Labels(&d.Host), check, *state))
		}
	}
	return w.out.run(d.Host.ID, item.Labels(&d.Host), items)
}

// labels returns what hosts say of themselves, by id.
func (w *walk) labels() map[fleet.HostID]finding.Host {
	all := make(map[fleet.HostID]finding.Host, len(w.hosts))
	for i := range w.hosts {
		all[w.hosts[i].ID] = item.Labels(&w.hosts[i])
	}
	return all
}

func (w *walk) changes(ctx context.Context) error {
	catalogue, err := w.s.Checks(ctx)
	if err != nil {
		return err
	}
	checks := make(map[string]finding.CheckInfo, len(catalogue))
	for i := range catalogue {
		checks[catalogue[i].Info.ID] = catalogue[i].Info
	}
	labels := w.labels()
	query := fleet.TimelineQuery{Host: w.q.Host, Check: w.q.Check, Limit: page}
	for {
		events, err := w.s.Timeline(ctx, query)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			if w.q.past(e.Received) {
				return nil
			}
			if !w.q.sees(e.Host) || !w.q.in(e.Received) || !w.q.result(&e.Change.Result, "") {
				continue
			}
			if err := w.out.change(labels[e.Host], checks[e.Change.Result.Check], *e); err != nil {
				return err
			}
		}
		if len(events) < page {
			return nil
		}
		query.Before = events[len(events)-1].ID
	}
}

func (w *walk) detections(ctx context.Context) error {
	labels := w.labels()
	query := fleet.DetectionQuery{Host: w.q.Host, Rule: w.q.Check, Limit: page}
	for {
		all, err := w.s.Detections(ctx, query)
		if err != nil {
			return err
		}
		for i := range all {
			d := &all[i]
			if w.q.past(d.Received) {
				return nil
			}
			if !w.q.sees(d.Host) || !w.q.in(d.Received) || d.Detection.Severity < w.q.Severity {
				continue
			}
			if err := w.out.detection(item.Detected(labels[d.Host], *d), d); err != nil {
				return err
			}
		}
		if len(all) < page {
			return nil
		}
		query.Before = all[len(all)-1].Place
	}
}
