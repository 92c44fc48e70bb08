package triage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

// Covered returns how many of the bad results of each check a waiver stands for, on
// hosts of a scope that are not archived. What is bad after waivers is what the store
// counts, less this. Checks without such results are left out.
func Covered(ctx context.Context, data db.DB, now time.Time, scope []string) (map[string]int, error) {
	within, tags := inScope(scope)
	args := append([]any{now.UnixNano(), now.UnixNano()}, tags...)
	return count(ctx, data, `SELECT s.check_id, count(*) FROM host_check c
		CROSS JOIN state s ON s.host = c.host AND s.check_id = c.check_id CROSS JOIN host h ON h.host = c.host
		WHERE c.check_id IN (SELECT v.check_id FROM waiver v WHERE v.ended = 0 AND v.expires > ?) AND `+bad+` AND h.archived = 0
		AND EXISTS (SELECT 1 FROM waiver w WHERE `+covers+")"+within+" GROUP BY s.check_id", args...)
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

func count(ctx context.Context, data db.DB, text string, args ...any) (by map[string]int, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		by = make(map[string]int)
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var check string
			var n int
			err := scan(&check, &n)
			by[check] = n
			return err
		}, text, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("count waived results: %w", err)
	}
	return by, nil
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
