package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"path"

	"seawall/pkg/hostfs"
)

// Of db_page.h: offsets in the meta page, page types, item types.
const (
	bdbMagic    = 0x061561
	metaSize    = 224 // of the meta page, what is read
	metaSpares  = 96
	pageHead    = 26
	typeMeta    = 8
	typeUnsort  = 2 // hash pages before version 9
	typeHash    = 13
	typeOver    = 7
	itemData    = 1
	itemOffPage = 3
	maxBDB      = 8 << 30 // bytes of the file
)

// hash is a Berkeley DB hash that is being read.
type hash struct {
	r        io.ReaderAt
	order    binary.ByteOrder
	pageSize int
	last     uint32 // page
	buckets  uint32 // the highest number of one
	elements uint32 // records, as the meta page counts them
	spares   [32]uint32
	budget   int64 // pages that may still be come to
	steps    int64 // along chains of overflow pages that may still be made
	page     []byte

	// The value being read: a chain of overflow pages, or bytes of a hash page.
	inline  []byte
	first   uint32
	size    int64
	current uint32
	at      int64 // which of the value's bytes is the first in current
	head    [pageHead]byte
	fill    int64 // bytes in current
}

// readBDB reads Packages.
func readBDB(root hostfs.Root, name string, times bool) ([]Package, error) {
	var packages []Package
	err := steady(root, []string{name}, func() error {
		f, size, err := open(root, name)
		if err != nil {
			return err
		}
		if f == nil {
			return fs.ErrNotExist
		}
		defer f.Close()
		if packages, err = readHash(f, size, times); locked(root, path.Dir(name)) {
			err = fmt.Errorf("%w: rpm has its lock", ErrBusy)
		}
		return err
	})
	return packages, err
}

func readHash(r io.ReaderAt, size int64, times bool) ([]Package, error) {
	if size == 0 {
		return nil, nil
	}
	db, err := openHash(r, size)
	if err != nil {
		return nil, err
	}
	var packages []Package
	seen := make(map[uint32]bool)
	h := headers{times: times, readAt: db.readAt}
	err = db.each(func(number uint32) error {
		if seen[number] || len(seen) == maxPackages {
			return damaged("package %d is there twice or one too many", number)
		}
		seen[number] = true
		if number == 0 && db.size == 4 { // the highest number given
			return nil
		}
		p, err := h.read(db.size)
		if err != nil {
			return fmt.Errorf("package %d: %w", number, err)
		}
		packages = append(packages, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The count is kept with each change; a bucket or page that is lost shows here.
	if len(seen) != int(db.elements) {
		return nil, damaged("%d records of %d are there", len(seen), db.elements)
	}
	return without(packages), nil
}

// openHash reads the meta page.
func openHash(r io.ReaderAt, size int64) (*hash, error) {
	var m [metaSize]byte
	if n, err := r.ReadAt(m[:], 0); n < len(m) {
		return nil, ended("the meta page", err)
	}
	db := &hash{r: r}
	for _, db.order = range [...]binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if db.order.Uint32(m[12:]) == bdbMagic {
			break
		}
	}
	if err := checkMeta(m[:], db.order); err != nil {
		return nil, err
	}
	pageSize := db.order.Uint32(m[20:])
	if pageSize < 512 || pageSize > 1<<16 || pageSize&(pageSize-1) != 0 {
		return nil, damaged("pages of %d bytes", pageSize)
	}
	db.pageSize = int(pageSize)
	db.last = db.order.Uint32(m[32:])
	db.buckets = db.order.Uint32(m[72:])
	db.elements = db.order.Uint32(m[88:])
	if there := size / int64(db.pageSize); size > maxBDB || int64(db.last) >= there || db.buckets >= db.last {
		return nil, damaged("%d of %d pages, %d buckets", there, int64(db.last)+1, int64(db.buckets)+1)
	}
	for i := range db.spares {
		db.spares[i] = db.order.Uint32(m[metaSpares+4*i:])
	}
	db.budget = int64(db.last)
	db.steps = 4 * db.budget // one for each page, in a database that is whole
	db.page = make([]byte, db.pageSize)
	return db, nil
}

// checkMeta says whether a meta page is one of a database that is read.
func checkMeta(m []byte, order binary.ByteOrder) error {
	if order.Uint32(m[12:]) != bdbMagic || m[25] != typeMeta {
		return damaged("no hash of Berkeley DB")
	}
	if v := order.Uint32(m[16:]); v < 8 || v > 9 {
		return damaged("Berkeley DB hash of version %d, which is not read", v)
	}
	if m[24] != 0 || m[26] != 0 {
		return damaged("Berkeley DB with encryption %d and flags %#x, which is not read", m[24], m[26])
	}
	return nil
}

// each calls give for each record's number, with its value ready to be read.
func (db *hash) each(give func(number uint32) error) error {
	for bucket := range db.buckets + 1 {
		// Pages of buckets are given out by doubling; spares has what else came
		// before each of the doublings.
		page, last := bucket+db.spares[bits.Len32(bucket)], uint32(0)
		for page != 0 {
			if err := db.load(page, last); err != nil {
				return err
			}
			if err := db.records(page, give); err != nil {
				return err
			}
			page, last = db.order.Uint32(db.page[16:]), page
		}
	}
	return nil
}

// load reads a hash page into db.page; last is the one before it in its bucket.
func (db *hash) load(number, last uint32) error {
	if err := db.read(db.page, number, 0); err != nil {
		return err
	}
	if db.budget--; db.budget < 0 {
		return damaged("page %d is in a cycle", number)
	}
	if n, kind := db.order.Uint32(db.page[8:]), db.page[25]; n != number || kind != typeHash && kind != typeUnsort {
		return damaged("page %d is of type %d and says that it is page %d", number, kind, n)
	}
	if prev := db.order.Uint32(db.page[12:]); prev != last {
		return damaged("page %d follows page %d and says %d", number, last, prev)
	}
	return nil
}

// records goes through the pairs of key and value on the loaded page.
func (db *hash) records(number uint32, give func(uint32) error) error {
	count := int(db.order.Uint16(db.page[20:]))
	if count%2 != 0 || pageHead+2*count > db.pageSize {
		return damaged("%d items on page %d", count, number)
	}
	lowest := db.pageSize
	if count > 0 {
		lowest = int(db.order.Uint16(db.page[pageHead+2*count-2:]))
	}
	// Pages of 64 KB have 0 for their end.
	if free := int(db.order.Uint16(db.page[22:])); free != lowest&0xffff {
		return damaged("items of page %d begin at %d, not %d", number, lowest, free)
	}
	for i := 0; i < count; i += 2 {
		key, err := db.item(i, count)
		if err != nil {
			return err
		}
		value, err := db.item(i+1, count)
		if err != nil {
			return err
		}
		if key[0] != itemData || len(key) != 5 {
			return damaged("key of type %d and %d bytes on page %d", key[0], len(key)-1, number)
		}
		if err := db.take(value); err != nil {
			return err
		}
		if err := give(db.order.Uint32(key[1:])); err != nil {
			return err
		}
	}
	return nil
}

// item returns item i of the loaded page; the items stand one before the other from
// the end of the page.
func (db *hash) item(i, count int) ([]byte, error) {
	end := db.pageSize
	if i > 0 {
		end = int(db.order.Uint16(db.page[pageHead+2*i-2:]))
	}
	start := int(db.order.Uint16(db.page[pageHead+2*i:]))
	if start < pageHead+2*count || start >= end || end > db.pageSize {
		return nil, damaged("item of a page from %d to %d", start, end)
	}
	return db.page[start:end], nil
}

// take makes an item the value that is read.
func (db *hash) take(item []byte) error {
	db.inline, db.first, db.current = nil, 0, 0
	switch {
	case item[0] == itemData:
		db.inline, db.size = item[1:], int64(len(item)-1)
		return nil
	case item[0] == itemOffPage && len(item) == 12:
		db.first, db.size = db.order.Uint32(item[4:]), int64(db.order.Uint32(item[8:]))
	default:
		return damaged("value of type %d in %d bytes", item[0], len(item))
	}
	room := int64(db.pageSize - pageHead)
	if db.budget -= (db.size + room - 1) / room; db.budget < 0 {
		return damaged("value of %d bytes, in pages that others have", db.size)
	}
	return nil
}

// readAt fills p with the value's bytes from off on.
func (db *hash) readAt(p []byte, off int64) error {
	if off < 0 || off > db.size-int64(len(p)) {
		return damaged("value of %d bytes has none at %d", db.size, off)
	}
	if db.inline != nil {
		copy(p, db.inline[off:])
		return nil
	}
	for len(p) > 0 {
		if err := db.seek(off); err != nil {
			return err
		}
		in := off - db.at
		n := min(int64(len(p)), db.fill-in)
		if err := db.read(p[:n], db.current, pageHead+int(in)); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// seek goes along the chain of overflow pages to the one with byte off. Each has at
// least one byte, but may have no more, and so the steps are counted.
func (db *hash) seek(off int64) error {
	next := db.current
	if next == 0 || off < db.at {
		next, db.at, db.fill = db.first, 0, 0
	} else if off < db.at+db.fill {
		return nil
	} else {
		next = db.order.Uint32(db.head[16:])
	}
	for {
		if db.steps--; db.steps < 0 {
			return damaged("overflow page %d is come to too often", next)
		}
		if err := db.read(db.head[:], next, 0); err != nil {
			return err
		}
		db.at += db.fill
		db.current, db.fill = next, int64(db.order.Uint16(db.head[22:]))
		if n, kind := db.order.Uint32(db.head[8:]), db.head[25]; n != next || kind != typeOver {
			return damaged("overflow page %d is of type %d and says that it is page %d", next, kind, n)
		}
		if db.fill == 0 || db.fill > int64(db.pageSize-pageHead) {
			return damaged("overflow page %d with %d bytes", next, db.fill)
		}
		if off < db.at+db.fill {
			return nil
		}
		next = db.order.Uint32(db.head[16:])
	}
}

// read fills p with what stands at byte at of a page.
func (db *hash) read(p []byte, page uint32, at int) error {
	if page == 0 || page > db.last {
		return damaged("page %d of %d", page, db.last)
	}
	if n, err := db.r.ReadAt(p, int64(page)*int64(db.pageSize)+int64(at)); n < len(p) {
		return ended(fmt.Sprintf("page %d", page), err)
	}
	return nil
}

// ended tells a file that ends too early from one that cannot be read.
func ended(what string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return damaged("the file ends within %s", what)
	}
	return fmt.Errorf("read %s: %w", what, err)
}
