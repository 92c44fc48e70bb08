package refill

import (
	"fmt"
	"time"

	"seawall/pkg/audit"
)

// Broken keeps events that lack records, while the audit daemon's log may have them
// whole. To the account of gaps they were not seen.
type Broken struct {
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

// Keep keeps an event. It reports false where there is no room.
func (b *Broken) Keep(e *audit.Event) bool {
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

// Drop forgets an event.
func (b *Broken) Drop(serial uint32) {
	for _, r := range b.events[serial] {
		b.bytes -= len(r.text) + 64
	}
	delete(b.events, serial)
	delete(b.times, serial)
}

// Give hands out what is kept of the serials from and to included, as it came, and forgets
// it: all of it when to is before from.
func (b *Broken) Give(from, to uint32, handle func(*audit.Event)) {
	if len(b.events) == 0 {
		return
	}
	asm := audit.NewAssembler(time.Hour, handle)
	now := time.Now()
	for serial, records := range b.events {
		if to >= from && (int32(serial-from) < 0 || int32(serial-to) > 0) {
			continue
		}
		at := b.times[serial]
		for _, r := range records {
			asm.Push(r.typ, fmt.Appendf(nil, "audit(%d.%03d:%d): %s", at.Unix(), at.Nanosecond()/1e6, serial, r.text), now)
		}
		b.Drop(serial)
	}
	asm.Close()
}
