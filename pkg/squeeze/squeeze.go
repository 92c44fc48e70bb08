// Package squeeze compresses batches of records, and takes compressed ones from
// peers that may be hostile.
//
// The format is one Zstandard frame (RFC 8878) with its content size, without a
// dictionary and with nothing behind it. [Codec.Decompress] knows the size that it
// has to arrive at before it starts, allocates that and a fixed amount of working
// memory, and never more, whatever the frame says of itself.
package squeeze

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// ErrFrame is returned for bytes that are not one frame of the size that was
// promised.
var ErrFrame = errors.New("not one zstd frame of the size promised")

// Worth is the size below which compressing is not worth a peer's time.
const Worth = 256

// Codec compresses and decompresses up to a limit. It may be used by several
// goroutines; those that it has no working memory for wait.
type Codec struct {
	limit   int
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

// New returns a codec for at most limit bytes of content, with working memory for
// so many calls at once.
func New(limit, concurrency int) (*Codec, error) {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(concurrency),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window(limit)),
		zstd.WithSingleSegment(true), // so that the content size is told
		zstd.WithZeroFrames(true),
		zstd.WithEncoderCRC(false)) // TLS and the spool have better ones
	if err != nil {
		return nil, fmt.Errorf("zstd encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(concurrency),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(limit)),
		zstd.WithDecoderMaxWindow(uint64(window(limit))),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return &Codec{limit, encoder, decoder}, nil
}

// window returns the smallest power of two that holds limit and that the format
// allows.
func window(limit int) int {
	w := zstd.MinWindowSize
	for w < limit && w < zstd.MaxWindowSize {
		w <<= 1
	}
	return w
}

// Compress appends the frame of src to dst, and reports whether that is worth
// sending: what is small or does not become smaller is not, and dst is then as it
// was.
func (c *Codec) Compress(dst, src []byte) ([]byte, bool) {
	if len(src) < Worth || len(src) > c.limit {
		return dst, false
	}
	out := c.encoder.EncodeAll(src, dst)
	if len(out)-len(dst) >= len(src) {
		return dst, false
	}
	return out, true
}

// Decompress returns the content of the frame src, in dst's memory where that is
// large enough. It is exactly size bytes, or the error is [ErrFrame].
func (c *Codec) Decompress(dst, src []byte, size int) ([]byte, error) {
	if size < 0 || size > c.limit {
		return nil, fmt.Errorf("%w: %d bytes", ErrFrame, size)
	}
	if err := checkFrame(src, uint64(size)); err != nil {
		return nil, err
	}
	if cap(dst) < size {
		dst = make([]byte, 0, size)
	}
	out, err := c.decoder.DecodeAll(src, dst[:0:size])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if len(out) != size {
		return nil, fmt.Errorf("%w: %d bytes in place of %d", ErrFrame, len(out), size)
	}
	return out, nil
}

// checkFrame walks the headers of the frame and of its blocks: what the decoder
// would take beyond one frame is refused before it works.
func checkFrame(src []byte, size uint64) error {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if h.Skippable || h.DictionaryID != 0 || !h.HasFCS || h.FrameContentSize != size {
		return fmt.Errorf("%w: its header says otherwise", ErrFrame)
	}
	const raw, rle, compressed = 0, 1, 2
	rest := src[h.HeaderSize:]
	for last := false; !last; {
		if len(rest) < 3 {
			return fmt.Errorf("%w: cut short", ErrFrame)
		}
		block := uint32(rest[0]) | uint32(rest[1])<<8 | uint32(rest[2])<<16
		last = block&1 != 0
		length := int(block >> 3)
		switch block >> 1 & 3 {
		case raw, compressed:
		case rle:
			length = 1
		default:
			return fmt.Errorf("%w: a reserved block", ErrFrame)
		}
		if len(rest)-3 < length {
			return fmt.Errorf("%w: cut short", ErrFrame)
		}
		rest = rest[3+length:]
	}
	if h.HasCheckSum {
		if len(rest) < 4 {
			return fmt.Errorf("%w: cut short", ErrFrame)
		}
		rest = rest[4:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes behind it", ErrFrame, len(rest))
	}
	return nil
}
