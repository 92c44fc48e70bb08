package lane

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

const (
	// maxRanges bounds the rows of a host in gap.
	maxRanges = 1000
	// maxMissing is where the count of missing records stays: hosts name their
	// sequences, and must not make it overflow.
	maxMissing = 1 << 53
)

// Loss is a range of records that were found missing, to be told once. Where
// several ranges became one, fewer records are missing than it holds.
type Loss struct {
	fleet.Missing
	Records uint64
	wide    bool
}

// gaps is what is missing of a host.
type gaps struct {
	missing int64  // records, over all time
	rows    int    // in the table; below 0: not counted yet
	found   []Loss // in this transaction
}

// hole is a step of a lane's position.
type hole struct {
	lane     string
	epoch    uint64
	from, to uint64
	now      time.Time
}

// Missing is the count of missing records.
func (s *Set) Missing() int64 { return s.gaps.missing }

// Found returns what was found missing since it was last called.
func (s *Set) Found() []Loss {
	found := s.gaps.found
	s.gaps.found = nil
	return found
}

// Order checks ranges that a host told, and returns them in order and disjoint, as
// Take and Miss need them. What two ranges claim is the earlier one's.
func Order(told []fleet.Missing) ([]fleet.Missing, error) {
	told = slices.Clone(told)
	for _, m := range told {
		if m.From < 1 || m.To < m.From || m.To > math.MaxInt64 {
			return nil, fmt.Errorf("missing records %d to %d: out of range", m.From, m.To)
		}
	}
	slices.SortStableFunc(told, func(a, b fleet.Missing) int { return compare(&a, b.Lane, b.Epoch, b.From) })
	kept := told[:0]
	for _, m := range told {
		if n := len(kept); n > 0 && is(&kept[n-1], m.Lane, m.Epoch) {
			m.From = max(m.From, kept[n-1].To+1)
		}
		if m.From <= m.To {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

func compare(m *fleet.Missing, lane string, epoch, from uint64) int {
	return cmp.Or(strings.Compare(m.Lane, lane), cmp.Compare(m.Epoch, epoch), cmp.Compare(m.From, from))
}

// after returns what was told, beginning with what of an epoch does not end before
// from.
func after(told []fleet.Missing, lane string, epoch, from uint64) []fleet.Missing {
	i, _ := slices.BinarySearchFunc(told, from, func(m fleet.Missing, from uint64) int {
		if is(&m, lane, epoch) {
			return cmp.Compare(m.To, from)
		}
		return compare(&m, lane, epoch, 0)
	})
	return told[i:]
}

func is(m *fleet.Missing, lane string, epoch uint64) bool { return m.Lane == lane && m.Epoch == epoch }

// note keeps what is missing of a hole, in as many ranges as there are reasons.
func (g *gaps) note(w db.Writer, host []byte, h hole, told []fleet.Missing) error {
	for from := h.from; from <= h.to; {
		r := Loss{Missing: fleet.Missing{Lane: h.lane, Epoch: h.epoch, From: from, To: h.to, Reason: fleet.Unexplained}}
		if rest := after(told, h.lane, h.epoch, from); len(rest) > 0 && is(&rest[0], h.lane, h.epoch) {
			switch m := &rest[0]; {
			case m.From > h.to:
			case m.From > from:
				r.To = m.From - 1
			default:
				r.To, r.Reason = min(m.To, h.to), m.Reason
			}
		}
		r.Records = r.To - r.From + 1
		if err := g.lose(w, host, r, h.now); err != nil {
			return err
		}
		from = r.To + 1
	}
	return nil
}

// lose counts a range as missing and has it told.
func (g *gaps) lose(w db.Writer, host []byte, r Loss, now time.Time) error {
	g.count(int64(min(r.Records, maxMissing)))
	if g.rows < 0 {
		if _, err := w.Row("SELECT count(*) FROM gap WHERE host = ?", []any{host}, &g.rows); err != nil {
			return fmt.Errorf("count ranges: %w", err)
		}
	}
	if g.rows >= maxRanges {
		wide, err := g.widen(w, host, &r)
		if err != nil {
			return fmt.Errorf("widen range: %w", err)
		}
		if wide {
			g.merge(r)
			return nil
		}
	}
	g.found = append(g.found, r)
	return g.insert(w, host, &r, now)
}

func (g *gaps) count(n int64) { g.missing = min(max(g.missing+n, 0), maxMissing) }

func (g *gaps) insert(w db.Writer, host []byte, r *Loss, now time.Time) error {
	g.rows++
	err := w.Exec(`INSERT INTO gap (host, lane, epoch, from_seq, to_seq, found, reason, records)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host, lane, epoch, from_seq) DO UPDATE SET
		to_seq = excluded.to_seq, found = excluded.found, reason = excluded.reason, records = excluded.records`, host, r.Lane, int64(r.Epoch), int64(r.From), int64(r.To), now.UnixNano(), r.Reason, int64(r.Records))
	if err != nil {
		return fmt.Errorf("write range: %w", err)
	}
	return nil
}

// widen puts a range into the newest row of its epoch, if there is one.
func (g *gaps) widen(w db.Writer, host []byte, r *Loss) (bool, error) {
	var from int64
	found, err := w.Row("SELECT from_seq FROM gap WHERE host = ? AND lane = ? AND epoch = ? ORDER BY from_seq DESC LIMIT 1",
		[]any{host, r.Lane, int64(r.Epoch)}, &from)
	if err != nil || !found {
		return false, err
	}
	return true, w.Exec(`UPDATE gap SET to_seq = CASE WHEN to_seq < ?1 THEN ?1 ELSE to_seq END,
		records = CASE WHEN records + ?2 > 9007199254740992 THEN 9007199254740992 ELSE records + ?2 END,
		reason = CASE reason WHEN ?3 THEN reason ELSE 'unexplained' END WHERE host = ?4 AND lane = ?5 AND epoch = ?6 AND from_seq = ?7`,
		int64(r.To), int64(min(r.Records, maxMissing)), r.Reason, host, r.Lane, int64(r.Epoch), from)
}

// merge has ranges beyond the bound told as one.
func (g *gaps) merge(r Loss) {
	if n := len(g.found); n > 0 {
		last := &g.found[n-1]
		if last.wide && last.Lane == r.Lane && last.Epoch == r.Epoch && r.From > last.To {
			last.To, last.Records = r.To, last.Records+r.Records
			if last.Reason != r.Reason {
				last.Reason = fleet.Unexplained
			}
			return
		}
	}
	r.wide = true
	g.found = append(g.found, r)
}

// fill reports whether the record was missing, and no longer counts it so.
func (g *gaps) fill(w db.Writer, host []byte, d *fleet.Delivery) (bool, error) {
	var first, last, records, found int64
	r := Loss{Missing: fleet.Missing{Lane: d.Lane, Epoch: d.Epoch}}
	seq := int64(d.Sequence)
	hit, err := w.Row(`SELECT from_seq, to_seq, records, found, reason FROM gap WHERE host = ? AND lane = ? AND epoch = ? AND from_seq <= ?
		ORDER BY from_seq DESC LIMIT 1`, []any{host, d.Lane, int64(d.Epoch), seq}, &first, &last, &records, &found, &r.Reason)
	if err != nil || !hit || last < seq || records != last-first+1 {
		return false, err
	}
	if err := w.Exec("DELETE FROM gap WHERE host = ? AND lane = ? AND epoch = ? AND from_seq = ?",
		host, d.Lane, int64(d.Epoch), first); err != nil {
		return false, fmt.Errorf("delete range: %w", err)
	}
	g.count(-1)
	if g.rows >= 0 {
		g.rows--
	}
	for _, rest := range [][2]int64{{first, seq - 1}, {seq + 1, last}} {
		if rest[0] > rest[1] {
			continue
		}
		r.From, r.To, r.Records = uint64(rest[0]), uint64(rest[1]), uint64(rest[1]-rest[0]+1)
		if err := g.insert(w, host, &r, time.Unix(0, found)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// explain gives its reason to what is missing already and was not explained.
func (g *gaps) explain(w db.Writer, host []byte, m *fleet.Missing) error {
	err := w.Exec(`UPDATE gap SET reason = ? WHERE host = ? AND lane = ? AND epoch = ? AND from_seq >= ? AND to_seq <= ?
		AND reason = 'unexplained'`, m.Reason, host, m.Lane, int64(m.Epoch), int64(m.From), int64(m.To))
	if err != nil {
		return fmt.Errorf("explain range: %w", err)
	}
	return nil
}

// forget drops the oldest epochs of a lane with what is missing of them.
func (g *gaps) forget(w db.Writer, host []byte, lane string, ordinal int64) error {
	g.rows = -1
	if err := w.Exec(`DELETE FROM gap WHERE host = ?1 AND lane = ?2 AND epoch IN
		(SELECT epoch FROM position WHERE host = ?1 AND lane = ?2 AND ordinal <= ?3)`, host, lane, ordinal); err != nil {
		return fmt.Errorf("forget ranges: %w", err)
	}
	if err := w.Exec("DELETE FROM position WHERE host = ? AND lane = ? AND ordinal <= ?", host, lane, ordinal); err != nil {
		return fmt.Errorf("forget positions: %w", err)
	}
	return nil
}
