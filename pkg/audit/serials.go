package audit

import "time"

// window is how far behind the newest serial a late one may come; a power of two.
const window = 4096

// serials counts serials that were never seen. Serials are numbers modulo 2³²:
// all comparisons are of signed differences, so that a late serial is a small
// negative step and never a huge gap.
//
// Of the window of serials up to head it remembers which were seen. A serial is
// settled, and counted if it was not seen, when it falls out of the window or
// when head was at or beyond it for a whole timeout.
type serials struct {
	started bool
	head    uint32 // newest seen
	tail    uint32 // everything up to and including it is settled
	mark    uint32 // head at the time since
	since   time.Time
	seen    [window / 64]uint64
	missing uint64
}

func (s *serials) resume(last uint32) {
	if !s.started {
		s.started, s.head, s.tail, s.mark = true, last, last, last
	}
}

// see notes a serial. It returns false for one that was already settled.
func (s *serials) see(serial uint32) bool {
	if !s.started {
		s.resume(serial - 1)
	}
	if int32(serial-s.head) > 0 {
		// What leaves the window is settled first, its places are then free.
		if over := int64(serial-s.tail) - window; over > 0 {
			s.settleTo(s.tail + uint32(over))
		}
		s.head = serial
	}
	if int32(serial-s.tail) <= 0 {
		return false
	}
	s.seen[serial%window/64] |= 1 << (serial % 64)
	return true
}

// settleTo settles every serial up to and including to.
func (s *serials) settleTo(to uint32) {
	for int32(to-s.tail) > 0 {
		if int32(s.tail-s.head) >= 0 { // beyond everything seen: all of it is missing
			s.missing += uint64(to - s.tail)
			s.tail = to
			return
		}
		s.tail++
		word, bit := &s.seen[s.tail%window/64], uint64(1)<<(s.tail%64)
		// Serial 0 is never used by the kernel.
		if *word&bit == 0 && s.tail != 0 {
			s.missing++
		}
		*word &^= bit
	}
}

// settle settles what is older than timeout.
func (s *serials) settle(now time.Time, timeout time.Duration) {
	if !s.started {
		return
	}
	if s.since.IsZero() {
		s.since, s.mark = now, s.head
		return
	}
	if now.Sub(s.since) < timeout {
		return
	}
	if int32(s.mark-s.tail) > 0 {
		s.settleTo(s.mark)
	}
	s.since, s.mark = now, s.head
}

func (s *serials) settleAll() {
	if s.started {
		s.settleTo(s.head)
	}
}
