package host

import (
	"bytes"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"seawall/pkg/squeeze"
	seawallv1 "seawall/proto/seawall/v1"
	"seawall/scripts/load/sample"
)

// buffers are what batches are made in.
var buffers = sync.Pool{New: func() any { return new(buffer) }}

// buffer is the encoded Entries of a batch.
type buffer struct {
	entries []byte
	payload []byte // of the record in work
}

func (b *buffer) reset() { b.entries = b.entries[:0] }

// add appends a record's Entry, unless the batch has one and would pass the limit.
func (b *buffer) add(set *sample.Set, sequence uint64, limit int) bool {
	b.payload = set.Append(b.payload[:0], sequence)
	entry := 1 + protowire.SizeVarint(sequence) + 1 + protowire.SizeBytes(len(b.payload))
	if len(b.entries) > 0 && len(b.entries)+1+protowire.SizeBytes(entry) > limit {
		return false
	}
	b.entries = protowire.AppendTag(b.entries, 1, protowire.BytesType)
	b.entries = protowire.AppendVarint(b.entries, uint64(entry))
	b.entries = protowire.AppendTag(b.entries, 1, protowire.VarintType)
	b.entries = protowire.AppendVarint(b.entries, sequence)
	b.entries = protowire.AppendTag(b.entries, 2, protowire.BytesType)
	b.entries = protowire.AppendBytes(b.entries, b.payload)
	return true
}

// batch returns the batch, compressed where that helps; the buffer is free after it.
func (b *buffer) batch(epoch uint64, codec *squeeze.Codec) *seawallv1.Batch {
	m := &seawallv1.Batch{Lane: lane, Epoch: epoch, Size: uint32(len(b.entries))}
	if frame, worth := codec.Compress(nil, b.entries); worth {
		m.Compression, m.Entries = seawallv1.Compression_COMPRESSION_ZSTD, frame
	} else {
		m.Entries = bytes.Clone(b.entries)
	}
	return m
}
