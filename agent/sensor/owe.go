package sensor

import "time"

// debt is what the spool has yet to be told besides changes, and where it was told
// last.
type debt struct {
	pack, state     bool
	packAt, stateAt uint64 // sequence of the first part
}

// settle appends the pack and the state when the spool has yet to be told.
func (s *Sensor) settle(now time.Time) error {
	if s.owed.pack {
		at := s.next()
		if err := s.ledger.pack(now, s.cfg.Host.Pack()); err != nil {
			return err
		}
		s.owed.pack, s.owed.packAt = false, at
	}
	if s.owed.state {
		at := s.next()
		if err := s.ledger.state(now); err != nil {
			return err
		}
		s.owed.state, s.owed.stateAt = false, at
	}
	return nil
}

// owe reports whether the spool has yet to be told something. It is so when the
// last whole state or the checks' text made room for others: nobody could know the
// host from what is left. As long as they are there, what went before heals by
// itself. It is asked once a heartbeat, so that a state that is larger than its lane
// is not written without end.
func (s *Sensor) owe() bool {
	if gone := s.cfg.Spool.Evictions(lanePosture).To; gone > 0 {
		s.owed.pack = s.owed.pack || gone >= s.owed.packAt
		s.owed.state = s.owed.state || gone >= s.owed.stateAt
	}
	return s.owed.pack || s.owed.state
}

// next returns the sequence of the next posture record, which this sensor alone
// appends.
func (s *Sensor) next() uint64 {
	for _, l := range s.cfg.Spool.Stats() {
		if l.Lane == lanePosture {
			return l.Last + 1
		}
	}
	return 0
}
