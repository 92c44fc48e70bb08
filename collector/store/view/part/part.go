// Package part counts what the hosts of a scope have, of all hosts where it is empty.
// What is true of the whole fleet is in rollups; a part of it is counted when somebody
// asks, and kept for a while.
package part

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Scope makes the condition that the host in a column is of the scope, with its
// arguments; an empty condition is true of all hosts.
type Scope func(column string) (condition string, args []any, err error)

// Moment is when something is asked. A host that spoke after Silent is online, and one
// that did not after Offline is offline.
type Moment struct{ Now, Silent, Offline time.Time }

// and returns a condition and that of the scope, as one.
func (s Scope) and(column, condition string) (string, []any, error) {
	text, args, err := s(column)
	if text == "" {
		return condition, nil, err
	}
	return condition + " AND " + text, args, err
}

// maxFacet bounds the values of a kind that hosts can be filtered by.
const maxFacet = 100

// Within returns the hosts of a scope, archived ones, too.
func Within(ctx context.Context, q db.Querier, scope Scope) (map[fleet.HostID]bool, error) {
	where, args, err := scope("h.host")
	if err != nil || where == "" {
		return nil, cmp.Or(err, errors.New("hosts within no scope"))
	}
	all := make(map[fleet.HostID]bool)
	return all, db.Each(ctx, q, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		all[fleet.HostID(hex.EncodeToString(key))] = true
		return err
	}, "SELECT h.host FROM host h WHERE "+where, args...)
}

// Sum sums up the hosts and members of a scope.
func Sum(ctx context.Context, q db.Querier, scope Scope, at Moment) (o fleet.Overview, err error) {
	where, args, err := scope.and("h.host", "1 = 1")
	if err != nil {
		return o, err
	}
	var online, silent, archived int
	n, c := &o.BySeverity, &o.Counts
	silentAt, offlineAt := at.Silent.UnixNano(), at.Offline.UnixNano()
	const live = "CASE WHEN h.archived = 0 THEN "
	sums := ""
	for _, column := range []string{"severity0", "severity1", "severity2", "severity3", "severity4", "severity5",
		"pass", "fail", "not_applicable", "unknown", "error", "waived", "pending"} {
		sums += ", coalesce(sum(" + live + "h." + column + " ELSE 0 END), 0)"
	}
	_, err = db.One(ctx, q, `SELECT count(*) FILTER (WHERE h.archived = 0), count(*) FILTER (WHERE h.archived <> 0),
		count(*) FILTER (WHERE h.archived = 0 AND h.last_seen >= ?),
		count(*) FILTER (WHERE h.archived = 0 AND h.last_seen < ? AND h.last_seen >= ?)`+sums+" FROM host h WHERE "+where,
		append([]any{silentAt, silentAt, offlineAt}, args...),
		&o.Hosts, &archived, &online, &silent, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
		&c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &o.Pending)
	if err != nil {
		return o, err
	}
	o.Presence = map[fleet.Presence]int{
		fleet.Online: online, fleet.Silent: silent, fleet.Offline: o.Hosts - online - silent, fleet.Archived: archived,
	}
	o.Standing = make(map[fleet.Standing]int)
	err = db.Each(ctx, q, func(scan func(...any) error) error {
		var standing fleet.Standing
		var members, expired int
		err := scan(&standing, &members, &expired)
		if o.Standing[standing] = members; standing == fleet.Active {
			o.Expired = expired
		}
		return err
	}, `SELECT h.standing, count(*), count(*) FILTER (WHERE h.expires < ?) FROM member h
		WHERE h.host NOT IN (SELECT host FROM host WHERE archived <> 0) AND `+where+" GROUP BY h.standing",
		append([]any{at.Now.UnixNano()}, args...)...)
	return o, err
}

// ByCheck counts the standing results of the hosts of a scope.
func ByCheck(ctx context.Context, q db.Querier, scope Scope) (map[string]*fleet.Check, error) {
	where, args, err := scope.and("s.host", "s.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
	if err != nil {
		return nil, err
	}
	counted := make(map[string]*fleet.Check)
	of := func(id string) *fleet.Check {
		if counted[id] == nil {
			counted[id] = &fleet.Check{}
		}
		return counted[id]
	}
	err = db.Each(ctx, q, func(scan func(...any) error) error {
		var id string
		var status finding.Status
		var n int
		err := scan(&id, &status, &n)
		of(id).Counts.Add(status, n)
		return err
	}, "SELECT s.check_id, s.status, count(*) FROM state s WHERE "+where+" GROUP BY s.check_id, s.status", args...)
	if err != nil {
		return nil, err
	}
	return counted, db.Each(ctx, q, func(scan func(...any) error) error {
		var id string
		var n int
		err := scan(&id, &n)
		of(id).Hosts = n
		return err
	}, "SELECT s.check_id, count(*) FROM host_check s WHERE s.bad > 0 AND "+where+" GROUP BY s.check_id", args...)
}

// tagged has the tags of hosts, each once for a host. Few of the tags that hosts give
// themselves are given by people, too.
const tagged = `(SELECT host, tag FROM host_tag UNION ALL SELECT t.host, t.tag FROM host_told t
	WHERE t.tag NOT IN (SELECT tag FROM host_tag)
	OR NOT EXISTS (SELECT 1 FROM host_tag g WHERE g.host = t.host AND g.tag = t.tag)) x`

// Facets counts what hosts of a scope can be filtered by.
func Facets(ctx context.Context, q db.Querier, scope Scope) (f fleet.Facets, err error) {
	for _, kind := range []struct {
		to    *[]fleet.Facet
		value string
		from  string
	}{
		{&f.OS, "x.os", "host_label x"},
		{&f.Regions, "x.region", "host_label x"},
		{&f.Tags, "x.tag", tagged},
	} {
		where, args, err := scope.and("x.host", kind.value+" <> '' AND x.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
		if err != nil {
			return f, err
		}
		err = db.Each(ctx, q, func(scan func(...any) error) error {
			var value fleet.Facet
			err := scan(&value.Value, &value.Hosts)
			*kind.to = append(*kind.to, value)
			return err
		}, "SELECT "+kind.value+" AS value, count(*) AS hosts FROM "+kind.from+" WHERE "+where+
			" GROUP BY "+kind.value+" ORDER BY hosts DESC, value LIMIT ?", append(args, maxFacet)...)
		if err != nil {
			return f, err
		}
	}
	return f, nil
}
