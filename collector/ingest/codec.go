package ingest

import (
	"errors"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	seawallv1 "seawall/proto/seawall/v1"
)

// codec is gRPC's for protocol buffers, but counts the elements of a message
// before it makes structs of them: a megabyte of empty ones would become fifty.
type codec struct{}

var errMessage = errors.New("message of too many elements or bytes")

// Of a message that is no part of the stream.
const maxUnary = 16 << 10

// maxElements is what a message may have: a hello or a batch with the most of each.
const maxElements = maxOldest + maxGaps + 16

func (codec) Name() string { return proto.Name }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	return encoding.GetCodecV2(proto.Name).Marshal(v)
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if _, ok := v.(*seawallv1.DeliverRequest); !ok && data.Len() > maxUnary {
		return errMessage
	}
	b := data.Materialize()
	if elements(b, 2) > maxElements {
		return errMessage
	}
	return encoding.GetCodecV2(proto.Name).Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, v)
}

// elements counts the fields of a message and of the messages within, so many
// levels deep. What is not a message counts as one element.
func elements(b []byte, depth int) int {
	n := 0
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return n + 1
		}
		b = b[size:]
		if typ == protowire.BytesType && depth > 1 {
			sub, size := protowire.ConsumeBytes(b)
			if size < 0 {
				return n + 1
			}
			n += 1 + elements(sub, depth-1)
			b = b[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(num, typ, b); size < 0 {
			return n + 1
		}
		b = b[size:]
		n++
	}
	return n
}
