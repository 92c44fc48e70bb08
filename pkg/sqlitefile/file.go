package sqlitefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrDamaged is returned for a file that is no SQLite 3 database or a broken one.
var ErrDamaged = errors.New("damaged SQLite database")

// ErrUnsupported is returned for what the format allows and this package does not
// read.
var ErrUnsupported = errors.New("not supported in a SQLite database")

// ErrNoTable is returned when the database has no table of a name.
var ErrNoTable = errors.New("no such table in the SQLite database")

const (
	magic      = "SQLite format 3\x00"
	headerSize = 100
	minUsable  = 480
	maxSize    = 8 << 30 // bytes of the file
)

// File is a database file and its write-ahead log, as they were when it was
// opened. It is not for use by several goroutines at once.
type File struct {
	db, wal  io.ReaderAt
	pageSize int
	usable   int              // bytes of a page that hold content
	pages    uint32           // pages of the database
	frames   map[uint32]int64 // where the log holds a page
	logged   uint32           // pages after the last commit in the log, 0 without one
	there    int64            // pages that both files can have at most
}

// Open reads the header of a database of size bytes and all of its write-ahead
// log; wal is nil where there is none. Both are read from for as long as the File
// is in use. An empty file is a database without tables, and SQLite gives nothing
// for a log beside it.
func Open(db, wal io.ReaderAt, size, walSize int64) (*File, error) {
	f := &File{db: db, wal: wal}
	if size == 0 {
		return f, nil
	}
	if size > maxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrUnsupported, size)
	}
	var h [headerSize]byte
	if _, err := db.ReadAt(h[:], 0); err != nil {
		return nil, broken("header", err)
	}
	if string(h[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: no SQLite 3 header", ErrDamaged)
	}
	f.pageSize = int(binary.BigEndian.Uint16(h[16:]))
	if f.pageSize == 1 {
		f.pageSize = 1 << 16
	}
	if f.pageSize < 512 || f.pageSize&(f.pageSize-1) != 0 {
		return nil, fmt.Errorf("%w: pages of %d bytes", ErrDamaged, f.pageSize)
	}
	if wal != nil && walSize > 0 {
		if err := f.readLog(walSize); err != nil {
			return nil, err
		}
	}
	f.pages = uint32(size / int64(f.pageSize))
	f.there = int64(f.pages) + int64(len(f.frames))
	if f.logged != 0 {
		f.pages = f.logged
	}
	if err := f.read(h[:], 1, 0); err != nil { // the log may have a newer one
		return nil, err
	}
	return f, f.header(h[:])
}

// header checks the rest of the header against what the files hold.
func (f *File) header(h []byte) error {
	f.usable = f.pageSize - int(h[20])
	if f.usable < minUsable {
		return fmt.Errorf("%w: %d bytes of %d in use in a page", ErrDamaged, f.usable, f.pageSize)
	}
	if v := h[19]; v > 2 {
		return fmt.Errorf("%w: read version %d", ErrUnsupported, v)
	}
	if enc := binary.BigEndian.Uint32(h[56:]); enc > 1 {
		return fmt.Errorf("%w: text encoding %d", ErrUnsupported, enc)
	}
	// The count is valid if the last writer knew of it.
	count := binary.BigEndian.Uint32(h[28:])
	if count == 0 || string(h[24:28]) != string(h[92:96]) {
		return nil
	}
	if count > f.pages {
		return fmt.Errorf("%w: %d of %d pages are there", ErrDamaged, f.pages, count)
	}
	f.pages = count
	return nil
}

// read fills p with what stands at byte at of a page.
func (f *File) read(p []byte, page uint32, at int) error {
	if page == 0 || page > f.pages {
		return fmt.Errorf("%w: page %d of %d", ErrDamaged, page, f.pages)
	}
	r, off := f.db, int64(page-1)*int64(f.pageSize)
	if in, ok := f.frames[page]; ok {
		r, off = f.wal, in
	}
	n, err := r.ReadAt(p, off+int64(at))
	if n == len(p) {
		return nil
	}
	return broken(fmt.Sprintf("page %d", page), err)
}

// broken tells a file that ends too early from one that cannot be read.
func broken(what string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file ends within %s", ErrDamaged, what)
	}
	return fmt.Errorf("read %s: %w", what, err)
}
