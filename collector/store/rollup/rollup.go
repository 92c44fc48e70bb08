// Package rollup keeps the counts over the fleet: the tables check_rollup and day.
//
// A [Fleet] gathers what one transaction changes and writes it once, at its end. It
// counts standing results only; an archived host's do not count.
package rollup

import (
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Fleet is what a transaction changes. The zero Fleet is nothing.
type Fleet struct {
	checks  map[string]*delta
	day     fleet.Counts
	changes int
	storms  int
}

// delta is what changes in a row of check_rollup.
type delta struct {
	counts fleet.Counts
	hosts  int
}

func (f *Fleet) check(id string) *delta {
	d := f.checks[id]
	if d == nil {
		if f.checks == nil {
			f.checks = make(map[string]*delta)
		}
		d = new(delta)
		f.checks[id] = d
	}
	return d
}

// Results counts n more results of a check.
func (f *Fleet) Results(check string, s finding.Status, n int) {
	f.day.Add(s, n)
	f.check(check).counts.Add(s, n)
}

// Hosts counts n more hosts on which a check is bad.
func (f *Fleet) Hosts(check string, n int) { f.check(check).hosts += n }

// Change counts a change received today.
func (f *Fleet) Change() { f.changes++ }

// Detection counts a storm first told of today.
func (f *Fleet) Detection() { f.storms++ }

// Host counts everything that stands for a host n times more: 1 puts it into the
// rollups, -1 takes it out.
func (f *Fleet) Host(w db.Writer, host []byte, n int) error {
	err := w.Rows("SELECT check_id, status, count(*) FROM state WHERE host = ? GROUP BY check_id, status", []any{host},
		func(scan func(...any) error) error {
			var check string
			var status finding.Status
			var results int
			err := scan(&check, &status, &results)
			f.Results(check, status, n*results)
			return err
		})
	if err != nil {
		return fmt.Errorf("count results: %w", err)
	}
	err = w.Rows("SELECT check_id FROM host_check WHERE host = ?", []any{host}, func(scan func(...any) error) error {
		var check string
		err := scan(&check)
		f.Hosts(check, n)
		return err
	})
	if err != nil {
		return fmt.Errorf("count bad checks: %w", err)
	}
	return nil
}

// Flush writes the changes.
func (f *Fleet) Flush(w db.Writer, now time.Time) error {
	for id, d := range f.checks {
		if *d == (delta{}) {
			continue
		}
		c := d.counts
		err := w.Exec(`INSERT INTO check_rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (check_id) DO UPDATE SET pass = check_rollup.pass + excluded.pass, fail = check_rollup.fail + excluded.fail,
			not_applicable = check_rollup.not_applicable + excluded.not_applicable, unknown = check_rollup.unknown + excluded.unknown,
			error = check_rollup.error + excluded.error, waived = check_rollup.waived + excluded.waived, hosts = check_rollup.hosts + excluded.hosts`,
			id, c.Pass, c.Fail, c.NotApplicable, c.Unknown, c.Error, c.Waived, d.hosts)
		if err != nil {
			return fmt.Errorf("rollup of %s: %w", id, err)
		}
	}
	if f.day == (fleet.Counts{}) && f.changes == 0 && f.storms == 0 {
		return nil
	}
	if err := f.flushDay(w, now.Unix()/86400); err != nil {
		return fmt.Errorf("rollup of the day: %w", err)
	}
	return nil
}

// flushDay writes the day's row. A new day starts with the counts of the last one;
// a clock that went back stays on the newest.
func (f *Fleet) flushDay(w db.Writer, today int64) error {
	var day int64
	if _, err := w.Row("SELECT coalesce(max(day), 0) FROM day", nil, &day); err != nil {
		return err
	}
	if day < today {
		err := w.Exec(`INSERT INTO day SELECT ?, coalesce(sum(pass), 0), coalesce(sum(fail), 0), coalesce(sum(not_applicable), 0),
			coalesce(sum(unknown), 0), coalesce(sum(error), 0), coalesce(sum(waived), 0), 0, 0 FROM day WHERE day = ?`, today, day)
		if err != nil {
			return err
		}
		day = today
	}
	c := f.day
	return w.Exec(`UPDATE day SET pass = pass + ?, fail = fail + ?, not_applicable = not_applicable + ?,
		unknown = unknown + ?, error = error + ?, waived = waived + ?, changes = changes + ?, detections = detections + ? WHERE day = ?`,
		c.Pass, c.Fail, c.NotApplicable, c.Unknown, c.Error, c.Waived, f.changes, f.storms, day)
}
