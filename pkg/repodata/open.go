package repodata

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"seawall/pkg/xzstream"
	"seawall/pkg/zchunk"
)

// MaxOpen bounds a file, as it lies there and decompressed. Fedora's largest primary
// is about 200 MB.
const MaxOpen = 1 << 30

// A file may grow maxRatio times in decompression, beyond the first freeGrowth bytes.
// Repositories' data grows 5 to 30 times, nothing but blanks ten thousand times.
const (
	maxRatio   = 200
	freeGrowth = 32 << 20
)

// maxWindow bounds the memory a decompressor may ask for. createrepo_c makes windows
// of 8 MiB at most; xz -8 and -9 make larger ones.
const maxWindow = 16 << 20

// ErrUnsupported is returned for a compression or an encoding that is not read.
var ErrUnsupported = errors.New("not supported")

// Decompress returns what r holds, decompressed by its first bytes; name is for
// messages. More than max bytes (MaxOpen when it is 0) is an error.
func Decompress(r io.Reader, name string, max int64) (io.ReadCloser, error) {
	if max == 0 {
		max = MaxOpen
	}
	in := &counted{r: r}
	z, done, err := decompress(bufio.NewReaderSize(in, 32<<10))
	if err != nil {
		done()
		return nil, fmt.Errorf("%s: %w", name, damaged(err))
	}
	return &opened{r: &limited{r: z, left: max, in: in}, name: name, done: done}, nil
}

// decompress returns a reader of what r holds, and what ends it.
func decompress(r *bufio.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	head, err := r.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nothing, err
	}
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case begins("\x1f\x8b"):
		z, err := gzip.NewReader(r)
		return z, nothing, err
	case begins(xzstream.Magic):
		z, err := xzstream.NewReader(r, maxWindow)
		return z, nothing, err
	case begins("\x28\xb5\x2f\xfd"):
		var first zstd.Header
		if first.Decode(head) == nil && first.WindowSize > maxWindow {
			return nil, nothing, fmt.Errorf("%w: zstd window of %d bytes", ErrUnsupported, first.WindowSize)
		}
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nothing, err
		}
		return z, z.Close, nil
	case begins("BZh"):
		return bzip2.NewReader(r), nothing, nil
	case begins(zchunk.Magic):
		z, err := zchunk.NewReader(r)
		if err != nil {
			return nil, nothing, err
		}
		return z, func() { z.Close() }, nil
	case begins("]\x00\x00"):
		return nil, nothing, fmt.Errorf("%w: lzma", ErrUnsupported)
	}
	return r, nothing, nil
}

// opened is a decompressed file.
type opened struct {
	r    io.Reader
	name string
	done func()
	raw  *summed // where the file is compared with what repomd.xml says
}

// Read reads decompressed bytes.
func (o *opened) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) && o.raw != nil {
		if wrong := o.raw.finish(); wrong != nil {
			return n, fmt.Errorf("%s: %w", o.name, wrong)
		}
	}
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, fmt.Errorf("%s: %w", o.name, damaged(err))
}

// Close gives memory back. It does not close what is read from.
func (o *opened) Close() error {
	o.done()
	return nil
}

// damaged adds ErrDamaged to the errors of decompressors. Those of the system,
// such as EIO, and those that say what they are stay as they are.
func damaged(err error) error {
	var system interface{ Timeout() bool } // as fs.PathError and syscall.Errno have it
	if errors.As(err, &system) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnsupported) {
		return err
	}
	if errors.Is(err, zchunk.ErrUnsupported) || errors.Is(err, xzstream.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Open returns what the file d, read from r, holds, decompressed. At its end the
// file's size and checksum are compared with those in d: the last Read returns
// ErrDamaged where they differ. A kind of checksum that is not known is
// ErrUnsupported.
func Open(r io.Reader, d Data) (io.ReadCloser, error) {
	h, err := newHash(d.ChecksumType)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Href, err)
	}
	raw := &summed{r: r, hash: h, data: d, most: MaxOpen}
	if d.Size >= 0 {
		raw.most = min(raw.most, d.Size)
	}
	z, err := Decompress(raw, d.Href, 0)
	if err != nil {
		return nil, err
	}
	o := z.(*opened)
	o.raw = raw
	return o, nil
}

func newHash(kind string) (hash.Hash, error) {
	switch strings.ToLower(kind) {
	case "sha256":
		return sha256.New(), nil
	case "sha512":
		return sha512.New(), nil
	case "sha384":
		return sha512.New384(), nil
	case "sha224":
		return sha256.New224(), nil
	case "sha", "sha1":
		return sha1.New(), nil
	case "md5":
		return md5.New(), nil
	}
	return nil, fmt.Errorf("%w: checksum of type %q", ErrUnsupported, kind)
}

// summed makes the checksum of what is read through it.
type summed struct {
	r    io.Reader
	hash hash.Hash
	n    int64
	most int64 // bytes
	data Data
}

// Read reads, up to one byte more than there should be.
func (s *summed) Read(p []byte) (int, error) {
	if s.n > s.most {
		return 0, fmt.Errorf("%w: longer than %d bytes", ErrDamaged, s.most)
	}
	n, err := s.r.Read(p[:min(int64(len(p)), s.most+1-s.n)])
	s.hash.Write(p[:n])
	s.n += int64(n)
	return n, err
}

// finish reads what a decompressor left and compares.
func (s *summed) finish() error {
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{s}); err != nil {
		return err
	}
	if s.data.Size >= 0 && s.n != s.data.Size {
		return fmt.Errorf("%w: %d bytes, and %d in repomd.xml", ErrDamaged, s.n, s.data.Size)
	}
	if got := hex.EncodeToString(s.hash.Sum(nil)); !strings.EqualFold(got, s.data.Checksum) {
		return fmt.Errorf("%w: %s differs from that in repomd.xml", ErrDamaged, s.data.ChecksumType)
	}
	return nil
}
