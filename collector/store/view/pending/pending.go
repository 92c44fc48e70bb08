// Package pending answers which security updates wait, and on which hosts: by the name of
// the package, of the advisory, and of the CVE.
package pending

import (
	"context"
	"database/sql"
	"fmt"

	"seawall/collector/advisory"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
)

// Updates answers from a store's database.
type Updates struct {
	db *sql.DB
}

// New returns what answers over connections that read.
func New(db *sql.DB) *Updates { return &Updates{db} }

// read calls do with a transaction that reads.
func (u *Updates) read(ctx context.Context, do func(db.Querier) error) error {
	tx, err := u.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return sqlite.Classify(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to undo
	return sqlite.Classify(do(tx))
}

// Packages returns a page of the packages of which security updates are pending,
// those pending on most hosts first. Archived hosts are left out.
func (u *Updates) Packages(ctx context.Context, q fleet.PackageQuery) (fleet.PackagePage, error) {
	pick.Page(&q.Page, &q.Size)
	p := fleet.PackagePage{Page: q.Page, Size: q.Size}
	var where pick.Condition
	where.And(pick.Pending + " AND s.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
	if len(q.Text) > pick.MaxText {
		return p, fmt.Errorf("read packages: a text of %d bytes; at most %d", len(q.Text), pick.MaxText)
	}
	if q.Text != "" {
		where.And(`lower(s.resource) LIKE ? ESCAPE '\'`, pick.Like(q.Text))
	}
	where.Since("s.since", q.From, q.To)
	if err := where.Scope("s.host", q.Scope); err != nil {
		return p, fmt.Errorf("read packages: %w", err)
	}
	groups := "FROM (SELECT s.resource AS resource, count(*) AS hosts, min(s.since) AS since FROM state s WHERE " + where.Text + " GROUP BY s.resource) g"
	err := u.read(ctx, func(tx db.Querier) error {
		err := db.Each(ctx, tx, func(scan func(...any) error) error {
			var one fleet.Package
			var since int64
			err := scan(&one.Name, &one.Hosts, &since, &p.Total)
			one.Since = row.Time(since)
			p.Packages = append(p.Packages, one)
			return err
		}, "SELECT resource, hosts, since, count(*) OVER () "+groups+" ORDER BY hosts DESC, resource LIMIT ? OFFSET ?",
			append(where.Args, q.Size, q.Page*q.Size)...)
		if err != nil || len(p.Packages) > 0 || q.Page == 0 {
			return err
		}
		_, err = db.One(ctx, tx, "SELECT count(*) "+groups, where.Args, &p.Total)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read packages: %w", err)
	}
	return p, nil
}

// Advisories returns a page of the advisories, or of the CVEs, that pending updates are
// for: the worst first, and of those the ones on most hosts. Archived hosts are left out.
func (u *Updates) Advisories(ctx context.Context, q advisory.Query) (advisory.Page, error) {
	pick.Page(&q.Page, &q.Size)
	var p advisory.Page
	var where pick.Condition
	where.And("a.kind = ? AND a.host NOT IN (SELECT host FROM host WHERE archived <> 0)", int(q.Kind))
	if len(q.Text) > pick.MaxText {
		return p, fmt.Errorf("read advisories: a text of %d bytes; at most %d", len(q.Text), pick.MaxText)
	}
	if q.Text != "" {
		where.And(`lower(a.name) LIKE ? ESCAPE '\'`, pick.Like(q.Text))
	}
	if err := where.Scope("a.host", q.Scope); err != nil {
		return p, fmt.Errorf("read advisories: %w", err)
	}
	groups := `FROM (SELECT a.name AS name, count(*) AS hosts, CAST(sum(a.packages) AS BIGINT) AS packages, max(a.severity) AS severity, min(a.since) AS since
		FROM advised a WHERE ` + where.Text + ` GROUP BY a.name) g`
	err := u.read(ctx, func(tx db.Querier) error {
		err := db.Each(ctx, tx, func(scan func(...any) error) error {
			var one advisory.Advisory
			var since int64
			err := scan(&one.Name, &one.Hosts, &one.Packages, &one.Severity, &since, &p.Total)
			one.Since = row.Time(since)
			p.Advisories = append(p.Advisories, one)
			return err
		}, "SELECT name, hosts, packages, severity, since, count(*) OVER () "+groups+" ORDER BY severity DESC, hosts DESC, name LIMIT ? OFFSET ?",
			append(where.Args, q.Size, q.Page*q.Size)...)
		if err != nil || len(p.Advisories) > 0 || q.Page == 0 {
			return err
		}
		_, err = db.One(ctx, tx, "SELECT count(*) "+groups, where.Args, &p.Total)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read advisories: %w", err)
	}
	return p, nil
}

// Advised returns a page of the updates that are pending for a name, in the order of
// hosts' ids. Archived hosts are left out.
func (u *Updates) Advised(ctx context.Context, q advisory.HostQuery) (fleet.StatePage, error) {
	pick.Page(&q.Page, &q.Size)
	p := fleet.StatePage{Page: q.Page, Size: q.Size}
	var where pick.Condition
	where.And("a.kind = ? AND a.name = ? AND "+pick.Pending+" AND h.archived = 0", int(advisory.Of(q.Name)), q.Name)
	if err := where.Scope("a.host", q.Scope); err != nil {
		return p, fmt.Errorf("read hosts of an advisory: %w", err)
	}
	err := u.read(ctx, func(tx db.Querier) error {
		return db.Each(ctx, tx, func(scan func(...any) error) error {
			st, err := row.State(scan)
			p.States = append(p.States, st)
			return err
		}, `SELECT s.host, h.name, s.since, s.body FROM advisory a
			CROSS JOIN state s ON s.host = a.host AND s.check_id = 'patch-security-updates' AND s.resource = a.resource
			CROSS JOIN host h ON h.host = a.host WHERE `+where.Text+" ORDER BY a.host, a.resource LIMIT ? OFFSET ?",
			append(where.Args, q.Size+1, q.Page*q.Size)...)
	})
	if err != nil {
		return p, fmt.Errorf("read hosts of an advisory: %w", err)
	}
	if p.More = len(p.States) > q.Size; p.More {
		p.States = p.States[:q.Size]
	}
	return p, nil
}
