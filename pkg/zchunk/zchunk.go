// Package zchunk reads zchunk files, the format in which Fedora and its kin publish
// repository data so that a client may download the chunks that changed.
//
// A file is a header and the chunks behind it, each compressed alone with zstd (or
// not at all), optionally with a dictionary that the file brings along:
//
//	"\0ZCK1" checksum type, header size, header checksum
//	data checksum, flags, compression type, [optional elements]
//	index size, chunk checksum type, number of chunks,
//	  for each: [stream], checksum, [checksum when decompressed], size, size when decompressed
//	number of signatures, signatures
//	dictionary (the chunk number 0, may be empty), chunks
//
// Numbers are little endian in groups of seven bits, the last byte with its top bit
// set. The header and each chunk are compared with their checksums; signatures and
// the checksum of all data, which says nothing more, are not.
//
// Memory is bounded by the sizes below, whatever a header promises. Files with more
// than one stream, which are not repository data, are refused.
//
// The format is described in zchunk_format.txt of zchunk; what that leaves out
// (flags, SHA-512) is as zck 1.2 writes it.
package zchunk

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Magic is how a zchunk file begins.
const Magic = "\x00ZCK1"

// Bounds. zck makes chunks of 10 MB at most, and of a whole advisory at a time.
const (
	maxHeader     = 4 << 20
	maxChunk      = 12 << 20
	maxDictionary = 1 << 20
)

// ErrDamaged is returned for what is not a zchunk file, is cut short, differs from
// its checksums or is beyond the bounds.
var ErrDamaged = errors.New("zchunk: damaged")

// ErrUnsupported is returned for a kind of checksum, compression or flag that is
// not known.
var ErrUnsupported = errors.New("zchunk: not supported")

// Reader reads the content of a zchunk file.
type Reader struct {
	r       io.Reader
	index   index
	zstd    *zstd.Decoder // nil where chunks are not compressed
	packed  []byte
	content []byte // room for that of a chunk
	left    []byte // of content, to be read
	err     error
}

// NewReader reads the header of r. The caller closes the reader.
func NewReader(r io.Reader) (*Reader, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	z := &Reader{r: r}
	if z.index, err = h.index(); err != nil {
		return nil, err
	}
	if !z.index.compressed {
		_, err = z.dictionary()
		return z, err
	}
	if z.zstd, err = newDecoder(nil); err != nil {
		return nil, err
	}
	dictionary, err := z.dictionary()
	if err != nil || len(dictionary) == 0 {
		return z, err
	}
	z.zstd.Close()
	z.zstd, err = newDecoder(dictionary)
	return z, err
}

// Close gives memory back.
func (z *Reader) Close() error {
	if z.zstd != nil {
		z.zstd.Close()
	}
	z.err = errors.New("zchunk: read after close")
	z.left = nil
	return nil
}

// Read reads decompressed content.
func (z *Reader) Read(p []byte) (int, error) {
	for len(z.left) == 0 {
		if z.err == nil {
			z.left, z.err = z.next(maxChunk)
		}
		if z.err != nil {
			return 0, z.err
		}
	}
	n := copy(p, z.left)
	z.left = z.left[n:]
	return n, nil
}

// dictionary reads the first chunk.
func (z *Reader) dictionary() ([]byte, error) {
	d, err := z.next(maxDictionary)
	if errors.Is(err, io.EOF) {
		z.err, err = err, nil // there is not even an empty one
	}
	return bytes.Clone(d), err
}

// newDecoder returns a decoder of chunks. A dictionary is one that zstd trained, with
// a magic of its own, or any bytes.
func newDecoder(dictionary []byte) (*zstd.Decoder, error) {
	options := []zstd.DOption{
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.IgnoreChecksum(true), // the chunk's was compared
		zstd.WithDecoderMaxMemory(maxChunk), zstd.WithDecoderMaxWindow(maxChunk), zstd.WithDecodeAllCapLimit(true),
	}
	switch {
	case len(dictionary) == 0:
	case bytes.HasPrefix(dictionary, []byte("\x37\xa4\x30\xec")):
		options = append(options, zstd.WithDecoderDicts(dictionary))
	default:
		options = append(options, zstd.WithDecoderDictRaw(0, dictionary))
	}
	d, err := zstd.NewReader(nil, options...)
	if err != nil {
		return nil, fmt.Errorf("%w: dictionary: %w", ErrDamaged, err)
	}
	return d, nil
}

// next reads and decompresses the next chunk, and returns io.EOF behind the last.
func (z *Reader) next(limit uint64) ([]byte, error) {
	c, err := z.index.next()
	if err != nil {
		return nil, err
	}
	if c.size > limit || c.open > limit {
		return nil, fmt.Errorf("%w: chunk of %d bytes, %d decompressed", ErrDamaged, c.size, c.open)
	}
	if c.size == 0 {
		if c.open != 0 {
			return nil, fmt.Errorf("%w: empty chunk with content", ErrDamaged)
		}
		return nil, nil
	}
	if z.packed, err = fill(z.packed, z.r, int(c.size)); err != nil {
		return nil, err
	}
	if !bytes.Equal(z.index.sum(z.packed), c.checksum) {
		return nil, fmt.Errorf("%w: chunk differs from its checksum", ErrDamaged)
	}
	if z.zstd == nil {
		if c.open != c.size {
			return nil, fmt.Errorf("%w: chunk of another size", ErrDamaged)
		}
		return z.packed, nil
	}
	if have := uint64(cap(z.content)); have < c.open {
		// Twice as much, for chunks that each are a byte larger than the one before.
		z.content = make([]byte, 0, max(c.open, min(2*have, limit)))
	}
	content, err := z.zstd.DecodeAll(z.packed, z.content[:0:c.open])
	if err != nil {
		return nil, fmt.Errorf("%w: chunk: %w", ErrDamaged, err)
	}
	if uint64(len(content)) != c.open {
		return nil, fmt.Errorf("%w: chunk of another size", ErrDamaged)
	}
	return content, nil
}

// fill reads n bytes into b, growing it as they come and not as they are promised.
func fill(b []byte, r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	for b = b[:0]; len(b) < n; {
		from := len(b)
		part := min(step, n-from)
		if cap(b)-from < part {
			b = append(make([]byte, 0, max(2*cap(b), from+part)), b...)
		}
		b = b[:from+part]
		if _, err := io.ReadFull(r, b[from:]); err != nil {
			return b, cut(err)
		}
	}
	return b, nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrDamaged, io.ErrUnexpectedEOF)
	}
	return err
}

// sum returns the function that makes a kind of checksum of all its pieces, and the
// checksum's size.
func sum(kind uint64) (func(pieces ...[]byte) []byte, int, error) {
	var make func() hash.Hash
	size := 0
	switch kind {
	case 0:
		make, size = sha1.New, sha1.Size
	case 1:
		make, size = sha256.New, sha256.Size
	case 2:
		make, size = sha512.New, sha512.Size
	case 3:
		make, size = sha512.New, 16
	default:
		return nil, 0, fmt.Errorf("%w: checksum of kind %d", ErrUnsupported, kind)
	}
	return func(pieces ...[]byte) []byte {
		h := make()
		for _, p := range pieces {
			h.Write(p)
		}
		return h.Sum(nil)[:size]
	}, size, nil
}
