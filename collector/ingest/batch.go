package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"seawall/collector/fleet"
	"seawall/pkg/squeeze"
	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"
)

// violation says how a host breaks the protocol.
type violation string

func (v violation) Error() string { return string(v) }

// head checks everything of a batch but its entries.
func head(b *seawallv1.Batch) error {
	switch {
	case b == nil:
		return violation("not a batch")
	case !validLane(b.Lane):
		return violation("not the name of a lane")
	case b.Size > batchBytes:
		return violation("a batch larger than the welcome allows")
	case len(b.Gaps) > maxGaps:
		return violation("too many gaps")
	case len(b.Entries) > int(b.Size):
		return violation("a batch larger than it says")
	}
	return nil
}

// open returns the encoded Entries.
func open(c *squeeze.Codec, b *seawallv1.Batch) ([]byte, error) {
	switch b.Compression {
	case seawallv1.Compression_COMPRESSION_UNSPECIFIED:
		if len(b.Entries) != int(b.Size) {
			return nil, violation("a batch of another size than it says")
		}
		return b.Entries, nil
	case seawallv1.Compression_COMPRESSION_ZSTD:
		raw, err := c.Decompress(nil, b.Entries, int(b.Size))
		if err != nil {
			return nil, violation("a batch that cannot be uncompressed")
		}
		return raw, nil
	}
	return nil, violation("an unknown compression")
}

// decode returns the records of a batch whose head is good. Their sequences rise
// from behind last.
func decode(b *seawallv1.Batch, raw []byte, last uint64) ([]fleet.Delivery, error) {
	n := 0
	for rest := raw; len(rest) > 0; n++ {
		entry, size, err := nextEntry(rest)
		if err != nil {
			return nil, err
		}
		if entry.sequence <= last || entry.sequence > math.MaxInt64 {
			return nil, violation("sequences do not rise")
		}
		last = entry.sequence
		rest = rest[size:]
	}
	if n == 0 || n > maxEntries {
		return nil, violation("not a batch of 1 to 512 entries")
	}
	records := make([]fleet.Delivery, 0, n)
	for len(raw) > 0 {
		entry, size, err := nextEntry(raw)
		if err != nil {
			return nil, err
		}
		raw = raw[size:]
		records = append(records, deliver(b, entry))
	}
	return records, nil
}

func deliver(b *seawallv1.Batch, e entry) fleet.Delivery {
	sum := sha256.Sum256(e.payload)
	d := fleet.Delivery{
		Lane: b.Lane, Epoch: b.Epoch, Sequence: e.sequence,
		Size: len(e.payload), Digest: binary.BigEndian.Uint64(sum[:]),
	}
	var err error
	if d.Record, err = wire.Decode(e.payload); err != nil {
		d.Reject = err.Error()
		return d
	}
	d.Payload = e.payload // this batch's own memory, which nothing uses again
	return d
}

// entry is an Entry whose payload is part of the batch's memory.
type entry struct {
	sequence uint64
	payload  []byte
}

var errEntries = violation("entries that are none")

// nextEntry reads one element of Entries and returns its size.
func nextEntry(b []byte) (e entry, size int, err error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return e, 0, errEntries
	}
	body, m := protowire.ConsumeBytes(b[n:])
	if m < 0 {
		return e, 0, errEntries
	}
	size = n + m
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return e, 0, errEntries
		}
		body = body[n:]
		switch {
		case num == 1 && typ == protowire.VarintType:
			e.sequence, n = protowire.ConsumeVarint(body)
		case num == 2 && typ == protowire.BytesType:
			e.payload, n = protowire.ConsumeBytes(body)
		default:
			n = protowire.ConsumeFieldValue(num, typ, body)
		}
		if n < 0 {
			return e, 0, errEntries
		}
		body = body[n:]
	}
	return e, size, nil
}

// missing returns what the host knows of records that are gone. Each gap is before
// an entry of the batch.
func missing(b *seawallv1.Batch, records []fleet.Delivery) ([]fleet.Missing, error) {
	if len(b.Gaps) == 0 {
		return nil, nil
	}
	all := make([]fleet.Missing, 0, len(b.Gaps))
	last, next := uint64(0), 0
	for _, g := range b.Gaps {
		if g.GetFrom() <= last || g.GetTo() < g.GetFrom() {
			return nil, violation("gaps that do not rise")
		}
		last = g.GetTo()
		for next < len(records) && records[next].Sequence < g.GetFrom() {
			next++
		}
		if next == len(records) || records[next].Sequence <= g.GetTo() {
			return nil, violation("a gap that is not between records")
		}
		all = append(all, fleet.Missing{
			Lane: b.Lane, Epoch: b.Epoch, From: g.GetFrom(), To: g.GetTo(), Reason: reason(g.GetReason()),
		})
	}
	return all, nil
}

func reason(r seawallv1.GapReason) fleet.GapReason {
	switch r {
	case seawallv1.GapReason_GAP_REASON_EVICTED:
		return fleet.Evicted
	case seawallv1.GapReason_GAP_REASON_DAMAGED:
		return fleet.Damaged
	case seawallv1.GapReason_GAP_REASON_DIVERGED:
		return fleet.Diverged
	}
	return fleet.Unexplained
}

// validLane reports whether s is 1 to 32 of a-z, 0-9, "-" and "_", a letter first.
func validLane(s string) bool {
	if len(s) < 1 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
