// Package budget holds the memory that all batches together may take between their
// arrival and their commit: their bytes once uncompressed, and the structs that are
// made of them, weighed before any is made.
package budget

import (
	"context"
	"fmt"
	"reflect"

	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/encoding/protowire"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// message is a message of the protocol as far as it makes structs: how large one is
// and which of its fields are messages, too.
type message struct {
	size   int
	fields map[protowire.Number]message
}

func sizeOf[T any]() int { return int(reflect.TypeFor[T]().Size()) }

// entriesMessage is Entries of ingest.proto, down to what is in a record. Texts are
// counted with the bytes that they are in.
func entriesMessage() message {
	result := message{sizeOf[finding.Result](), map[protowire.Number]message{
		7: {size: sizeOf[finding.Evidence]()},
		8: {size: sizeOf[finding.Cause]()},
	}}
	check := message{sizeOf[finding.CheckInfo](), map[protowire.Number]message{7: {size: sizeOf[string]()}}}
	record := message{0, map[protowire.Number]message{
		2: {sizeOf[finding.Change](), map[protowire.Number]message{1: result}},
		3: {sizeOf[finding.StatePart](), map[protowire.Number]message{6: result}},
		4: {sizeOf[finding.Heartbeat](), map[protowire.Number]message{}},
		5: {sizeOf[finding.Pack](), map[protowire.Number]message{2: check}},
	}}
	// A record that cannot be decoded leaves an error.
	entry := message{sizeOf[fleet.Delivery]() + 512, map[protowire.Number]message{2: record}}
	return message{0, map[protowire.Number]message{1: entry}}
}

// weigh returns the size of the structs that are made of b. Lists grow by doubling,
// so they may take twice that.
func (m message) weigh(b []byte) int {
	n := m.size
	if len(m.fields) == 0 {
		return n
	}
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return n
		}
		b = b[size:]
		if inner, ok := m.fields[num]; ok && typ == protowire.BytesType {
			sub, size := protowire.ConsumeBytes(b)
			if size < 0 {
				return n
			}
			n += inner.weigh(sub)
			b = b[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(num, typ, b); size < 0 {
			return n
		}
		b = b[size:]
	}
	return n
}

// Budget is the memory for batches that are uncompressed and not committed: one
// part for their bytes, one for what is made of them. Whoever has of the second
// waits for nothing of the first.
type Budget struct {
	entries message
	part    int64
	bytes   *semaphore.Weighted
	structs *semaphore.Weighted
}

// New returns a budget of so many bytes.
func New(bytes int) *Budget {
	part := int64(bytes) / 2
	return &Budget{entriesMessage(), part, semaphore.NewWeighted(part), semaphore.NewWeighted(part)}
}

// Hold waits for room for the bytes of a batch, that it keeps until free.
func (m *Budget) Hold(ctx context.Context, size uint32) (free func(), err error) {
	n := min(int64(size), m.part)
	if err := m.bytes.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("wait for memory: %w", err)
	}
	return func() { m.bytes.Release(n) }, nil
}

// Unfold waits for room for what raw, encoded Entries, becomes: texts, too, are copied. What is
// larger than there is room for has all of it.
func (m *Budget) Unfold(ctx context.Context, raw []byte) (free func(), err error) {
	n := min(int64(m.Weigh(raw)), m.part)
	if err := m.structs.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("wait for memory: %w", err)
	}
	return func() { m.structs.Release(n) }, nil
}

// Weigh returns how many bytes raw may become at the most.
func (m *Budget) Weigh(raw []byte) int { return 2*m.entries.weigh(raw) + len(raw) }
