package view

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/pkg/finding"
)

// maxTries bounds how often changes of a part of the fleet are looked for: a query
// for them reads a bounded number of events, most of which may be of other hosts.
const maxTries = 4

// recount is for how long the results of a part of the fleet, counted by check, are
// good: they are in no rollup, and each of them is read.
const recount = 30 * time.Second

// parts keeps the counted checks of parts of the fleet, by scope. Who asks while another
// counts the same part waits for that.
type parts struct {
	mu  sync.Mutex
	of  map[string]*part
	now func() time.Time
}

type part struct {
	mu     sync.Mutex
	until  time.Time
	checks []fleet.Check
}

func (p *parts) get(scope []string) *part {
	key := strings.Join(scope, "\x00") // no tag has such a byte
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= maxScopes && p.of[key] == nil {
		p.of = make(map[string]*part)
	}
	if p.of[key] == nil {
		p.of[key] = &part{}
	}
	return p.of[key]
}

// Within returns the hosts of a scope, archived ones, too.
func (v *View) Within(ctx context.Context, scope []string) (map[fleet.HostID]bool, error) {
	var where pick.Condition
	if err := where.Scope("h.host", scope); err != nil || where.Text == "" {
		return nil, cmp.Or(err, fmt.Errorf("hosts within no scope"))
	}
	all := make(map[fleet.HostID]bool)
	err := db.Each(ctx, v.db, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		all[fleet.HostID(hex.EncodeToString(key))] = true
		return err
	}, "SELECT h.host FROM host h WHERE "+where.Text, where.Args...)
	if err != nil {
		return nil, fmt.Errorf("read the hosts of a scope: %w", sqlite.Classify(err))
	}
	return all, nil
}

// OverviewOf is [View.Overview] of the hosts of a scope alone. It has no Days, and no
// Requests: what asks to be admitted is in nobody's scope yet.
func (v *View) OverviewOf(ctx context.Context, scope []string) (o fleet.Overview, err error) {
	if len(scope) == 0 {
		return v.Overview(ctx)
	}
	if o, err = v.sum(ctx, scope); err != nil {
		return o, fmt.Errorf("read overview of a scope: %w", sqlite.Classify(err))
	}
	checks, err := v.ChecksOf(ctx, scope)
	if err != nil {
		return o, err
	}
	for _, c := range checks {
		if c.Hosts > 0 {
			o.Worst = append(o.Worst, c)
		}
	}
	slices.SortFunc(o.Worst, func(a, b fleet.Check) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), cmp.Compare(b.Counts.Fail, a.Counts.Fail), strings.Compare(a.Info.ID, b.Info.ID))
	})
	o.Worst = o.Worst[:min(maxWorst, len(o.Worst))]
	if o.Recent, err = v.TimelineOf(ctx, fleet.TimelineQuery{Limit: maxRecent}, scope); err != nil {
		return o, err
	}
	o.Detections, err = v.Detections(ctx, fleet.DetectionQuery{Limit: maxNewest, Scope: scope})
	return o, err
}

// sum sums up the hosts of a scope.
func (v *View) sum(ctx context.Context, scope []string) (o fleet.Overview, err error) {
	tx, err := v.begin(ctx)
	if err != nil {
		return o, err
	}
	defer tx.end()
	var where pick.Condition
	if err := where.Scope("h.host", scope); err != nil {
		return o, err
	}
	var online, silent, archived int
	n, c := &o.BySeverity, &o.Counts
	silentAt, offlineAt := tx.outages.Silent(tx.now).UnixNano(), tx.outages.Offline(tx.now).UnixNano()
	const live = "CASE WHEN h.archived = 0 THEN "
	sums := ""
	for _, column := range []string{"severity0", "severity1", "severity2", "severity3", "severity4", "severity5",
		"pass", "fail", "not_applicable", "unknown", "error", "waived", "pending"} {
		sums += ", coalesce(sum(" + live + "h." + column + " ELSE 0 END), 0)"
	}
	_, err = db.One(ctx, tx, `SELECT count(*) FILTER (WHERE h.archived = 0), count(*) FILTER (WHERE h.archived <> 0),
		count(*) FILTER (WHERE h.archived = 0 AND h.last_seen >= ?),
		count(*) FILTER (WHERE h.archived = 0 AND h.last_seen < ? AND h.last_seen >= ?)`+sums+" FROM host h WHERE "+where.Text,
		append([]any{silentAt, silentAt, offlineAt}, where.Args...),
		&o.Hosts, &archived, &online, &silent, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
		&c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &o.Pending)
	if err != nil {
		return o, err
	}
	o.Presence = map[fleet.Presence]int{
		fleet.Online: online, fleet.Silent: silent, fleet.Offline: o.Hosts - online - silent, fleet.Archived: archived,
	}
	o.Standing = make(map[fleet.Standing]int)
	err = db.Each(ctx, tx, func(scan func(...any) error) error {
		var standing fleet.Standing
		var members, expired int
		err := scan(&standing, &members, &expired)
		if o.Standing[standing] = members; standing == fleet.Active {
			o.Expired = expired
		}
		return err
	}, `SELECT h.standing, count(*), count(*) FILTER (WHERE h.expires < ?) FROM member h
		WHERE h.host NOT IN (SELECT host FROM host WHERE archived <> 0) AND `+where.Text+" GROUP BY h.standing",
		append([]any{tx.now.UnixNano()}, where.Args...)...)
	if err != nil {
		return o, err
	}
	var counted pick.Condition
	counted.And("c.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
	if err := counted.Scope("c.host", scope); err != nil {
		return o, err
	}
	return o, tx.detections(ctx, func(_ fleet.HostID, s finding.Severity, n int) { o.Detected[s] += n }, "WHERE "+counted.Text, counted.Args...)
}

// ChecksOf is [View.Checks] of the hosts of a scope alone, as they were at most half a
// minute ago. A check has the text that most hosts of the fleet have. Callers must not
// change it.
func (v *View) ChecksOf(ctx context.Context, scope []string) ([]fleet.Check, error) {
	if len(scope) == 0 {
		return v.Checks(ctx)
	}
	p := v.parts.get(scope)
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.parts.now().Before(p.until) {
		return p.checks, nil
	}
	counted, err := v.byCheck(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("count the checks of a scope: %w", sqlite.Classify(err))
	}
	all, err := v.Checks(ctx)
	if err != nil {
		return nil, err
	}
	p.checks = nil
	for _, c := range all {
		if own := counted[c.Info.ID]; own != nil {
			p.checks = append(p.checks, fleet.Check{Info: c.Info, Counts: own.Counts, Hosts: own.Hosts})
		}
	}
	p.until = v.parts.now().Add(recount)
	return p.checks, nil
}

// byCheck counts the standing results of the hosts of a scope.
func (v *View) byCheck(ctx context.Context, scope []string) (map[string]*fleet.Check, error) {
	var where pick.Condition
	where.And("s.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
	if err := where.Scope("s.host", scope); err != nil {
		return nil, err
	}
	counted := make(map[string]*fleet.Check)
	of := func(id string) *fleet.Check {
		if counted[id] == nil {
			counted[id] = &fleet.Check{}
		}
		return counted[id]
	}
	err := db.Each(ctx, v.db, func(scan func(...any) error) error {
		var id string
		var status finding.Status
		var n int
		err := scan(&id, &status, &n)
		of(id).Counts.Add(status, n)
		return err
	}, "SELECT s.check_id, s.status, count(*) FROM state s WHERE "+where.Text+" GROUP BY s.check_id, s.status", where.Args...)
	if err != nil {
		return nil, err
	}
	return counted, db.Each(ctx, v.db, func(scan func(...any) error) error {
		var id string
		var n int
		err := scan(&id, &n)
		of(id).Hosts = n
		return err
	}, "SELECT s.check_id, count(*) FROM host_check s WHERE s.bad > 0 AND "+where.Text+" GROUP BY s.check_id", where.Args...)
}

// CheckOf is [View.Check] of the hosts of a scope alone. A check that none of them has
// is an error that is fs.ErrNotExist.
func (v *View) CheckOf(ctx context.Context, id string, scope []string) (d fleet.CheckDetail, err error) {
	if len(scope) == 0 {
		return v.Check(ctx, id)
	}
	checks, err := v.ChecksOf(ctx, scope)
	if err != nil {
		return d, err
	}
	n := slices.IndexFunc(checks, func(c fleet.Check) bool { return c.Info.ID == id })
	if n < 0 {
		return d, fmt.Errorf("read check %q: %w", id, fs.ErrNotExist)
	}
	d.Check = checks[n]
	for _, status := range []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown,
		finding.StatusWaived, finding.StatusPass, finding.StatusNotApplicable} {
		if len(d.States) >= maxStates {
			break
		}
		p, err := v.Results(ctx, fleet.CheckQuery{Check: id, Status: status, Scope: scope, Size: maxStates - len(d.States)})
		if err != nil {
			return d, err
		}
		d.States = append(d.States, p.States...)
	}
	return d, nil
}

// TimelineOf is [View.Timeline] of the hosts of a scope alone. Where changes of other
// hosts are many it may have fewer than there are.
func (v *View) TimelineOf(ctx context.Context, q fleet.TimelineQuery, scope []string) ([]fleet.Event, error) {
	if len(scope) == 0 {
		return v.Timeline(ctx, q)
	}
	var events []fleet.Event
	c := fleet.ChangeQuery{Host: q.Host, Check: q.Check, Scope: scope, Before: q.Before, Limit: q.Limit}
	for range maxTries {
		p, err := v.Changes(ctx, c)
		if err != nil {
			return nil, err
		}
		events = append(events, p.Events...)
		c.Before, c.Limit = p.Next, q.Limit-len(events)
		if p.Next == 0 || c.Limit <= 0 {
			break
		}
	}
	return events, nil
}

// scoped adds that detections d are of hosts of a scope.
func scoped(where string, args []any, scope []string) (string, []any, error) {
	var s pick.Condition
	if err := s.Scope("d.host", scope); err != nil || s.Text == "" {
		return where, args, err
	}
	return where + " AND " + s.Text, append(args, s.Args...), nil
}
