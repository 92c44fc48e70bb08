package rpmdb

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"time"

	"seawall/pkg/hostfs"
	"seawall/pkg/sqlitefile"
)

// Errors that callers tell apart. A host without rpm's database is fs.ErrNotExist.
var (
	ErrNDB     = errors.New("rpm database in the format ndb (Packages.db), which is not read")
	ErrDamaged = errors.New("damaged rpm database")
	ErrBusy    = errors.New("rpm database is being changed")
	ErrEmpty   = errors.New("rpm database without packages")
)

// Package is what the database holds of an installed package. Fields that a
// header does not have are empty.
type Package struct {
	Name, Version, Release string
	Epoch                  int // -1 if none
	Arch                   string
	SourceRPM              string // file name of the source package
	Vendor                 string
	ModularityLabel        string // name:stream:version:context
	BuildTime              time.Time
	InstallTime            time.Time // only of ReadTimes
}

// EVR is "epoch:version-release", the epoch left out where there is none.
func (p *Package) EVR() string {
	if p.Epoch < 0 {
		return p.Version + "-" + p.Release
	}
	return strconv.Itoa(p.Epoch) + ":" + p.Version + "-" + p.Release
}

const (
	sqliteName = "rpmdb.sqlite"
	bdbName    = "Packages"
	ndbName    = "Packages.db"
)

func folders() [2]string { return [...]string{"/usr/lib/sysimage/rpm", "/var/lib/rpm"} }

// Files returns every folder and file that the answer of Read depends on, whether
// it is there or not.
func Files(hostfs.Root) []string {
	var all []string
	for _, dir := range folders() {
		all = append(all, dir)
		for _, name := range [...]string{sqliteName, sqliteName + "-wal", sqliteName + "-journal", bdbName, ndbName} {
			all = append(all, path.Join(dir, name))
		}
	}
	return all
}

// Read returns the installed packages, the format of the database, "sqlite" or
// "bdb", and the folder that it is in.
func Read(root hostfs.Root) (packages []Package, format, dir string, err error) {
	return readAny(root, false)
}

// ReadTimes is Read, with the times of installation, for which several times as
// much of the database is read.
func ReadTimes(root hostfs.Root) (packages []Package, format, dir string, err error) {
	return readAny(root, true)
}

func readAny(root hostfs.Root, times bool) (packages []Package, format, dir string, err error) {
	none := fmt.Errorf("rpm database: %w", fs.ErrNotExist)
	for _, dir := range folders() {
		for _, try := range [...]struct {
			format, name string
			read         func(root hostfs.Root, name string, times bool) ([]Package, error)
		}{{"sqlite", sqliteName, readSQLite}, {"bdb", bdbName, readBDB}, {"ndb", ndbName, readNDB}} {
			name := path.Join(dir, try.name)
			packages, err := try.read(root, name, times)
			switch {
			case err == nil && len(packages) > 0:
				return packages, try.format, dir, nil
			case err == nil:
				none = fmt.Errorf("%s: %w", name, ErrEmpty)
			case !errors.Is(err, fs.ErrNotExist):
				return nil, try.format, dir, explain(name, err)
			}
		}
	}
	return nil, "", "", none
}

// explain names the file, and counts the format's damage as the database's.
func explain(name string, err error) error {
	if errors.Is(err, sqlitefile.ErrDamaged) || errors.Is(err, sqlitefile.ErrNoTable) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

func readNDB(root hostfs.Root, name string, _ bool) ([]Package, error) {
	if _, err := root.Stat(name); err != nil {
		return nil, err
	}
	return nil, ErrNDB
}

// without drops the entries of keys.
func without(packages []Package) []Package {
	kept := packages[:0]
	for _, p := range packages {
		if p.Name != "gpg-pubkey" {
			kept = append(kept, p)
		}
	}
	return kept
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}
