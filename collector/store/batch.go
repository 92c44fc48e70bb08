package store

import (
	"errors"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/lane"
	"seawall/collector/store/rollup"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view"
)

// batch is one transaction of the writer.
type batch struct {
	*sqlite.Writer
	store   *Store
	now     time.Time
	fleet   rollup.Fleet
	hosts   map[fleet.HostID]*host // used by this transaction
	updates []fleet.Update         // published after the commit
}

// refusal is an error of a request that has written nothing: the others of its
// transaction go on.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// open returns a host, from memory when the writer has had it before. Hosts are
// kept between transactions: all writes to their rows go through here, and those of
// a transaction that fails are forgotten.
func (b *batch) open(id fleet.HostID) (*host, error) {
	if h := b.hosts[id]; h != nil {
		return h, nil
	}
	h := b.store.hosts[id]
	if h == nil {
		var err error
		if h, err = b.load(id); err != nil {
			return nil, err
		}
		b.store.hosts[id] = h
	}
	h.use = use{batch: b}
	b.hosts[id] = h
	return h, nil
}

// load reads a host's row.
func (b *batch) load(id fleet.HostID) (*host, error) {
	key, err := view.HostKey(id)
	if err != nil {
		return nil, err
	}
	h := &host{id: id, key: key}
	c, v := &h.counts, &h.severity
	var missing int64
	known, err := b.Row(`SELECT name, pack, pass, fail, not_applicable, unknown, error, waived,
		severity0, severity1, severity2, severity3, severity4, severity5, pending, gaps, rejected, mismatches, whole,
		archived, silent, last_seen FROM host WHERE host = ?`, []any{key},
		&h.name, &h.pack, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
		&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &h.pending, &missing, &h.rejected, &h.mismatches, &h.whole,
		&h.archived, &h.silent, &h.seen)
	if err != nil {
		return nil, fmt.Errorf("read host: %w", err)
	}
	if !known {
		return nil, fmt.Errorf("host %s: %w", id, fleet.ErrUnknown)
	}
	h.lanes, err = lane.Load(b.Writer, key, missing)
	return h, err
}

// end writes what the transaction's hosts and the fleet's rollups have become.
func (b *batch) end() error {
	for _, h := range b.hosts {
		if err := h.flush(); err != nil {
			return fmt.Errorf("write host %s: %w", h.id, err)
		}
	}
	if err := b.fleet.Flush(b.Writer, b.now); err != nil {
		return fmt.Errorf("write rollups: %w", err)
	}
	return nil
}

// transact does the work of requests in one transaction and says what became of
// each. Where the transaction failed, all did.
func (s *Store) transact(group []request) (results []error, failed bool) {
	results = make([]error, len(group))
	b := &batch{Writer: s.data.Writer, store: s, now: s.cfg.Now().UTC(), hosts: make(map[fleet.HostID]*host)}
	err := b.do(group, results)
	for id, h := range b.hosts {
		h.use = use{}
		if err != nil {
			delete(s.hosts, id)
		}
	}
	if err != nil {
		for i := range results {
			results[i] = err
		}
		return results, true
	}
	for _, u := range b.updates {
		s.feed.Publish(u)
	}
	return results, false
}

func (b *batch) do(group []request, results []error) (err error) {
	if err := b.Exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			// SQLite may have rolled back by itself; then this is an error of no interest.
			_ = b.Exec("ROLLBACK")
		}
	}()
	for i, r := range group {
		err := r.do(b)
		if err == nil {
			continue
		}
		var no refusal
		if !errors.As(err, &no) {
			return err
		}
		results[i] = no.error
	}
	if err := b.end(); err != nil {
		return err
	}
	if err := b.Exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
