package rpmdb

import (
	"errors"
	"io"
)

const (
	minAhead = 4 << 10
	maxAhead = 64 << 10
)

// ahead reads a file through a window that doubles while reads follow each other
// and starts again small when they jump. Headers take runs of pages that are in
// order for the most part, and of most of those only the pointer to the next is
// wanted.
type ahead struct {
	r      io.ReaderAt
	window []byte // what is held of buf
	from   int64  // where in the file it begins
	step   int
	buf    [maxAhead]byte
}

// ReadAt reads as io.ReaderAt has it.
func (a *ahead) ReadAt(p []byte, off int64) (int, error) {
	if in := off - a.from; in >= 0 && in+int64(len(p)) <= int64(len(a.window)) {
		return copy(p, a.window[in:]), nil
	}
	start := off &^ (minAhead - 1)
	if end := a.from + int64(len(a.window)); start >= a.from && start <= end {
		a.step = min(2*a.step, maxAhead)
	} else {
		a.step = minAhead
	}
	need := int(off-start) + len(p)
	if need > maxAhead {
		return a.r.ReadAt(p, off)
	}
	want := max(a.step, need)
	n, err := a.r.ReadAt(a.buf[:want], start)
	a.from, a.window = start, a.buf[:n]
	if n >= need {
		return copy(p, a.window[off-start:]), nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return copy(p, a.window[min(int(off-start), n):]), err
}
