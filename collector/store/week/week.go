// Package week parts the timeline of a PostgreSQL database: a table for the events of each
// week, so that what is older than all retention goes by dropping a table, and its room
// with it.
//
// Parts are ranges of events' numbers, which rise with time: a number alone finds its part.
// The newest part has no end. When a week begins, it gets one, and the next begins behind
// it. A part's name, event_WEEK_NUMBER, says in which week since 1970 it was begun, and
// with which number.
//
// Package purge goes on deleting row by row, so that nothing is kept longer than is said;
// here goes what is left when a whole part is old or empty: its dead rows and its index.
// After the collector was away, or when the retention is made shorter, whole weeks go at
// once.
//
// Weeks and not days: a page of one host's timeline is planned over all parts. It costs 0.5
// ms for one, 2.6 ms for the 14 weeks of 90 days, and 12 to 22 ms for 92 days; to delete a
// day's rows of 10,000 hosts takes 18 ms, to drop them 3 ms.
//
// To begin a part and to drop one, the timeline must not be read meanwhile. Readers that take
// longer than half a second (a backup) hold it up, and nobody waits for them: it is tried
// again later.
package week

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"seawall/collector/db"
	"seawall/collector/store/purge"
)

// ErrRead is returned when somebody has been reading the timeline for too long.
var ErrRead = errors.New("the timeline is being read")

// notAvailable is the SQLSTATE of a lock that somebody else has.
const notAvailable = "55P03"

// long is a week.
const long = 7 * 24 * time.Hour

// part is a table with events.
type part struct {
	week, first int64
}

func (p part) name() string { return fmt.Sprintf("event_%d_%d", p.week, p.first) }

// from is where it begins, as statements have it.
func (p part) from() string {
	if p.week == 0 {
		return "MINVALUE"
	}
	return fmt.Sprint(p.first)
}

// parts returns the parts of the timeline, oldest first.
func parts(w db.Writer) (all []part, err error) {
	err = w.Rows(`SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'event'::regclass`, nil, func(scan func(...any) error) error {
		var name string
		if err := scan(&name); err != nil {
			return err
		}
		var p part
		if _, err := fmt.Sscanf(name, "event_%d_%d", &p.week, &p.first); err != nil || p.name() != name {
			return fmt.Errorf("%q is no part of the timeline", name)
		}
		all = append(all, p)
		return nil
	})
	if err == nil && len(all) == 0 {
		err = errors.New("the timeline has no parts")
	}
	slices.SortFunc(all, func(a, b part) int { return int(min(max(a.first-b.first, -1), 1)) })
	return all, err
}

// Begin begins the part of the week, unless there is one, and drops the oldest one when
// nothing in it is younger than keep, 0 for ever. It reports whether more may be dropped.
func Begin(w db.Writer, now time.Time, keep time.Duration) (more bool, err error) {
	all, err := parts(w)
	if err != nil {
		return false, fmt.Errorf("list the parts of the timeline: %w", err)
	}
	if err := w.Exec("SET LOCAL lock_timeout = '500ms'"); err != nil {
		return false, err
	}
	newest := all[len(all)-1]
	if this := now.Unix() / int64(long/time.Second); this > newest.week {
		if err := begin(w, newest, this); err != nil {
			return false, fmt.Errorf("begin a part of the timeline: %w", held(err))
		}
	}
	if len(all) == 1 || keep == 0 {
		return false, nil
	}
	gone, err := drop(w, all[0], now.Add(-keep))
	if err != nil {
		return false, fmt.Errorf("drop a part of the timeline: %w", held(err))
	}
	return gone, nil
}

func held(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == notAvailable {
		return ErrRead
	}
	return err
}

// begin ends the newest part and begins the next.
func begin(w db.Writer, newest part, week int64) error {
	if err := purge.Number(w); err != nil {
		return err
	}
	next := part{week: week}
	if _, err := w.Row("SELECT value + 1 FROM meta WHERE name = 'event_last'", nil, &next.first); err != nil {
		return err
	}
	if next.first <= newest.first {
		return nil // nothing is in it yet: this week's may be, too
	}
	for _, text := range []string{
		"ALTER TABLE event DETACH PARTITION " + newest.name(),
		fmt.Sprintf("ALTER TABLE event ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%d)", newest.name(), newest.from(), next.first),
		fmt.Sprintf("CREATE TABLE %s PARTITION OF event FOR VALUES FROM (%d) TO (MAXVALUE)", next.name(), next.first),
	} {
		if _, err := w.Change(text); err != nil {
			return err
		}
	}
	return nil
}

// drop drops a part when nothing in it came since a time. What came while the clock was
// ahead is no reason to: purge deletes it with what came after.
func drop(w db.Writer, p part, before time.Time) (bool, error) {
	var received int64
	if found, err := w.Row("SELECT received FROM "+p.name()+" ORDER BY id DESC LIMIT 1", nil, &received); err != nil || found && received >= before.UnixNano() {
		return false, err
	}
	var rows, young int64
	if _, err := w.Row("SELECT count(*), count(CASE WHEN received >= ? THEN 1 END) FROM "+p.name(), []any{before.UnixNano()}, &rows, &young); err != nil || young > 0 {
		return false, err
	}
	if err := purge.Number(w); err != nil {
		return false, err
	}
	if _, err := w.Change("DROP TABLE " + p.name()); err != nil {
		return false, err
	}
	return true, w.Exec("UPDATE meta SET value = value + ? WHERE name = 'events_expired'", rows)
}
