package rollup

import (
	"fmt"
	"time"

	"seawall/collector/db"
)

// HostsAtOnce is how many hosts [Days] writes in one transaction.
const HostsAtOnce = 500

// Days brings the rows of today in host_day up to what stands on hosts that are not
// archived, and reports whether there may be more to do. A host on which nothing changed
// since the last time is not written.
func Days(w db.Writer, now time.Time) (more bool, err error) {
	n, err := w.Change(`INSERT INTO host_day (host, day, pass, fail, unknown, error)
		SELECT h.host, ?, h.pass, h.fail, h.unknown, h.error FROM host h
		WHERE h.archived = 0 AND NOT EXISTS (SELECT 1 FROM host_day d WHERE d.host = h.host AND d.day = ?
			AND d.pass = h.pass AND d.fail = h.fail AND d.unknown = h.unknown AND d.error = h.error) LIMIT ?
		ON CONFLICT (host, day) DO UPDATE SET pass = excluded.pass, fail = excluded.fail, unknown = excluded.unknown, error = excluded.error`,
		now.Unix()/86400, now.Unix()/86400, HostsAtOnce)
	if err != nil {
		return false, fmt.Errorf("write the day of hosts: %w", err)
	}
	return n == HostsAtOnce, nil
}
