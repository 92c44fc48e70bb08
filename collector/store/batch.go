package store

import (
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
)

// batch is one transaction of the writer.
type batch struct {
	*sqlite.Writer
	store   *Store
	now     time.Time
	checks  map[string]*checkDelta // rollups over the fleet, written by flush
	day     fleet.Counts
	changes int
	updates []fleet.Update // published after the commit
}

// checkDelta is what a batch changes in a row of check_rollup.
type checkDelta struct {
	counts fleet.Counts
	hosts  int
}

func (b *batch) check(id string) *checkDelta {
	d := b.checks[id]
	if d == nil {
		d = new(checkDelta)
		b.checks[id] = d
	}
	return d
}

// flush writes the rollups over the fleet.
func (b *batch) flush() error {
	for id, d := range b.checks {
		if *d == (checkDelta{}) {
			continue
		}
		c := d.counts
		err := b.Exec(`INSERT INTO check_rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET pass = pass + excluded.pass, fail = fail + excluded.fail,
			not_applicable = not_applicable + excluded.not_applicable, unknown = unknown + excluded.unknown,
			error = error + excluded.error, waived = waived + excluded.waived, hosts = hosts + excluded.hosts`,
			id, c.Pass, c.Fail, c.NotApplicable, c.Unknown, c.Error, c.Waived, d.hosts)
		if err != nil {
			return fmt.Errorf("rollup of %s: %w", id, err)
		}
	}
	if b.day == (fleet.Counts{}) && b.changes == 0 {
		return nil
	}
	// A new day starts with the counts of the last one; a clock that went back
	// stays on the newest.
	var day int64
	today := b.now.Unix() / 86400
	if _, err := b.Row("SELECT ifnull(max(day), 0) FROM day", nil, &day); err != nil {
		return err
	}
	if day < today {
		err := b.Exec(`INSERT INTO day SELECT ?, ifnull(sum(pass), 0), ifnull(sum(fail), 0), ifnull(sum(not_applicable), 0),
			ifnull(sum(unknown), 0), ifnull(sum(error), 0), ifnull(sum(waived), 0), 0 FROM day WHERE day = ?`, today, day)
		if err != nil {
			return err
		}
		day = today
	}
	c := b.day
	return b.Exec(`UPDATE day SET pass = pass + ?, fail = fail + ?, not_applicable = not_applicable + ?,
		unknown = unknown + ?, error = error + ?, waived = waived + ?, changes = changes + ? WHERE day = ?`,
		c.Pass, c.Fail, c.NotApplicable, c.Unknown, c.Error, c.Waived, b.changes, day)
}
