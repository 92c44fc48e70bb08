package witness

import (
	"fmt"
	"time"

	"seawall/pkg/audit"
)

// broken keeps events that lack records, while the audit daemon's log may have them
// whole. To the account of gaps they were not seen.
type broken struct {
	events map[uint32][]kept
	times  map[uint32]time.Time
	bytes  int
}

// kept is one record.
type kept struct {
	typ  uint16
	text []byte
}

const maxBroken = 1 << 20 // bytes

// keep keeps an event. It reports false where there is no room.
func (b *broken) keep(e *audit.Event) bool {
	size := 0
	for _, r := range e.Records {
		size += len(r.Text) + 64
	}
	if b.bytes+size > maxBroken || e.Filled {
		return false
	}
	if b.events == nil {
		b.events, b.times = map[uint32][]kept{}, map[uint32]time.Time{}
	}
	for _, r := range e.Records {
		b.events[e.Serial] = append(b.events[e.Serial], kept{r.Type, append([]byte(nil), r.Text...)})
	}
	b.times[e.Serial] = e.Time
	b.bytes += size
	return true
}

func (b *broken) drop(serial uint32) {
	for _, r := range b.events[serial] {
		b.bytes -= len(r.text) + 64
	}
	delete(b.events, serial)
	delete(b.times, serial)
}

// giveBroken hands out what is kept of the serials from and to included, as it came: all
// of it when to is before from. The caller holds stream.
func (a *Source) giveBroken(from, to uint32) {
	s := &a.stream
	if len(s.broken.events) == 0 {
		return
	}
	asm := audit.NewAssembler(time.Hour, func(e *audit.Event) {
		s.ledger.Came(e.Serial, false)
		a.deliver(e)
	})
	now := time.Now()
	for serial, records := range s.broken.events {
		if to >= from && (int32(serial-from) < 0 || int32(serial-to) > 0) {
			continue
		}
		at := s.broken.times[serial]
		for _, r := range records {
			asm.Push(r.typ, fmt.Appendf(nil, "audit(%d.%03d:%d): %s", at.Unix(), at.Nanosecond()/1e6, serial, r.text), now)
		}
		s.broken.drop(serial)
	}
	asm.Close()
}
