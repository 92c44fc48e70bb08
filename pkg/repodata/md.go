package repodata

import (
	"errors"
	"io"
	"time"
)

// ErrDamaged is returned for data that is cut short, is not what its checksum
// says, or breaks its format or the bounds of this package.
var ErrDamaged = errors.New("damaged")

// MD is repomd.xml: the list of a repository's files.
type MD struct {
	Revision string // often the time of publication in seconds since 1970
	Tags     []string
	Data     map[string]Data // by type: updateinfo, primary, modules, updateinfo_zck, primary_db, …
}

// Data is one file of a repository.
type Data struct {
	Type         string
	Href         string // relative to the repository, "repodata/…-updateinfo.xml.gz"
	ChecksumType string // "sha256", "sha512", …
	Checksum     string // in hex, of the file as it lies there
	Size         int64  // of the file as it lies there, -1 where it is not said
	OpenSize     int64  // decompressed, -1 where it is not said
	Timestamp    time.Time
}

// ParseMD reads repomd.xml.
func ParseMD(r io.Reader) (*MD, error) { return nil, ErrDamaged }

// Published is when the repository was made: its revision where that is a time,
// else the newest timestamp of its files.
func (m *MD) Published() time.Time { return time.Time{} }

// Pick returns the files that hold a kind of data ("updateinfo", "primary",
// "modules"), the one that dnf prefers first: zchunk, plain or compressed XML,
// SQLite. dnf downloads only one of them: the caller takes the first that exists.
func (m *MD) Pick(kind string) []Data { return nil }
