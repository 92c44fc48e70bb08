package uplink

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"seawall/agent/spool"
	"seawall/pkg/squeeze"
	seawallv1 "seawall/proto/seawall/v1"
)

// Bounds of a batch, which the collector knows, too.
const (
	maxEntries    = 500
	maxGaps       = 64
	entryOverhead = 24 // of an entry's fields, at most
)

// span is what was sent in one batch.
type span struct {
	epoch       uint64
	first, last uint64
	bytes       int // that the collector counts
}

// batch is records of one lane and epoch, ready to send.
type batch struct {
	lane    string
	span    span
	message *seawallv1.Batch
}

// filler makes batches of what a reader has.
type filler struct {
	r       *spool.Reader
	lane    string
	max     func() int     // bytes of a batch; a larger record is alone in one
	codec   *squeeze.Codec // nil: nothing is compressed
	held    *spool.Record  // did not fit into the last batch
	onGap   func(*seawallv1.Gap)
	diverge *spool.Position // nothing more of its epoch may be sent
}

// next returns what can be read now, as much as a batch may hold, or
// spool.ErrEmpty. It does not wait for more: what is durable is sent.
func (f *filler) next() (*batch, error) {
	b := &batch{lane: f.lane, message: &seawallv1.Batch{Lane: f.lane}}
	var entries []byte
	limit := f.max()
	for n := 0; n < maxEntries; n++ {
		rec, err := f.record()
		if errors.Is(err, spool.ErrEmpty) && n > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		full := len(entries)+entryOverhead+len(rec.Payload) > limit || len(b.message.Gaps)+len(rec.Gaps) > maxGaps
		if n > 0 && (rec.Epoch != b.span.epoch || full) {
			f.held = &rec
			break
		}
		if n == 0 {
			b.span.epoch, b.span.first = rec.Epoch, rec.Seq
			b.message.Epoch = rec.Epoch
		}
		b.message.Gaps = append(b.message.Gaps, f.gaps(rec)...)
		b.span.last = rec.Seq
		entries = appendEntry(entries, rec)
	}
	f.pack(b, entries)
	return b, nil
}

// pack puts the encoded entries into the batch.
func (f *filler) pack(b *batch, entries []byte) {
	b.message.Size = uint32(len(entries))
	b.message.Entries = entries
	if f.codec != nil {
		if small, ok := f.codec.Compress(nil, entries); ok {
			b.message.Entries, b.message.Compression = small, seawallv1.Compression_COMPRESSION_ZSTD
		}
	}
	b.span.bytes = len(b.message.Entries)
}

// appendEntry appends an element of Entries.
func appendEntry(b []byte, rec spool.Record) []byte {
	size := protowire.SizeTag(1) + protowire.SizeVarint(rec.Seq) + protowire.SizeTag(2) + protowire.SizeBytes(len(rec.Payload))
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, rec.Seq)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	return protowire.AppendBytes(b, rec.Payload)
}

// record returns the next record to send.
func (f *filler) record() (spool.Record, error) {
	if f.held != nil {
		rec := *f.held
		f.held = nil
		return rec, nil
	}
	for {
		rec, err := f.r.Next()
		if err != nil || f.diverge == nil || rec.Epoch != f.diverge.Epoch {
			return rec, err
		}
	}
}

// gaps says what is missing before rec.
func (f *filler) gaps(rec spool.Record) (gaps []*seawallv1.Gap) {
	if d := f.diverge; d != nil {
		f.diverge = nil
		// Another epoch may begin below; then its numbers were used once before, and
		// nothing is missing.
		if rec.Seq > d.Seq+1 {
			gaps = append(gaps, &seawallv1.Gap{From: d.Seq + 1, To: rec.Seq - 1, Reason: seawallv1.GapReason_GAP_REASON_DIVERGED})
		}
	} else {
		for _, g := range rec.Gaps {
			gaps = append(gaps, &seawallv1.Gap{From: g.From, To: g.To, Reason: reasonOf(g)})
		}
	}
	for _, g := range gaps {
		f.onGap(g)
	}
	return gaps
}

func reasonOf(g spool.Gap) seawallv1.GapReason {
	switch g.Reason {
	case spool.Evicted:
		return seawallv1.GapReason_GAP_REASON_EVICTED
	case spool.Damaged:
		return seawallv1.GapReason_GAP_REASON_DAMAGED
	}
	return seawallv1.GapReason_GAP_REASON_UNSPECIFIED
}
