package listen

import (
	"hash/maphash"
	"time"
)

// overlapTime is how long the records of two connections are compared.
const overlapTime = 5 * time.Second

func newOverlap() *Overlap {
	return &Overlap{seed: maphash.MakeSeed(), records: map[uint64]int{}, Until: time.Now().Add(overlapTime)}
}

// Overlap is the records that one connection gave while another was open.
type Overlap struct {
	seed    maphash.Seed
	records map[uint64]int
	Until   time.Time // when they are not compared any more
}

const maxOverlap = 1 << 18

func (o *Overlap) key(typ uint16, payload []byte) uint64 {
	return maphash.Bytes(o.seed, payload) + uint64(typ)
}

func (o *Overlap) note(typ uint16, payload []byte) {
	if len(o.records) < maxOverlap {
		o.records[o.key(typ, payload)]++
	}
}

// Had reports whether a record came by the other connection, once for each time it did.
func (o *Overlap) Had(typ uint16, payload []byte) bool {
	k := o.key(typ, payload)
	if o.records[k] == 0 {
		return false
	}
	if o.records[k]--; o.records[k] == 0 {
		delete(o.records, k)
	}
	return true
}
