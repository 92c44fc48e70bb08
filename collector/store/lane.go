package store

import (
	"seawall/collector/fleet"
)

const (
	// maxLanes bounds the lanes of a host.
	maxLanes = 8
	// maxEpochs bounds the epochs that are remembered of a lane. A record of an
	// epoch forgotten would be taken again; a spool holds far fewer.
	maxEpochs = 256
	// maxMissing is where the count of missing records stays: hosts name their
	// sequences, and must not make it overflow.
	maxMissing = 1 << 53
)

// lane is what a host sent of one lane.
type lane struct {
	epochs map[uint64]*epoch
	newest *epoch
}

type epoch struct {
	number  uint64
	ordinal int64
	first   uint64
	last    uint64
	dirty   bool
}

// openLane reads the positions of a lane. It returns nil for a lane too many.
func (h *host) openLane(name string) (*lane, error) {
	if l := h.lanes[name]; l != nil {
		return l, nil
	}
	l := &lane{epochs: make(map[uint64]*epoch)}
	err := h.Rows("SELECT epoch, ordinal, first, last FROM position WHERE host = ? AND lane = ?", []any{h.key, name},
		func(scan func(...any) error) error {
			var number, first, last int64
			e := new(epoch)
			if err := scan(&number, &e.ordinal, &first, &last); err != nil {
				return err
			}
			e.number, e.first, e.last = uint64(number), uint64(first), uint64(last)
			l.add(e)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if l.newest == nil {
		var lanes int
		if _, err := h.Row("SELECT count(DISTINCT lane) FROM position WHERE host = ?", []any{h.key}, &lanes); err != nil {
			return nil, err
		}
		if lanes+len(h.lanes) >= maxLanes {
			return nil, nil
		}
	}
	h.lanes[name] = l
	return l, nil
}

func (l *lane) add(e *epoch) {
	l.epochs[e.number] = e
	if l.newest == nil || e.ordinal > l.newest.ordinal {
		l.newest = e
	}
}

// place says what to do with a record by its name alone, and moves the position
// as if it were taken. Fresh: not had before. Late: newer ones of the lane were
// taken already.
func (h *host) place(l *lane, d *fleet.Delivery) (fresh, late bool, err error) {
	e, seq := l.epochs[d.Epoch], d.Sequence
	switch {
	case e == nil:
		return true, false, h.begin(l, d)
	case seq > e.last:
		if seq > e.last+1 {
			err = h.miss(d, e.last+1, seq-1)
		}
		e.last, e.dirty = seq, true
		return true, e != l.newest, err
	}
	fresh, err = h.fill(d)
	return fresh, true, err
}

// begin takes the first record of an epoch. Sequences go on over epochs, so what
// is missing between them is known, too. A sequence that went back is a spool that
// began anew or was restored: nothing is known to be missing then.
func (h *host) begin(l *lane, d *fleet.Delivery) error {
	e := &epoch{number: d.Epoch, first: d.Sequence, last: d.Sequence, dirty: true}
	var had uint64
	if l.newest != nil {
		e.ordinal, had = l.newest.ordinal+1, l.newest.last
	}
	l.add(e)
	if d.Sequence > had+1 {
		return h.miss(d, had+1, d.Sequence-1)
	}
	return nil
}

// miss notes that records never came.
func (h *host) miss(d *fleet.Delivery, from, to uint64) error {
	h.gaps = min(h.gaps+int64(min(to-from+1, maxMissing)), maxMissing)
	return h.Exec("INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?)",
		h.key, d.Lane, int64(d.Epoch), int64(from), int64(to), h.now.UnixNano())
}

// fill reports whether the record was missing, and no longer notes it so.
func (h *host) fill(d *fleet.Delivery) (bool, error) {
	var first, last int64
	seq := int64(d.Sequence)
	found, err := h.Row(`SELECT from_seq, to_seq FROM gap WHERE host = ? AND lane = ? AND epoch = ? AND from_seq <= ?
		ORDER BY from_seq DESC LIMIT 1`, []any{h.key, d.Lane, int64(d.Epoch), seq}, &first, &last)
	if err != nil || !found || last < seq {
		return false, err
	}
	if err := h.Exec("DELETE FROM gap WHERE host = ? AND lane = ? AND epoch = ? AND from_seq = ?",
		h.key, d.Lane, int64(d.Epoch), first); err != nil {
		return false, err
	}
	h.gaps = max(h.gaps-(last-first+1), 0)
	for _, rest := range [][2]int64{{first, seq - 1}, {seq + 1, last}} {
		if rest[0] <= rest[1] {
			if err := h.miss(d, uint64(rest[0]), uint64(rest[1])); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

func (h *host) flushLane(name string, l *lane) error {
	for _, e := range l.epochs {
		if !e.dirty {
			continue
		}
		err := h.Exec(`INSERT INTO position VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET last = excluded.last, touched = excluded.touched`,
			h.key, name, int64(e.number), e.ordinal, int64(e.first), int64(e.last), h.now.UnixNano())
		if err != nil {
			return err
		}
	}
	if len(l.epochs) <= maxEpochs {
		return nil
	}
	old := l.newest.ordinal - maxEpochs
	if err := h.Exec(`DELETE FROM gap WHERE host = ?1 AND lane = ?2 AND epoch IN
		(SELECT epoch FROM position WHERE host = ?1 AND lane = ?2 AND ordinal <= ?3)`, h.key, name, old); err != nil {
		return err
	}
	return h.Exec("DELETE FROM position WHERE host = ? AND lane = ? AND ordinal <= ?", h.key, name, old)
}
