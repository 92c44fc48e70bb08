// Package cover counts the results that waivers stand for, so that numbers can be shown
// before and after them. What is bad after waivers is what the store counts, less what
// is counted here.
//
// It also says in one place which hosts a number is about ([Hosts]) and when a waiver
// stands for a result ([Covers]), as conditions for others' queries.
package cover

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

const (
	// Covers is true for a row s of state and a standing waiver w of it. Its parameter
	// is the time.
	Covers = `(w.check_id = s.check_id AND w.ended = 0 AND w.expires > ? AND (w.resource = '' OR w.resource = s.resource)
	AND (length(w.host) = 0 OR w.host = s.host)
	AND (w.tag = '' OR EXISTS (SELECT 1 FROM host_tag t WHERE t.host = s.host AND t.tag = w.tag)))`
	// Bad is true for a row s of state that [finding.Status.Bad].
	Bad = "s.status IN (2, 4, 5)"

	maxScope = 200 // tags; more are refused rather than cut
	maxHosts = fleet.MaxPage
)

// Hosts selects hosts. Archived ones are left out unless Host names one.
type Hosts struct {
	// Scope bounds what a visitor may see: hosts with one of these tags, given by an
	// administrator or a token. Empty means all.
	Scope []string
	Tag   string       // given, or told by the host; empty: any
	Host  fleet.HostID // empty: any
}

// All reports whether nothing but archived hosts is left out.
func (h Hosts) All() bool { return len(h.Scope) == 0 && h.Tag == "" && h.Host == "" }

// Where returns a condition on a column that holds a host's key. Its text is made of
// constants.
func (h Hosts) Where(column string) (text string, args []any, err error) {
	text = column + " NOT IN (SELECT a.host FROM host a WHERE a.archived <> 0)"
	if h.Host != "" {
		key, err := h.Host.Bytes()
		if err != nil {
			return "", nil, fmt.Errorf("select a host: %w", err)
		}
		text, args = column+" = ?", []any{key}
	}
	if h.Tag != "" {
		text += " AND " + column + " IN (SELECT g.host FROM host_tag g WHERE g.tag = ? UNION SELECT g.host FROM host_told g WHERE g.tag = ?)"
		args = append(args, h.Tag, h.Tag)
	}
	if len(h.Scope) > maxScope {
		return "", nil, fmt.Errorf("a scope of %d tags; at most %d", len(h.Scope), maxScope)
	}
	if len(h.Scope) > 0 {
		text += " AND " + column + " IN (SELECT g.host FROM host_tag g WHERE g.tag IN (" + marks(len(h.Scope)) + "))"
		for _, tag := range h.Scope {
			args = append(args, tag)
		}
	}
	return text, args, nil
}

// Tags returns the tags that were given to hosts of a scope: waivers of others stand for
// nothing that may be seen in it. Without a scope it returns nil.
func Tags(ctx context.Context, data db.DB, scope []string) (all map[string]bool, err error) {
	if len(scope) == 0 {
		return nil, nil
	}
	if len(scope) > maxScope {
		return nil, fmt.Errorf("a scope of %d tags; at most %d", len(scope), maxScope)
	}
	var args []any
	for _, tag := range scope {
		args = append(args, tag)
	}
	all = make(map[string]bool)
	err = data.Read(ctx, func(q db.Querier) error {
		clear(all)
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var tag string
			err := scan(&tag)
			all[tag] = true
			return err
		}, "SELECT DISTINCT t.tag FROM host_tag t WHERE t.host IN (SELECT g.host FROM host_tag g WHERE g.tag IN ("+marks(len(scope))+"))", args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read the tags of a scope's hosts: %w", err)
	}
	return all, nil
}

func marks(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// Count is how many results of one kind waivers stand for.
type Count struct {
	Check    string
	Severity finding.Severity
	Status   finding.Status // a bad one
	Results  int
}

// Counts returns what waivers stand for among the bad results of hosts.
func Counts(ctx context.Context, data db.DB, now time.Time, in Hosts) (all []Count, err error) {
	within, args, err := in.Where("c.host")
	if err != nil {
		return nil, err
	}
	args = append([]any{now.UnixNano(), now.UnixNano()}, args...)
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var c Count
			err := scan(&c.Check, &c.Severity, &c.Status, &c.Results)
			all = append(all, c)
			return err
		}, `SELECT s.check_id, s.severity, s.status, count(*) FROM host_check c
			CROSS JOIN state s ON s.host = c.host AND s.check_id = c.check_id
			WHERE c.check_id IN (SELECT v.check_id FROM waiver v WHERE v.ended = 0 AND v.expires > ?) AND `+Bad+`
			AND EXISTS (SELECT 1 FROM waiver w WHERE `+Covers+") AND "+within+` GROUP BY s.check_id, s.severity, s.status
			ORDER BY s.check_id, s.severity, s.status`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("count waived results: %w", err)
	}
	return all, nil
}

// OnHosts returns how many failed results of each host waivers stand for, at most
// [fleet.MaxPage] hosts at a time. Hosts without such results are left out.
func OnHosts(ctx context.Context, data db.DB, now time.Time, ids []fleet.HostID) (by map[fleet.HostID]int, err error) {
	by = make(map[fleet.HostID]int)
	if len(ids) == 0 {
		return by, nil
	}
	args, err := keys([]any{now.UnixNano(), now.UnixNano()}, ids)
	if err != nil {
		return nil, fmt.Errorf("count waived results: %w", err)
	}
	err = data.Read(ctx, func(q db.Querier) error {
		clear(by)
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var key []byte
			var n int
			err := scan(&key, &n)
			by[fleet.HostID(hex.EncodeToString(key))] = n
			return err
		}, `SELECT s.host, count(*) FROM host_check c CROSS JOIN state s ON s.host = c.host AND s.check_id = c.check_id
			WHERE c.check_id IN (SELECT v.check_id FROM waiver v WHERE v.ended = 0 AND v.expires > ?) AND s.status = 2
			AND EXISTS (SELECT 1 FROM waiver w WHERE `+Covers+") AND c.host IN ("+marks(len(ids))+") GROUP BY s.host", args...)
	})
	if err != nil {
		return nil, fmt.Errorf("count waived results of hosts: %w", err)
	}
	return by, nil
}

// Decisions returns what people decided about the bad results of hosts, at most
// [fleet.MaxPage] hosts at a time; of one check, or of all where it is empty. Results
// about which nothing is to be said are left out.
func Decisions(ctx context.Context, data db.DB, now time.Time, check string, ids []fleet.HostID) (all []fleet.Care, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args, err := keys([]any{now.UnixNano()}, ids)
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	where := "s.host IN (" + marks(len(ids)) + ") AND " + Bad
	if check != "" {
		where += " AND s.check_id = ?"
		args = append(args, check)
	}
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var d fleet.Care
			var key []byte
			var until int64
			err := scan(&key, &d.Check, &d.Resource, &d.Assignee, &d.Times, &d.Owner, &until)
			d.Host = fleet.HostID(hex.EncodeToString(key))
			if until != 0 {
				d.Until = time.Unix(0, until).UTC()
			}
			all = append(all, d)
			return err
		}, `SELECT s.host, s.check_id, s.resource, coalesce(t.assignee, ''), coalesce(l.times, 0), coalesce(v.owner, ''), coalesce(v.expires, 0)
			FROM state s LEFT JOIN life l ON l.host = s.host AND l.check_id = s.check_id AND l.resource = s.resource
			LEFT JOIN triage t ON t.host = s.host AND t.check_id = s.check_id AND t.resource = s.resource
			LEFT JOIN waiver v ON v.id = (SELECT w.id FROM waiver w WHERE `+Covers+` ORDER BY w.expires DESC, w.id LIMIT 1)
			WHERE `+where+" AND (t.assignee <> '' OR l.times > 0 OR v.id IS NOT NULL)", args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return all, nil
}

// keys appends the keys of hosts to the arguments of a query.
func keys(args []any, ids []fleet.HostID) ([]any, error) {
	if len(ids) > maxHosts {
		return nil, fmt.Errorf("%d hosts; at most %d", len(ids), maxHosts)
	}
	for _, id := range ids {
		key, err := id.Bytes()
		if err != nil {
			return nil, err
		}
		args = append(args, key)
	}
	return args, nil
}
