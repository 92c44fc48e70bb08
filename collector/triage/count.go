package triage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/triage/cover"
)

// Covered returns how many of the bad results of each check a waiver stands for, on
// hosts of a scope that are not archived. What is bad after waivers is what the store
// counts, less this. Checks without such results are left out.
func Covered(ctx context.Context, data db.DB, now time.Time, scope []string) (map[string]int, error) {
	all, err := cover.Counts(ctx, data, now, cover.Hosts{Scope: scope})
	by := make(map[string]int)
	for _, c := range all {
		by[c.Check] += c.Results
	}
	return by, err
}

// inScope is a condition on a row s of state: its host has one of the tags, from an
// administrator or a token. No tags are no condition.
func inScope(scope []string) (text string, args []any) {
	if len(scope) == 0 {
		return "", nil
	}
	for _, tag := range scope {
		args = append(args, tag)
	}
	return " AND s.host IN (SELECT g.host FROM host_tag g WHERE g.tag IN (?" + strings.Repeat(", ?", len(scope)-1) + "))", args
}

// Tags returns the tags that an administrator or a token gave a host: what decides who
// may see it.
func Tags(ctx context.Context, data db.DB, id fleet.HostID) (tags []string, err error) {
	host, err := id.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	err = data.Read(ctx, func(q db.Querier) error {
		tags = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var tag string
			err := scan(&tag)
			tags = append(tags, tag)
			return err
		}, "SELECT tag FROM host_tag WHERE host = ? ORDER BY tag", host)
	})
	if err != nil {
		return nil, fmt.Errorf("read tags of host %s: %w", id, err)
	}
	return tags, nil
}
