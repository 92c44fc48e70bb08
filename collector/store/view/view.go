// Package view answers the dashboard's questions from the store's tables. It reads
// committed data only and never waits for the writer.
package view

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/store/presence"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/part"
	"seawall/collector/store/view/row"
	"seawall/pkg/finding"
)

const (
	maxWorst  = 10
	maxRecent = 20
	maxDays   = 30
	maxNewest = 5
	// maxStates bounds the results on a check's page, bad ones first.
	maxStates = 500
)

// View reads a store's database.
type View struct {
	db     *sql.DB
	now    func() time.Time
	facets *part.Kept[fleet.Facets]
	parts  *part.Kept[[]fleet.Check]
	fixes  *part.Kept[[]fleet.Remedy] // by check and scope
}

// New returns a view over connections that read.
func New(db *sql.DB, now func() time.Time) *View {
	return &View{db, now, part.NewKept[fleet.Facets](facetsFor, time.Now), part.NewKept[[]fleet.Check](checksFor, time.Now), part.NewKept[[]fleet.Remedy](checksFor, time.Now)}
}

// Hosts returns all hosts by name, archived ones too.
func (v *View) Hosts(ctx context.Context) ([]fleet.Host, error) {
	hosts, err := v.hosts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read hosts: %w", sqlite.Classify(err))
	}
	return hosts, nil
}

func (v *View) hosts(ctx context.Context) ([]fleet.Host, error) {
	tx, err := v.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.end()
	members, err := membership.Members(ctx, tx)
	if err != nil {
		return nil, err
	}
	byID := make(map[fleet.HostID]*fleet.Member, len(members))
	for i := range members {
		byID[members[i].Host] = &members[i]
	}
	var hosts []fleet.Host
	err = db.Each(ctx, tx, func(scan func(...any) error) error {
		h, err := row.Host(scan, tx.presence)
		h.Member = byID[h.ID]
		hosts = append(hosts, h)
		return err
	}, "SELECT "+row.HostColumns+" FROM host ORDER BY name, host")
	if err != nil {
		return nil, err
	}
	counts, at := make(map[fleet.HostID]*[6]int), make(map[fleet.HostID]*fleet.Host, len(hosts))
	for i := range hosts {
		counts[hosts[i].ID], at[hosts[i].ID] = &hosts[i].Detected, &hosts[i]
	}
	if err := row.Given(ctx, tx, at, ""); err != nil {
		return nil, err
	}
	err = tx.detections(ctx, func(id fleet.HostID, s finding.Severity, n int) {
		if c := counts[id]; c != nil {
			c[s] = n
		}
	}, "")
	return hosts, err
}

// snapshot is a transaction that reads: all it reads is of one commit.
type snapshot struct {
	*sql.Tx
	now     time.Time
	outages presence.Outages
}

func (v *View) begin(ctx context.Context) (*snapshot, error) {
	tx, err := v.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	s := &snapshot{Tx: tx, now: v.now()}
	if s.outages, err = presence.Read(ctx, tx); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// presence is that of a host which spoke last at a time.
func (s *snapshot) presence(last time.Time) fleet.Presence { return s.outages.Of(last, s.now) }

func (s *snapshot) end() { _ = s.Rollback() } // nothing to undo

// Host returns one host. A host that is not known is an error that is
// fs.ErrNotExist.
func (v *View) Host(ctx context.Context, id fleet.HostID) (fleet.HostDetail, error) {
	d, err := v.host(ctx, id)
	if err != nil {
		return d, fmt.Errorf("read host %s: %w", id, sqlite.Classify(err))
	}
	return d, nil
}

func (v *View) host(ctx context.Context, id fleet.HostID) (d fleet.HostDetail, err error) {
	key, err := id.Bytes()
	if err != nil {
		return d, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	tx, err := v.begin(ctx)
	if err != nil {
		return d, err
	}
	defer tx.end()
	d.Host, err = row.Host(tx.QueryRowContext(ctx, "SELECT "+row.HostColumns+" FROM host WHERE host = ?", key).Scan, tx.presence)
	if errors.Is(err, sql.ErrNoRows) {
		return d, fs.ErrNotExist
	}
	if err != nil {
		return d, err
	}
	err = tx.detections(ctx, func(_ fleet.HostID, s finding.Severity, n int) { d.Host.Detected[s] = n }, "WHERE c.host = ?", key)
	if err != nil {
		return d, err
	}
	if d.Host.Member, err = membership.Member(ctx, tx, key); err != nil {
		return d, err
	}
	if err := row.Given(ctx, tx, map[fleet.HostID]*fleet.Host{d.Host.ID: &d.Host}, "WHERE host = ?", key); err != nil {
		return d, err
	}
	d.Checks = make(map[string]finding.CheckInfo)
	err = db.Each(ctx, tx, func(scan func(...any) error) error {
		info, err := row.Info(scan)
		d.Checks[info.ID] = info
		return err
	}, "SELECT i.check_id, i.body FROM host_info h JOIN info i ON i.hash = h.hash WHERE h.host = ?", key)
	if err != nil {
		return d, err
	}
	err = db.Each(ctx, tx, func(scan func(...any) error) error {
		st, err := row.State(scan)
		d.States = append(d.States, st)
		return err
	}, "SELECT s.host, h.name, s.since, s.body FROM state s JOIN host h ON h.host = s.host WHERE s.host = ?", key)
	if err != nil {
		return d, err
	}
	for _, st := range d.States {
		if _, ok := d.Checks[st.Result.Check]; !ok {
			d.Checks[st.Result.Check] = row.Bare(st.Result.Check)
		}
	}
	slices.SortFunc(d.States, func(a, b fleet.State) int {
		return cmp.Or(strings.Compare(d.Checks[a.Result.Check].Family, d.Checks[b.Result.Check].Family),
			finding.Compare(a.Result, b.Result))
	})
	return d, nil
}

// Checks returns all checks that stand on some host, by family and id.
func (v *View) Checks(ctx context.Context) ([]fleet.Check, error) {
	checks, err := v.checks(ctx, "WHERE pass + fail + not_applicable + unknown + error + waived > 0")
	if err != nil {
		return nil, fmt.Errorf("read checks: %w", sqlite.Classify(err))
	}
	slices.SortFunc(checks, func(a, b fleet.Check) int {
		return cmp.Or(strings.Compare(a.Info.Family, b.Info.Family), strings.Compare(a.Info.ID, b.Info.ID))
	})
	return checks, nil
}

func (v *View) checks(ctx context.Context, where string, args ...any) ([]fleet.Check, error) {
	var checks []fleet.Check
	err := db.Each(ctx, v.db, func(scan func(...any) error) error {
		c, err := row.Check(scan)
		checks = append(checks, c)
		return err
	}, row.CheckColumns+where, args...)
	return checks, err
}

// Check returns one check with its results, bad ones first and at most 500, those
// of archived hosts left out. A check that no host has is an error that is fs.ErrNotExist.
func (v *View) Check(ctx context.Context, id string) (fleet.CheckDetail, error) {
	var d fleet.CheckDetail
	checks, err := v.checks(ctx, "WHERE check_id = ?", id)
	if err == nil && len(checks) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return d, fmt.Errorf("read check %q: %w", id, sqlite.Classify(err))
	}
	d.Check = checks[0]
	for _, status := range []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown,
		finding.StatusWaived, finding.StatusPass, finding.StatusNotApplicable} {
		if err := v.standing(ctx, &d, status); err != nil {
			return d, fmt.Errorf("read check %q: %w", id, sqlite.Classify(err))
		}
	}
	d.Remedies, err = v.remedies(ctx, id, nil)
	return d, err
}

// standing adds the check's results of a status. Hosts on which a check is bad are
// found by an index; of the others there are mostly more than are shown, so that the
// first hosts have them, and how many there are is known.
func (v *View) standing(ctx context.Context, d *fleet.CheckDetail, status finding.Status) error {
	from, by := "host_check c CROSS JOIN state s ON s.host = c.host AND s.check_id = c.check_id CROSS JOIN host h ON h.host = s.host WHERE c.check_id = ? AND s.status = ?", "c.host"
	if !status.Bad() {
		by = "h.host"
		from = "host h CROSS JOIN state s ON s.host = h.host WHERE s.check_id = ? AND s.status = ?"
	}
	limit := min(d.Check.Counts.Of(status), maxStates-len(d.States))
	return db.Each(ctx, v.db, func(scan func(...any) error) error {
		st, err := row.State(scan)
		d.States = append(d.States, st)
		return err
	}, "SELECT s.host, h.name, s.since, s.body FROM "+from+" AND h.archived = 0 ORDER BY "+by+" LIMIT ?", d.Check.Info.ID, status, limit)
}
