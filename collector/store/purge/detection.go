package purge

import (
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/pkg/finding"
)

// Detections deletes those of which nothing was heard for the retention, the oldest
// first, and reports whether there may be more. Of a clock that was ahead it is as
// [Events] is.
func Detections(w db.Writer, now time.Time, keep time.Duration) (bool, error) {
	last, n, more, err := expired(w, "SELECT place, received FROM detection ORDER BY place LIMIT ?", now, keep)
	if err != nil || n == 0 {
		return false, err
	}
	if err := drop(w, "place <= ?", last); err != nil {
		return false, err
	}
	return more, w.Exec("UPDATE meta SET value = value + ? WHERE name = 'detections_expired'", n)
}

// Crowded deletes detections of a host that has more than it may, the least severe
// first and of those the oldest: noise does not push out what matters. It makes some
// room at once and returns how many are gone.
func Crowded(w db.Writer, host []byte, limit int) (int, error) {
	var n int
	if _, err := w.Row("SELECT coalesce(sum(n), 0) FROM detection_count WHERE host = ?", []any{host}, &n); err != nil || n <= limit {
		return 0, err
	}
	n -= limit - limit/20
	var places []int64
	err := w.Rows("SELECT place FROM detection WHERE host = ? ORDER BY severity, place LIMIT ?", []any{host, n},
		func(scan func(...any) error) error {
			var place int64
			err := scan(&place)
			places = append(places, place)
			return err
		})
	if err != nil {
		return 0, err
	}
	for _, place := range places {
		if err := drop(w, "place = ?", place); err != nil {
			return 0, err
		}
	}
	return len(places), w.Exec("UPDATE meta SET value = value + ? WHERE name = 'detections_dropped'", len(places))
}

// drop deletes detections and counts them no longer.
func drop(w db.Writer, where string, arg any) error {
	type group struct {
		host     []byte
		severity finding.Severity
		n        int
	}
	var groups []group
	err := w.Rows("SELECT host, severity, count(*) FROM detection WHERE "+where+" GROUP BY host, severity", []any{arg},
		func(scan func(...any) error) error {
			var g group
			err := scan(&g.host, &g.severity, &g.n)
			groups = append(groups, g)
			return err
		})
	for _, g := range groups {
		if err == nil {
			err = Count(w, g.host, g.severity, -g.n)
		}
	}
	if err == nil {
		err = w.Exec("DELETE FROM detection WHERE "+where, arg)
	}
	if err != nil {
		return fmt.Errorf("delete detections: %w", err)
	}
	return nil
}

// Count counts n more detections of a host.
func Count(w db.Writer, host []byte, s finding.Severity, n int) error {
	err := w.Exec("INSERT INTO detection_count VALUES (?, ?, ?) ON CONFLICT (host, severity) DO UPDATE SET n = detection_count.n + excluded.n", host, s, n)
	if err == nil && n < 0 {
		err = w.Exec("DELETE FROM detection_count WHERE host = ? AND severity = ? AND n <= 0", host, s)
	}
	if err != nil {
		return fmt.Errorf("count detections: %w", err)
	}
	return nil
}
