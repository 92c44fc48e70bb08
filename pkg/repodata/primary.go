package repodata

import (
	"bufio"
	"fmt"
	"io"

	"seawall/pkg/sqlitefile"
	"seawall/pkg/xmlscan"
)

// Available is one build that a repository offers. It is valid until each
// returns; the strings can be kept.
type Available struct {
	Name, Arch              string
	EVR                     string // "epoch:version-release", the epoch always there
	Epoch, Version, Release string
	Source                  string // the file name of its source package, or ""
}

// maxDatabase bounds a primary.sqlite, which is read from memory.
const maxDatabase = 64 << 20

// ScanPrimary reads primary.xml, or primary.sqlite where r begins like one, and
// calls each for every package whose name want accepts. A database is at most 64
// MiB large.
func ScanPrimary(r io.Reader, want func(name []byte) bool, each func(*Available)) error {
	const sqlite = "SQLite format 3\x00"
	in := bufio.NewReaderSize(r, 4<<10)
	// What keeps the reader from giving so much is told when it is read again.
	if head, _ := in.Peek(len(sqlite)); string(head) == sqlite {
		var b pieces
		size, err := io.Copy(&b, limit(in, maxDatabase))
		if err == nil {
			err = scanDatabase(b, size, want, each)
		}
		if err != nil {
			return fmt.Errorf("primary: %w", err)
		}
		return nil
	}
	p := primary{s: xmlscan.New(in), want: want}
	err := document(p.s, "metadata", func() error {
		if string(p.s.Name()) != "package" {
			return nil
		}
		p.keep, p.build, p.source = p.keep[:0], build{}, span{}
		if err := elements(p.s, p.field); err != nil {
			return err
		}
		if p.name != (span{}) {
			all := string(p.keep)
			a := p.available(all)
			a.Source = p.source.of(all)
			each(&a)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("primary: %w", err)
	}
	return nil
}

// pieces are a file in memory, all but the last of one size: growing costs no copy.
type pieces [][]byte

const pieceSize = 1 << 20

// Write appends p.
func (b *pieces) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		n := len(*b)
		if n == 0 || len((*b)[n-1]) == pieceSize {
			*b = append(*b, make([]byte, 0, pieceSize))
			continue
		}
		last := &(*b)[n-1]
		part := min(len(p), pieceSize-len(*last))
		*last, p = append(*last, p[:part]...), p[part:]
	}
	return all, nil
}

// ReadAt implements io.ReaderAt.
func (b pieces) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		i, in := int(off/pieceSize), int(off%pieceSize)
		if i >= len(b) || in >= len(b[i]) {
			return n, io.EOF
		}
		m := copy(p[n:], b[i][in:])
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// primary reads one package after the other.
type primary struct {
	s    *xmlscan.Scanner
	want func(name []byte) bool
	keep kept
	build
	source span
}

// field reads one child of a package. The name stands first, so that the rest of
// those that are not wanted is passed over.
func (p *primary) field() (err error) {
	switch string(p.s.Name()) {
	case "name":
		name, err := p.keep.text(p.s)
		if err != nil {
			return err
		}
		if name.from == name.to || !p.want(p.keep[name.from:name.to]) {
			return p.s.Skip()
		}
		p.name = name
	case "arch":
		p.arch, err = p.keep.text(p.s)
	case "version":
		p.evr(&p.keep, p.s, "epoch", "ver", "rel")
	case "format":
		err = elements(p.s, func() (err error) {
			if string(p.s.Name()) == "rpm:sourcerpm" {
				p.source, err = p.keep.text(p.s)
			}
			return err
		})
	}
	if len(p.keep) > maxKept {
		return fmt.Errorf("%w: package is too large", ErrDamaged)
	}
	return err
}

// scanDatabase reads the table of packages of primary.sqlite.
func scanDatabase(r io.ReaderAt, size int64, want func(name []byte) bool, each func(*Available)) error {
	file, err := sqlitefile.Open(r, nil, size, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	table, err := file.Table("packages")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	columns := []string{"name", "arch", "epoch", "version", "release", "rpm_sourcerpm"}
	var keep kept
	err = table.Scan(columns, func(row sqlitefile.Row) error {
		for i := range columns {
			if n := row.Size(i); n > maxField {
				return fmt.Errorf("%w: %s of %d bytes", ErrDamaged, columns[i], n)
			}
		}
		name := row.Text(0)
		if len(name) == 0 || !want(name) {
			return nil
		}
		keep = keep[:0]
		b := build{name: keep.add(name), arch: keep.add(row.Text(1))}
		if b.epoch = keep.add(row.Text(2)); b.epoch.from == b.epoch.to {
			b.epoch = keep.add([]byte{'0'})
		}
		keep = append(keep, ':')
		b.version = keep.add(row.Text(3))
		keep = append(keep, '-')
		b.release = keep.add(row.Text(4))
		source := keep.add(row.Text(5))
		all := string(keep)
		a := b.available(all)
		a.Source = source.of(all)
		each(&a)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
