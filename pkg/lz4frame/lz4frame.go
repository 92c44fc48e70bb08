// Package lz4frame reads LZ4 frames (lz4_Frame_format.md 1.6.3) in little memory.
//
// apt keeps its lists in frames of linked 64 KB blocks, for which the reader of
// the LZ4 module allocates about as much as it decodes. This one decodes each
// block behind its predecessors in one buffer, 64 KB of history and some blocks
// long, and never allocates again. The block decoder is the module's.
//
// Several frames in a row and skippable frames are read. Checksums are passed
// over without being verified: apt writes none, and compares the hash of a list
// when it fetches it. Frames that need a preset dictionary are refused.
package lz4frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

// ErrCorrupt is returned for bytes that are no LZ4 frame.
var ErrCorrupt = errors.New("corrupt lz4 frame")

const (
	magic        = 0x184D2204
	skippable    = 0x184D2A50 // and the 15 numbers behind it
	history      = 64 << 10
	uncompressed = 1 << 31 // flag in a block's size
)

// Reader decodes a stream of frames.
type Reader struct {
	r          io.Reader
	src        []byte // one compressed block
	buf        []byte // history and decoded blocks
	start, end int    // decoded and not yet returned
	from       int    // where the frame's own output begins in buf
	blockMax   int
	linked     bool
	blockSum   bool
	contentSum bool
	inFrame    bool
	err        error
	word       [4]byte
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Read decodes into p.
func (z *Reader) Read(p []byte) (int, error) {
	for z.start == z.end {
		if z.err != nil {
			return 0, z.err
		}
		if z.err = z.next(); z.err != nil && z.start == z.end {
			return 0, z.err
		}
	}
	n := copy(p, z.buf[z.start:z.end])
	z.start += n
	return n, nil
}

// next decodes one block or reads one frame header.
func (z *Reader) next() error {
	if !z.inFrame {
		return z.header()
	}
	size, err := z.uint32()
	if err != nil {
		return err
	}
	if size == 0 {
		z.inFrame = false
		if z.contentSum {
			_, err = z.uint32()
		}
		return err
	}
	n := int(size &^ uncompressed)
	if n == 0 || n > z.blockMax {
		return fmt.Errorf("%w: block of %d bytes in a frame of at most %d", ErrCorrupt, n, z.blockMax)
	}
	if err := z.block(n, size&uncompressed != 0); err != nil {
		return err
	}
	if z.blockSum {
		_, err = z.uint32()
	}
	return err
}

func (z *Reader) block(n int, plain bool) error {
	if len(z.buf)-z.end < z.blockMax {
		keep := min(history, z.end-z.from)
		copy(z.buf, z.buf[z.end-keep:z.end])
		z.from, z.start, z.end = 0, keep, keep
	}
	if plain {
		return z.full(z.buf[z.end:z.end+n], n)
	}
	if err := z.full(z.src[:n], 0); err != nil {
		return err
	}
	var dict []byte
	if z.linked {
		dict = z.buf[max(z.from, z.end-history):z.end]
	}
	got, err := lz4.UncompressBlockWithDict(z.src[:n], z.buf[z.end:z.end+z.blockMax], dict)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	z.end += got
	return nil
}

// full fills b, of which produced bytes then count as decoded.
func (z *Reader) full(b []byte, produced int) error {
	if _, err := io.ReadFull(z.r, b); err != nil {
		return unexpected(err)
	}
	z.end += produced
	return nil
}

// header reads the header of the next frame, or io.EOF where there is none.
func (z *Reader) header() error {
	if _, err := io.ReadFull(z.r, z.word[:1]); err != nil {
		return err
	}
	if _, err := io.ReadFull(z.r, z.word[1:]); err != nil {
		return unexpected(err)
	}
	m := binary.LittleEndian.Uint32(z.word[:])
	if m&^0xf == skippable {
		n, err := z.uint32()
		if err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, z.r, int64(n)); err != nil {
			return unexpected(err)
		}
		return nil
	}
	if m != magic {
		return fmt.Errorf("%w: magic number %#x", ErrCorrupt, m)
	}
	var d [3 + 8]byte // FLG, BD, content size, checksum
	if _, err := io.ReadFull(z.r, d[:2]); err != nil {
		return unexpected(err)
	}
	flg, bd := d[0], d[1]
	switch {
	case flg>>6 != 1:
		return fmt.Errorf("%w: version %d", ErrCorrupt, flg>>6)
	case flg&1 != 0:
		return fmt.Errorf("%w: needs a dictionary", ErrCorrupt)
	case bd>>4 < 4 || bd>>4 > 7:
		return fmt.Errorf("%w: block size code %d", ErrCorrupt, bd>>4)
	}
	rest := 1
	if flg&8 != 0 {
		rest += 8
	}
	if _, err := io.ReadFull(z.r, d[2:2+rest]); err != nil {
		return unexpected(err)
	}
	z.linked = flg&0x20 == 0
	z.blockSum = flg&0x10 != 0
	z.contentSum = flg&4 != 0
	z.room(64 << 10 << (2 * (bd>>4 - 4)))
	z.from, z.inFrame = z.end, true
	return nil
}

// room makes the buffers for blocks of at most blockMax bytes. All output of the
// frame before has been returned by now.
func (z *Reader) room(blockMax int) {
	z.blockMax = blockMax
	if len(z.src) < blockMax {
		z.src = make([]byte, blockMax)
		z.buf = make([]byte, history+max(blockMax, 4*history))
		z.start, z.end = 0, 0
	}
}

func (z *Reader) uint32() (uint32, error) {
	if _, err := io.ReadFull(z.r, z.word[:]); err != nil {
		return 0, unexpected(err)
	}
	return binary.LittleEndian.Uint32(z.word[:]), nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read lz4 frame: %w", err)
}
