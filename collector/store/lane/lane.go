package lane

import (
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

const (
	// maxLanes bounds the lanes of a host.
	maxLanes = 8
	// maxEpochs bounds the epochs that are remembered of a lane. A record of an
	// epoch forgotten would be taken again; a spool holds far fewer.
	maxEpochs = 256
)

// Set is one host's lanes.
type Set struct {
	host  []byte
	lanes map[string]*lane
	gaps  gaps
}

// lane is what a host sent of one lane.
type lane struct {
	newest epoch
	older  map[uint64]*epoch // used in this transaction
	began  bool              // an epoch, in this transaction
}

type epoch struct {
	number  uint64
	ordinal int64 // the highest of a lane is its newest epoch
	first   uint64
	last    uint64
	digest  uint64
	dirty   bool
}

// Verdict says what to do with a record, by its name alone.
type Verdict int

// The verdicts. A late record is new, but newer ones of its lane were taken already.
const (
	Had Verdict = iota
	Fresh
	Late
	Refused // more lanes than a host may have
)

// Load reads the lanes of a host. Missing is the count of missing records so far.
func Load(w db.Writer, host []byte, missing int64) (*Set, error) {
	s := &Set{host: host, lanes: make(map[string]*lane), gaps: gaps{rows: -1, missing: missing}}
	err := w.Rows(`SELECT lane, epoch, ordinal, first, last, digest FROM position p WHERE host = ? AND
		ordinal = (SELECT max(ordinal) FROM position n WHERE n.host = p.host AND n.lane = p.lane)`, []any{host},
		func(scan func(...any) error) error {
			var name string
			l := new(lane)
			err := l.newest.scan(func(to ...any) error { return scan(append([]any{&name}, to...)...) })
			s.lanes[name] = l
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	return s, nil
}

func (e *epoch) scan(scan func(...any) error) error {
	var number, first, last, digest int64
	err := scan(&number, &e.ordinal, &first, &last, &digest)
	e.number, e.first, e.last, e.digest = uint64(number), uint64(first), uint64(last), uint64(digest)
	return err
}

// Take moves the position of a record's lane as if the record were taken, and says
// what to do with it. Of the records before it that are missing, told says why.
func (s *Set) Take(w db.Writer, d *fleet.Delivery, told []fleet.Missing, now time.Time) (Verdict, error) {
	l := s.open(d.Lane)
	if l == nil {
		return Refused, nil
	}
	e, err := s.epoch(w, l, d.Lane, d.Epoch)
	if err != nil {
		return Had, err
	}
	if e != nil && d.Sequence <= e.last {
		filled, err := s.gaps.fill(w, s.host, d)
		if err != nil || !filled {
			return Had, err
		}
		return Late, nil
	}
	if e, err = s.advance(w, l, e, d.Lane, d.Epoch, d.Sequence, told, now); err != nil {
		return Had, err
	}
	e.last, e.digest, e.dirty = d.Sequence, d.Digest, true
	if e != &l.newest {
		return Late, nil
	}
	return Fresh, nil
}

// Miss takes what the host says is missing and no record of the same batch has
// passed: the position moves behind it. What is behind the position already is
// explained where it is missing, and else had.
func (s *Set) Miss(w db.Writer, told []fleet.Missing, now time.Time) error {
	for i := range told {
		m := &told[i]
		l := s.open(m.Lane)
		if l == nil {
			continue
		}
		e, err := s.epoch(w, l, m.Lane, m.Epoch)
		if err != nil {
			return err
		}
		if e != nil && m.From <= e.last {
			if err := s.gaps.explain(w, s.host, m); err != nil {
				return err
			}
		}
		if e == nil || m.To > e.last {
			if e, err = s.advance(w, l, e, m.Lane, m.Epoch, m.To+1, told, now); err != nil {
				return err
			}
			e.last, e.digest, e.dirty = m.To, 0, true
		}
	}
	return nil
}

// open returns a lane, or nil for one too many.
func (s *Set) open(name string) *lane {
	l := s.lanes[name]
	if l == nil && len(s.lanes) < maxLanes {
		l = &lane{newest: epoch{ordinal: -1}}
		s.lanes[name] = l
	}
	return l
}

// epoch returns an epoch of the lane, or nil for one that is new.
func (s *Set) epoch(w db.Writer, l *lane, name string, number uint64) (*epoch, error) {
	switch e := l.older[number]; {
	case l.newest.ordinal >= 0 && l.newest.number == number:
		return &l.newest, nil
	case e != nil || l.newest.ordinal <= 0:
		return e, nil
	}
	e := new(epoch)
	found := false
	err := w.Rows("SELECT epoch, ordinal, first, last, digest FROM position WHERE host = ? AND lane = ? AND epoch = ?",
		[]any{s.host, name, int64(number)}, func(scan func(...any) error) error {
			found = true
			return e.scan(scan)
		})
	if err != nil || !found {
		return nil, err
	}
	l.keep(e)
	return e, nil
}

// keep remembers an epoch that is not the newest, for this transaction.
func (l *lane) keep(e *epoch) {
	if l.older == nil {
		l.older = make(map[uint64]*epoch)
	}
	l.older[e.number] = e
}

// advance notes what is missing of an epoch before sequence next, and begins the
// epoch when it is new. Told says why; the caller moves the position.
func (s *Set) advance(w db.Writer, l *lane, e *epoch, name string, number, next uint64, told []fleet.Missing, now time.Time) (*epoch, error) {
	var from uint64
	if e != nil {
		from = e.last + 1
	} else {
		had := uint64(0)
		if l.newest.ordinal >= 0 {
			had = l.newest.last
		}
		from = start(name, number, had, next, told)
		old := l.newest
		l.newest = epoch{number: number, ordinal: old.ordinal + 1, first: from}
		e = &l.newest
		l.began = true
		if old.ordinal >= 0 && old.dirty {
			l.keep(&old)
		}
	}
	if from == next {
		return e, nil
	}
	return e, s.gaps.note(w, s.host, hole{name, number, from, next - 1, now}, told)
}

// start is the first sequence of a new epoch that is accounted for: what follows the
// records had of the epoch before, and what the host says is missing. Records that
// an older epoch has are not missing because a host says so, unless the host was set
// back and gave their sequences to others.
func start(name string, number, had, next uint64, told []fleet.Missing) uint64 {
	from := next
	if had < next {
		from = had + 1
	}
	for _, m := range after(told, name, number, 0) {
		if !is(&m, name, number) {
			break
		}
		if m.From < from && (had >= next || m.Reason == fleet.Diverged) {
			return m.From
		}
	}
	return from
}

// Flush writes the positions that have moved.
func (s *Set) Flush(w db.Writer, now time.Time) error {
	for name, l := range s.lanes {
		for _, e := range l.older {
			if err := s.write(w, name, e, now); err != nil {
				return err
			}
		}
		l.older = nil
		if err := s.write(w, name, &l.newest, now); err != nil {
			return err
		}
		if l.began && l.newest.ordinal >= maxEpochs {
			if err := s.gaps.forget(w, s.host, name, l.newest.ordinal-maxEpochs); err != nil {
				return err
			}
		}
		l.began = false
	}
	return nil
}

// write writes a position that has moved.
func (s *Set) write(w db.Writer, name string, e *epoch, now time.Time) error {
	if !e.dirty {
		return nil
	}
	e.dirty = false
	err := w.Exec(`INSERT INTO position (host, lane, epoch, ordinal, first, last, touched, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (host, lane, epoch) DO UPDATE SET last = excluded.last, touched = excluded.touched, digest = excluded.digest`,
		s.host, name, int64(e.number), e.ordinal, int64(e.first), int64(e.last), now.UnixNano(), int64(e.digest))
	if err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	return nil
}
