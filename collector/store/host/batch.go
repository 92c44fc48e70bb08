package host

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/host/storm"
	"seawall/collector/store/host/timeline"
	"seawall/collector/store/lane"
	"seawall/collector/store/rollup"
	"seawall/collector/store/turn"
)

// Limits bounds what a host may have, and says where to log what was refused.
type Limits struct {
	Results    int // standing results
	Detections int // at least 1
	Log        *slog.Logger
}

// Known holds hosts between transactions. All writes to their rows go through a
// Batch, and what a transaction that failed has used is forgotten.
type Known map[fleet.HostID]*Host

// Batch is one transaction of the writer.
type Batch struct {
	db.Writer
	Now     time.Time
	Fleet   rollup.Fleet
	Updates []fleet.Update // to publish after the commit, set by End
	News    fleet.News     // for other collectors
	Whole   turn.Whole     // the same

	limits Limits
	known  Known
	used   map[fleet.HostID]*Host

	line   timeline.Timeline
	storms storm.Keeper
}

// New returns a Batch for the writer's transaction.
func New(w db.Writer, now time.Time, known Known, limits Limits) *Batch {
	return &Batch{Writer: w, Now: now, limits: limits, known: known, used: make(map[fleet.HostID]*Host),
		line: timeline.New(w), storms: storm.New(w, now, limits.Detections)}
}

// Open returns a host, from memory when the writer has had it before. One without a
// row is an error that is [fleet.ErrUnknown].
func (b *Batch) Open(id fleet.HostID) (*Host, error) {
	if h := b.used[id]; h != nil {
		return h, nil
	}
	h := b.known[id]
	if h == nil {
		var err error
		if h, err = b.load(id); err != nil {
			return nil, err
		}
		b.known[id] = h
	}
	h.use = use{Batch: b}
	b.used[id] = h
	return h, nil
}

// load reads a host's row.
func (b *Batch) load(id fleet.HostID) (*Host, error) {
	key, err := id.Bytes()
	if err != nil {
		return nil, err
	}
	h := &Host{id: id, key: key}
	c, v := &h.counts, &h.severity
	var missing int64
	known, err := b.Row(`SELECT name, pack, pass, fail, not_applicable, unknown, error, waived,
		severity0, severity1, severity2, severity3, severity4, severity5, pending, gaps, rejected, mismatches, whole,
		archived, silent, newest, last_seen FROM host WHERE host = ?`, []any{key},
		&h.name, &h.pack, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
		&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &h.pending, &missing, &h.rejected, &h.mismatches, &h.whole,
		&h.archived, &h.silent, &h.newest, &h.seen)
	if err != nil {
		return nil, fmt.Errorf("read host: %w", err)
	}
	if !known {
		return nil, fmt.Errorf("host %s: %w", id, fleet.ErrUnknown)
	}
	h.lanes, err = lane.Load(b.Writer, key, missing)
	return h, err
}

// Member notes that a host's row in member is another.
func (b *Batch) Member(id fleet.HostID) { b.News.Members = append(b.News.Members, id) }

// Tell notes that what the topic names is another.
func (b *Batch) Tell(topic string) {
	if !slices.Contains(b.News.Topics, topic) {
		b.News.Topics = append(b.News.Topics, topic)
	}
}

// Difference is what other collectors have to know at the end of the transaction.
func (b *Batch) Difference() turn.Change {
	c := turn.Change{Members: b.News.Members, Topics: b.News.Topics, Whole: b.Whole}
	for id, h := range b.used {
		if h.changed {
			c.Hosts = append(c.Hosts, id)
		}
	}
	c.First, c.Last = b.line.Span()
	return c
}

// End writes what the transaction's hosts and the fleet's rollups have become.
func (b *Batch) End() error {
	if err := b.line.End(); err != nil {
		return err
	}
	for _, h := range b.used {
		if err := h.flush(); err != nil {
			return fmt.Errorf("write host %s: %w", h.id, err)
		}
	}
	if err := b.Fleet.Flush(b.Writer, b.Now); err != nil {
		return fmt.Errorf("write rollups: %w", err)
	}
	return nil
}

// Release ends the use of the hosts, and forgets them unless all is committed.
func (b *Batch) Release(committed bool) {
	for id, h := range b.used {
		h.use = use{}
		if !committed {
			delete(b.known, id)
		}
	}
}
