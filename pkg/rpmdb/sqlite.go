package rpmdb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"seawall/pkg/hostfs"
	"seawall/pkg/sqlitefile"
)

// maxPackages bounds what is taken into memory. The largest distributions have
// some 100,000 packages in all, of which many exclude each other.
const maxPackages = 1 << 16

const journalMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"

// readSQLite reads rpmdb.sqlite with its log.
func readSQLite(root hostfs.Root, name string, times bool) ([]Package, error) {
	var packages []Package
	err := steady(root, []string{name, name + "-wal", name + "-journal"}, func() (err error) {
		packages, err = readOnce(root, name, times)
		return err
	})
	return packages, err
}

func readOnce(root hostfs.Root, name string, times bool) ([]Package, error) {
	db, size, err := open(root, name)
	if err != nil {
		return nil, err
	}
	if db == nil {
		return nil, fs.ErrNotExist
	}
	defer db.Close()
	if err := journal(root, name+"-journal"); err != nil {
		return nil, err
	}
	wal, walSize, err := open(root, name+"-wal")
	if err != nil {
		return nil, err
	}
	var log io.ReaderAt
	if wal != nil {
		defer wal.Close()
		log = wal
	}
	f, err := sqlitefile.Open(db, log, size, walSize)
	if err != nil {
		return nil, err
	}
	return readTables(f, times)
}

// journal refuses a database that has to be rolled back first.
func journal(root hostfs.Root, name string) error {
	f, _, err := open(root, name)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	var head [len(journalMagic)]byte
	switch _, err := f.ReadAt(head[:], 0); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case string(head[:]) == journalMagic:
		return fmt.Errorf("%w: there is a rollback journal", ErrBusy)
	}
	return nil
}

// readTables reads the packages and compares them with the index of their names.
func readTables(f *sqlitefile.File, times bool) ([]Package, error) {
	table, err := f.Table("Packages")
	if errors.Is(err, sqlitefile.ErrNoTable) {
		return nil, nil // rpm has not got as far yet
	}
	if err != nil {
		return nil, err
	}
	var packages []Package
	var numbers []int64
	var row sqlitefile.Row
	h := headers{times: times, readAt: func(p []byte, off int64) error { return row.ReadAt(1, p, off) }}
	err = table.Scan([]string{"hnum", "blob"}, func(r sqlitefile.Row) error {
		row = r
		p, err := h.read(row.Size(1))
		if err != nil {
			return fmt.Errorf("package %d: %w", row.Int(0), err)
		}
		if len(packages) == maxPackages {
			return damaged("more than %d packages", maxPackages)
		}
		packages, numbers = append(packages, p), append(numbers, row.Int(0))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := checkNames(f, packages, numbers); err != nil {
		return nil, err
	}
	return without(packages), nil
}

// checkNames compares the packages with rpm's index of names: rows lost from one
// table would still be in the other.
func checkNames(f *sqlitefile.File, packages []Package, numbers []int64) error {
	table, err := f.Table("Name")
	if err != nil {
		return err
	}
	indexed := make([]bool, len(numbers))
	missing := len(numbers)
	err = table.Scan([]string{"key", "hnum"}, func(r sqlitefile.Row) error {
		i, ok := slices.BinarySearch(numbers, r.Int(1))
		if !ok || r.Size(0) > maxString || indexed[i] || packages[i].Name != string(r.Text(0)) {
			return damaged("the index of names has %.60q as package %d", r.Text(0), r.Int(1))
		}
		indexed[i] = true
		missing--
		return nil
	})
	if err == nil && missing > 0 {
		return damaged("%d packages are not in the index of names", missing)
	}
	return err
}
