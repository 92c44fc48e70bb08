package pick

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Changes is the condition of a query about events e, as far as statements answer it; the rest
// is for [Keeps].
func Changes(q *fleet.ChangeQuery) (where Condition, err error) {
	if q.Host != "" {
		key, err := q.Host.Bytes()
		if err != nil {
			return where, errors.Join(fs.ErrNotExist, err)
		}
		where.And("e.host = ?", key)
	}
	if q.Check != "" {
		where.And("e.check_id = ?", q.Check)
	}
	if q.Family != "" {
		where.And(`e.check_id LIKE ? ESCAPE '\'`, Escape(q.Family)+"-%")
	}
	return where, where.Scope("e.host", q.Scope)
}

// Keeps reports whether a change is one that a query asks for, as far as its body says.
func Keeps(q *fleet.ChangeQuery, c *finding.Change) bool {
	r := &c.Result
	switch {
	case r.Severity < q.Severity, q.Status != finding.StatusUnspecified && r.Status != q.Status,
		!strings.Contains(strings.ToLower(r.Check+" "+r.Resource), strings.ToLower(q.Text)):
		return false
	case q.Actor != "":
		return r.Cause != nil && (r.Cause.LoginUser == q.Actor || r.Cause.User == q.Actor)
	}
	return !q.Caused || r.Cause != nil
}

// Results is where the results of a check are found. The hosts on which a check is
// bad, and those with an update pending, have an index; for others each host is asked.
// What is read first is in the order of hosts, named by its own column: then a page
// costs what it shows.
func Results(q *fleet.CheckQuery) (from, by string, where Condition, err error) {
	bad := q.Status == finding.StatusUnspecified || q.Status.Bad()
	switch {
	case q.Check == PendingCheck && q.Resource != "" && (q.Status == finding.StatusUnspecified || q.Status == finding.StatusFail):
		from, by = "state s CROSS JOIN host h ON h.host = s.host", "s.host"
		where.And(Pending)
	case bad:
		by = "c.host"
		from = "host_check c CROSS JOIN state s ON s.host = c.host AND s.check_id = c.check_id CROSS JOIN host h ON h.host = s.host"
		where.And("c.check_id = ?", q.Check)
	default:
		from, by = "host h CROSS JOIN state s ON s.host = h.host", "h.host"
		where.And("s.check_id = ?", q.Check)
	}
	if q.Status != finding.StatusUnspecified {
		where.And("s.status = ?", q.Status)
	} else {
		where.And("s.status IN (?, ?, ?)", finding.StatusFail, finding.StatusError, finding.StatusUnknown)
	}
	if q.Resource != "" {
		where.And("s.resource = ?", q.Resource)
	}
	where.Since("s.since", q.From, q.To)
	where.And("h.archived = 0")
	return from, by, where, where.Scope(by, q.Scope)
}

// Detections is the condition of a query about detections d, and their order: that in which
// they were told, unless those after one are asked for.
func Detections(q *fleet.DetectionQuery) (where Condition, order string, err error) {
	where.And("d.place < ?", q.Before)
	order = "d.place DESC"
	if q.After != 0 {
		where.And("d.place > ?", q.After)
		order = "d.place"
	}
	if q.Host != "" {
		key, err := q.Host.Bytes()
		if err != nil {
			return where, "", errors.Join(fs.ErrNotExist, err)
		}
		where.And("d.host = ?", key)
	}
	if q.Rule != "" {
		where.And("d.rule = ?", q.Rule)
	}
	if q.Severity != finding.SeverityUnknown {
		where.And("d.severity = ?", q.Severity)
	}
	return where, order, where.Scope("d.host", q.Scope)
}
