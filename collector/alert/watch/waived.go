package watch

import (
	"context"
	"slices"
	"time"

	"seawall/collector/alert"
	"seawall/collector/fleet"
	"seawall/collector/triage"
)

// remind is how long before a waiver ends people are told.
const remind = 7 * 24 * time.Hour

// waived answers for one look whether somebody answers for a finding.
type waived struct {
	watch *Watch
	now   time.Time
	by    map[string][]triage.Waiver // that stand, by check
	tags  map[fleet.HostID][]string
}

func (w *Watch) waived() *waived {
	return &waived{w, w.cfg.Now(), map[string][]triage.Waiver{}, map[fleet.HostID][]string{}}
}

// stands reports whether a waiver stands for the result of an event. What the collector
// itself tells of a host is no result, and nobody waives it.
func (w *waived) stands(ctx context.Context, e *fleet.Event, topic alert.Topic) (bool, error) {
	if topic != alert.Finding && topic != alert.Certificate && topic != alert.Release {
		return false, nil
	}
	all, err := w.ofCheck(ctx, e.Change.Result.Check)
	if err != nil {
		return false, err
	}
	for _, v := range all {
		if v.Resource != "" && v.Resource != e.Change.Result.Resource || v.Host != "" && v.Host != e.Host {
			continue
		}
		if v.Tag == "" {
			return true, nil
		}
		has, err := w.tagged(ctx, e.Host, v.Tag)
		if has || err != nil {
			return has, err
		}
	}
	return false, nil
}

// ofCheck returns the waivers of a check that stand.
func (w *waived) ofCheck(ctx context.Context, check string) ([]triage.Waiver, error) {
	if _, ok := w.by[check]; !ok {
		all, err := triage.OfCheck(ctx, w.watch.cfg.Data, w.now, check)
		if err != nil {
			return nil, err
		}
		w.by[check] = all
	}
	return w.by[check], nil
}

// tagged reports whether an administrator gave a host a tag.
func (w *waived) tagged(ctx context.Context, host fleet.HostID, tag string) (bool, error) {
	if _, ok := w.tags[host]; !ok {
		all, err := w.watch.cfg.Tags(ctx, host)
		if err != nil {
			return false, err
		}
		w.tags[host] = all
	}
	return slices.Contains(w.tags[host], tag), nil
}

// ends returns a signal for each waiver that ended since a time, or came so near to its
// end, and the time to begin at when looking again: later only where there was one, or
// after an hour, so that a quiet fleet writes nothing.
func (w *Watch) ends(ctx context.Context, mark int64) (to int64, signals []alert.Signal, err error) {
	now := w.cfg.Now()
	if mark == 0 {
		return now.UnixNano(), nil, nil
	}
	from := time.Unix(0, mark)
	for _, before := range []time.Duration{0, remind} {
		all, err := triage.Ending(ctx, w.cfg.Data, from.Add(before), now.Add(before))
		if err != nil {
			return mark, nil, err
		}
		for _, v := range all {
			// One that stands for less than that is told of at its end alone.
			if before == 0 || v.Expires.Sub(v.Made) > remind {
				signals = append(signals, alert.FromWaiver(v.Check, v.Resource, v.Tag, v.Host, v.Owner, v.Expires, now))
			}
		}
	}
	if len(signals) == 0 && now.Sub(from) < time.Hour {
		return mark, nil, nil
	}
	return now.UnixNano(), signals, nil
}
