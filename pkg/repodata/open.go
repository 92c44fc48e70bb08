package repodata

import (
	"errors"
	"io"
)

// MaxOpen bounds a decompressed file. Fedora's largest primary is about 200 MB.
const MaxOpen = 1 << 30

// ErrUnsupported is returned for a compression or an encoding that is not read.
var ErrUnsupported = errors.New("not supported")

// Decompress returns what r holds, decompressed by its first bytes; name is for
// messages. More than limit bytes (MaxOpen when it is 0) is an error.
func Decompress(r io.Reader, name string, limit int64) (io.ReadCloser, error) {
	return nil, ErrUnsupported
}

// Open returns what the file d, read from r, holds, decompressed. At its end the
// file's size and checksum are compared with those in d: the last Read returns
// ErrDamaged where they differ.
func Open(r io.Reader, d Data) (io.ReadCloser, error) { return nil, ErrUnsupported }
