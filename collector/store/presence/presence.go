// Package presence says from when on a host that has said nothing is silent,
// offline or to be archived.
//
// Silence is measured in time during which the collector itself was there: the
// store's writer marks every minute that it is alive, and a mark that is too old is
// an outage, which prolongs every host's time. So a collector that was down for a
// week, suspended, or whose clock jumped ahead does not call the fleet offline.
package presence

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

const (
	// A heartbeat comes every minute; three missed make a host silent.
	silentAfter  = 3*time.Minute + 15*time.Second
	offlineAfter = 24 * time.Hour
	// outageAfter is how old the mark may be. The writer makes it every minute.
	outageAfter = 5 * time.Minute
	// maxOutages bounds the outages that are remembered.
	maxOutages = 200
)

// Outage is a time during which the collector was away.
type Outage struct{ Began, Ended time.Time }

// Outages is what is remembered of them, the newest first.
type Outages []Outage

const query = "SELECT began, ended FROM outage ORDER BY began DESC"

// Read returns the outages.
func Read(ctx context.Context, q db.Querier) (o Outages, err error) {
	if err = db.Each(ctx, q, o.add, query); err != nil {
		return nil, fmt.Errorf("read outages: %w", err)
	}
	return o, nil
}

// Load returns the outages, to the writer.
func Load(w db.Writer) (o Outages, err error) {
	if err = w.Rows(query, nil, o.add); err != nil {
		return nil, fmt.Errorf("read outages: %w", err)
	}
	return o, nil
}

func (o *Outages) add(scan func(...any) error) error {
	var began, ended int64
	err := scan(&began, &ended)
	*o = append(*o, Outage{time.Unix(0, began), time.Unix(0, ended)})
	return err
}

// Before returns the time before which a host must have spoken last to have been
// silent for so long now.
func (o Outages) Before(now time.Time, long time.Duration) time.Time {
	for _, out := range o {
		began, ended := out.Began, out.Ended
		if ended.After(now) {
			ended = now
		}
		up := now.Sub(ended)
		if up >= long {
			break
		}
		if began.Before(ended) {
			now, long = began, long-up
		}
	}
	return now.Add(-long)
}

// Of returns the presence of a host that is not archived.
func (o Outages) Of(seen, now time.Time) fleet.Presence {
	switch {
	case !seen.Before(o.Silent(now)):
		return fleet.Online
	case !seen.Before(o.Offline(now)):
		return fleet.Silent
	}
	return fleet.Offline
}

// Silent returns the time before which a host must have spoken last to be silent.
func (o Outages) Silent(now time.Time) time.Time { return o.Before(now, silentAfter) }

// Offline returns the time before which a host must have spoken last to be offline.
func (o Outages) Offline(now time.Time) time.Time { return o.Before(now, offlineAfter) }

// Mark marks that the collector is alive, and keeps an outage when the mark before
// is too old. The writer calls it when the store is opened and every minute then.
func Mark(w db.Writer, now time.Time) error {
	var last int64
	if _, err := w.Row("SELECT value FROM meta WHERE name = 'alive'", nil, &last); err != nil {
		return fmt.Errorf("read mark: %w", err)
	}
	if last != 0 && now.Sub(time.Unix(0, last)) > outageAfter {
		if err := w.Exec("INSERT INTO outage VALUES (?, ?) ON CONFLICT (began) DO UPDATE SET ended = excluded.ended", last, now.UnixNano()); err != nil {
			return fmt.Errorf("keep outage: %w", err)
		}
		if err := w.Exec("DELETE FROM outage WHERE began NOT IN (SELECT began FROM outage ORDER BY began DESC LIMIT ?)", maxOutages); err != nil {
			return fmt.Errorf("forget outages: %w", err)
		}
	}
	if err := w.Exec("UPDATE meta SET value = ? WHERE name = 'alive'", now.UnixNano()); err != nil {
		return fmt.Errorf("write mark: %w", err)
	}
	return nil
}
