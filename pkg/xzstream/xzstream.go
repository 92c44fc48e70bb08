// Package xzstream reads .xz files in memory that the caller bounds.
//
// An .xz file is one stream behind the other; a stream is a header, blocks, an index
// and a footer. Each block's header says how large a dictionary its decoder needs,
// up to 4 GB, and a decoder makes it at once: a file of 100 bytes could ask for that,
// in its last block as well as in its first. Here a block that asks for more than the
// caller allows is [ErrUnsupported], before anything is made, and one decoder with one
// dictionary reads all blocks, however many there are.
//
// Only the filter LZMA2 is read, which is what xz writes unless told otherwise. The
// checksums of headers are compared. Those of content are not: who reads such files
// has a checksum of the whole.
//
// The format is that of xz-file-format.txt 1.2 of xz; blocks are decoded by
// ulikunitz/xz/lzma.
package xzstream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// Magic is how an .xz file begins.
const Magic = "\xfd7zXZ\x00"

// ErrDamaged is returned for what is not an .xz file or is cut short.
var ErrDamaged = errors.New("xz: damaged")

// ErrUnsupported is returned for another filter than LZMA2, and for a dictionary that
// is larger than allowed.
var ErrUnsupported = errors.New("xz: not supported")

// Of the format: sizes, and what the first chunk of a block is.
const (
	headSize    = 12 // of a stream, and of its footer
	filterLZMA2 = 0x21
	chunkEnd    = 0
	chunkPlain  = 1    // uncompressed, with a new dictionary
	chunkPacked = 0x80 // this and above are compressed
	chunkProps  = 0xc0 // this and above bring properties
	chunkFresh  = 0xe0 // this and above begin a new dictionary, too
)

// NewReader returns the content of r, decompressed. It makes a dictionary of the size
// that the first block asks for, at most maxDictionary bytes.
func NewReader(r io.Reader, maxDictionary int) (io.Reader, error) {
	c := &chunks{in: bufio.NewReader(r), most: uint64(maxDictionary)}
	if err := c.stream(); err != nil {
		return nil, err
	}
	if err := c.blocks(); err != nil {
		return nil, err
	}
	if c.ended { // without a block
		return c.in, nil
	}
	c.most = c.dictionary
	z, err := lzma.Reader2Config{DictCap: int(max(c.dictionary, lzma.MinDictCap))}.NewReader2(c)
	if c.err != nil {
		return nil, c.err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return &content{z, c}, nil
}

// content is what the decoder gives.
type content struct {
	z io.Reader
	c *chunks
}

// Read reads decompressed content.
func (r *content) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	switch {
	case err == nil:
	case r.c.err != nil && !errors.Is(r.c.err, io.EOF):
		return n, r.c.err
	case !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}

// chunks gives the LZMA2 chunks of all blocks as one sequence. A block begins with a
// chunk that depends on nothing before it, and so the decoder does not notice.
type chunks struct {
	in         *bufio.Reader
	most       uint64 // bytes of a dictionary
	dictionary uint64 // of the block
	flags      [2]byte
	read       int64  // bytes of the block's chunks
	count      uint64 // blocks of the stream
	first      bool   // the next chunk is a block's first
	left       int    // of the chunk, to be passed on
	head       []byte // of the chunk, to be passed on before
	buf        [6]byte
	ended      bool
	err        error
}

// Read gives chunks to the decoder.
func (c *chunks) Read(p []byte) (int, error) {
	for c.err == nil && len(c.head) == 0 && c.left == 0 {
		c.err = c.next()
	}
	switch {
	case len(c.head) > 0:
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	case c.err != nil:
		return 0, c.err
	}
	n, err := c.in.Read(p[:min(len(p), c.left)])
	c.left -= n
	c.read += int64(n)
	if err != nil {
		c.err = cut(err)
	}
	return n, c.err
}

// next reads the head of the next chunk; between them what ends a block and begins
// another.
func (c *chunks) next() error {
	if c.ended {
		return io.EOF
	}
	h := c.buf[:1]
	if _, err := io.ReadFull(c.in, h); err != nil {
		return cut(err)
	}
	switch kind := h[0]; {
	case c.first && kind != chunkEnd && kind != chunkPlain && kind < chunkFresh:
		return fmt.Errorf("%w: block begins with a chunk of kind %#x", ErrDamaged, kind)
	case kind == chunkEnd:
		c.read++
		if err := c.endBlock(); err != nil {
			return err
		}
		if c.ended {
			c.head = c.buf[:1]
			c.head[0] = chunkEnd
		}
		return nil
	case kind >= chunkProps:
		h = c.buf[:6]
	case kind >= chunkPacked:
		h = c.buf[:5]
	case kind <= 2:
		h = c.buf[:3]
	default:
		return fmt.Errorf("%w: chunk of kind %#x", ErrDamaged, kind)
	}
	if _, err := io.ReadFull(c.in, h[1:]); err != nil {
		return cut(err)
	}
	c.first = false
	c.head, c.left = h, int(binary.BigEndian.Uint16(h[1:]))+1
	if h[0] >= chunkPacked {
		c.left = int(binary.BigEndian.Uint16(h[3:])) + 1
	}
	c.read += int64(len(h))
	return nil
}

// endBlock passes over what follows a block's chunks: zeros up to a multiple of 4
// bytes, and the checksum of its content.
func (c *chunks) endBlock() error {
	sizes := [...]int{0, 4, 8, 16, 32, 64}
	size := sizes[(int(c.flags[1])+2)/3]
	if _, err := c.in.Discard(int(-c.read&3) + size); err != nil {
		return cut(err)
	}
	return c.blocks()
}

// stream reads a stream's header.
func (c *chunks) stream() error {
	var h [headSize]byte
	if _, err := io.ReadFull(c.in, h[:]); err != nil {
		return cut(err)
	}
	switch {
	case string(h[:len(Magic)]) != Magic || h[6] != 0 || h[7] > 0x0f:
		return fmt.Errorf("%w: no header of a stream", ErrDamaged)
	case crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]):
		return fmt.Errorf("%w: header of a stream differs from its checksum", ErrDamaged)
	}
	c.flags, c.count = [2]byte(h[6:8]), 0
	return nil
}

// blocks reads the header of the next block: in this stream, or in the next that has
// one.
func (c *chunks) blocks() error {
	for {
		size, err := c.in.ReadByte()
		if err != nil {
			return cut(err)
		}
		if size != 0 {
			c.read, c.first = 0, true
			c.count++
			return c.block(size)
		}
		if err := c.endStream(); err != nil || c.ended {
			return err
		}
		if err := c.stream(); err != nil {
			return err
		}
	}
}

// block reads the rest of a block's header.
func (c *chunks) block(size byte) error {
	h := make([]byte, (int(size)+1)*4)
	h[0] = size
	if _, err := io.ReadFull(c.in, h[1:]); err != nil {
		return cut(err)
	}
	body, sum := h[:len(h)-4], binary.LittleEndian.Uint32(h[len(h)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return fmt.Errorf("%w: header of a block differs from its checksum", ErrDamaged)
	}
	flags := body[1]
	if flags&^0xc0 != 0 {
		return fmt.Errorf("%w: block with flags %#x", ErrUnsupported, flags)
	}
	n := 2
	for _, there := range [...]bool{flags&0x40 != 0, flags&0x80 != 0} { // sizes of what follows
		if there {
			_, m := binary.Uvarint(body[n:])
			n += max(m, 0)
		}
	}
	if len(body) < n+3 || body[n] != filterLZMA2 || body[n+1] != 1 || body[n+2] > 40 {
		return fmt.Errorf("%w: filter other than LZMA2", ErrUnsupported)
	}
	bits := body[n+2]
	c.dictionary = uint64(2|bits&1) << (bits/2 + 11)
	if c.dictionary > c.most {
		return fmt.Errorf("%w: dictionary of %d bytes, more than %d", ErrUnsupported, c.dictionary, c.most)
	}
	return nil
}

// endStream reads the index, of which only the number of blocks is looked at, the
// footer and the zeros behind it, and sets ended where nothing follows.
func (c *chunks) endStream() error {
	in := &counted{c.in, 1}
	count, err := in.number()
	if err != nil {
		return err
	}
	if count != c.count {
		return fmt.Errorf("%w: %d blocks, and %d in the index", ErrDamaged, c.count, count)
	}
	for range 2 * count {
		if _, err := in.number(); err != nil {
			return err
		}
	}
	var foot [headSize]byte
	if _, err := c.in.Discard(int(-in.n&3) + 4); err != nil {
		return cut(err)
	}
	if _, err := io.ReadFull(c.in, foot[:]); err != nil {
		return cut(err)
	}
	if string(foot[10:]) != "YZ" || [2]byte(foot[8:10]) != c.flags || crc32.ChecksumIEEE(foot[4:10]) != binary.LittleEndian.Uint32(foot[:]) {
		return fmt.Errorf("%w: no footer of the stream", ErrDamaged)
	}
	for {
		head, err := c.in.Peek(4)
		switch {
		case len(head) == 0 && errors.Is(err, io.EOF):
			c.ended = true
			return nil
		case err != nil:
			return cut(err)
		case binary.LittleEndian.Uint32(head) != 0:
			return nil
		}
		if _, err := c.in.Discard(4); err != nil {
			return cut(err)
		}
	}
}

// counted counts bytes.
type counted struct {
	in *bufio.Reader
	n  int64
}

// number reads a number: seven bits in a byte, the lowest first, of 63 bits in all.
func (c *counted) number() (n uint64, err error) {
	for shift := 0; shift < 63; shift += 7 {
		b, err := c.in.ReadByte()
		if err != nil {
			return 0, cut(err)
		}
		c.n++
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: number in the index", ErrDamaged)
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrDamaged, io.ErrUnexpectedEOF)
	}
	return err
}
