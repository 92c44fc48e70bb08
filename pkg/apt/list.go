package apt

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"seawall/pkg/deb822"
	"seawall/pkg/lz4frame"
)

// MaxList bounds a package list, in decompressed bytes. Debian's largest is
// below 60 MB, Ubuntu's below 80 MB.
const MaxList = 512 << 20

// maxWindow bounds the memory a decompressor may ask for.
const maxWindow = 64 << 20

// ErrUnsupported is returned for a compression that is not read.
var ErrUnsupported = errors.New("compression is not supported")

// Extensions are the endings that a list file may have, in the order apt looks.
func Extensions() []string { return []string{"", ".xz", ".bz2", ".lzma", ".gz", ".lz4", ".zst"} }

// decompress returns a reader of what r holds, and what ends it.
func decompress(r io.Reader, extension string) (io.Reader, func(), error) {
	nothing := func() {}
	switch extension {
	case "":
		return r, nothing, nil
	case ".lz4":
		return lz4frame.NewReader(r), nothing, nil
	case ".bz2":
		return bzip2.NewReader(r), nothing, nil
	case ".gz":
		z, err := gzip.NewReader(r)
		return z, nothing, err
	case ".xz":
		z, err := newXZ(r)
		return z, nothing, err
	case ".lzma":
		z, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(r)
		return z, nothing, err
	case ".zst":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nothing, err
		}
		return z, z.Close, nil
	}
	return nil, nothing, fmt.Errorf("%w: %q", ErrUnsupported, extension)
}

// newXZ looks at the dictionary that the first block asks for before the decoder
// makes it: a block header may ask for 4 GB.
func newXZ(r io.Reader) (io.Reader, error) {
	head := make([]byte, 64)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	if size := xzDictionary(head); size > maxWindow {
		return nil, fmt.Errorf("xz: dictionary of %d bytes is larger than the limit", size)
	}
	return xz.NewReader(io.MultiReader(bytes.NewReader(head), r))
}

// xzDictionary finds the LZMA2 filter (id 0x21, one byte of properties) in the
// first block header, which stands behind the 12 bytes of the stream header.
func xzDictionary(head []byte) uint64 {
	const stream, flags = 12, 2
	if len(head) < stream+flags {
		return 0
	}
	i := bytes.Index(head[stream+flags:], []byte{0x21, 0x01})
	if i < 0 || stream+flags+i+2 >= len(head) {
		return 0
	}
	bits := head[stream+flags+i+2] & 0x3f
	return uint64(2|bits&1) << (bits/2 + 11)
}

// Entry is one version of one package in a list. Its bytes are valid until the
// next.
type Entry struct {
	Name, Arch, Version, Source []byte
	Phased                      int // Phased-Update-Percentage, 100 where it is not set
}

// ScanList reads a package list, compressed as its extension says, and calls fn
// for every entry whose name want accepts. It returns how long the list is when it
// is not compressed: one that breaks off between two entries looks whole, and only
// its Release file (Release.Lists) tells.
func ScanList(r io.Reader, extension string, want func(name []byte) bool, fn func(*Entry) error) (size int64, err error) {
	z, done, err := decompress(r, extension)
	if err != nil {
		return 0, fmt.Errorf("package list: %w", err)
	}
	defer done()
	in := &io.LimitedReader{R: z, N: MaxList + 1}
	d := deb822.NewReader(in, 0)
	var e Entry
	for {
		s, err := d.Next()
		if errors.Is(err, io.EOF) {
			if in.N == 0 {
				return 0, fmt.Errorf("package list: larger than %d bytes", MaxList)
			}
			return MaxList + 1 - in.N, nil
		}
		if err != nil {
			return 0, fmt.Errorf("package list: %w", err)
		}
		if d.Truncated {
			return 0, fmt.Errorf("package list: line %d: the list ends within a line", s.Line+bytes.Count(s.Text, []byte{'\n'}))
		}
		if name, ok := first(s.Text); ok && !want(name) {
			continue
		}
		if err := e.parse(s); err != nil {
			return 0, fmt.Errorf("package list: %w", err)
		}
		if !want(e.Name) {
			continue
		}
		if err := fn(&e); err != nil {
			return 0, fmt.Errorf("package list: line %d: %w", s.Line, err)
		}
	}
}

// first is the package's name where it stands in the first line, as it nearly
// always does: the stanzas of packages that are not wanted end here.
func first(stanza []byte) ([]byte, bool) {
	line, _, _ := bytes.Cut(stanza, []byte{'\n'})
	name, ok := bytes.CutPrefix(line, []byte("Package:"))
	return bytes.TrimSpace(name), ok
}

func (e *Entry) parse(s deb822.Stanza) error {
	*e = Entry{Phased: 100}
	var phased []byte
	err := s.Each(func(f deb822.Field) {
		switch {
		case f.Is("Package"):
			e.Name = f.Value
		case f.Is("Architecture"):
			e.Arch = f.Value
		case f.Is("Version"):
			e.Version = f.Value
		case f.Is("Source"):
			e.Source = f.Value
		case f.Is("Phased-Update-Percentage"):
			phased = f.Value
		}
	})
	if err != nil {
		return err
	}
	if len(e.Name) == 0 || len(e.Version) == 0 || len(e.Arch) == 0 {
		return &deb822.SyntaxError{Line: s.Line, Text: "entry without Package, Version or Architecture"}
	}
	if n := percentage(phased); n <= 100 {
		e.Phased = n
	}
	return nil
}

// percentage reads the digits that a value begins with; what apt passes over, no
// number or one above 100, is 101.
func percentage(b []byte) int {
	const ignored = 101
	n := -1
	for _, c := range b {
		if c < '0' || c > '9' || n > 100 {
			break
		}
		n = max(n, 0)*10 + int(c-'0')
	}
	if n < 0 {
		return ignored
	}
	return n
}
