package repodata

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/pkg/xmlscan"
)

// ErrDamaged is returned for data that is cut short, is not what its checksum
// says, or breaks its format or the bounds of this package.
var ErrDamaged = errors.New("damaged")

// Bounds of repomd.xml and of the texts in all files.
const (
	maxMD    = 1 << 20
	maxData  = 256
	maxTags  = 64
	maxField = 4 << 10
)

// MD is repomd.xml: the list of a repository's files.
type MD struct {
	Revision string // often the time of publication in seconds since 1970
	Tags     []string
	Data     map[string]Data // by type: updateinfo, primary, modules, updateinfo_zck, primary_db, …
}

// Data is one file of a repository.
type Data struct {
	Type         string
	Href         string // relative to the repository and inside it: "repodata/…-updateinfo.xml.gz"
	ChecksumType string // "sha256", "sha512", …
	Checksum     string // in hex, of the file as it lies there
	Size         int64  // of the file as it lies there, -1 where it is not said
	OpenSize     int64  // decompressed, -1 where it is not said
	Timestamp    time.Time
}

// ParseMD reads repomd.xml.
func ParseMD(r io.Reader) (*MD, error) {
	md := &MD{Data: make(map[string]Data)}
	s := xmlscan.New(limit(r, maxMD))
	err := document(s, "repomd", func() error {
		switch string(s.Name()) {
		case "revision":
			return text(s, &md.Revision)
		case "tags":
			return elements(s, func() error {
				if len(md.Tags) == maxTags {
					return fmt.Errorf("%w: more than %d tags", ErrDamaged, maxTags)
				}
				md.Tags = append(md.Tags, "")
				return text(s, &md.Tags[len(md.Tags)-1])
			})
		case "data":
			return md.data(s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("repomd: %w", err)
	}
	return md, nil
}

func (m *MD) data(s *xmlscan.Scanner) error {
	d := Data{Type: string(s.Attr("type")), Size: -1, OpenSize: -1}
	err := elements(s, func() error {
		switch string(s.Name()) {
		case "location":
			d.Href = string(s.Attr("href"))
		case "checksum":
			d.ChecksumType = string(s.Attr("type"))
			return text(s, &d.Checksum)
		case "timestamp":
			var at string
			err := text(s, &at)
			d.Timestamp = date(at)
			return err
		case "size":
			return size(s, &d.Size)
		case "open-size":
			return size(s, &d.OpenSize)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !inside(d.Href) {
		return fmt.Errorf("%w: %q leads out of the repository", ErrDamaged, d.Href)
	}
	if len(m.Data) == maxData {
		return fmt.Errorf("%w: more than %d files", ErrDamaged, maxData)
	}
	m.Data[d.Type] = d
	return nil
}

// inside reports whether a file stands inside of the repository.
func inside(href string) bool {
	return href != "" && href == path.Clean(href) && !path.IsAbs(href) && href != ".." && !strings.HasPrefix(href, "../") &&
		!strings.ContainsRune(href, 0)
}

func size(s *xmlscan.Scanner, to *int64) error {
	var digits string
	if err := text(s, &digits); err != nil {
		return err
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%w: size %q", ErrDamaged, digits)
	}
	*to = n
	return nil
}

// Published is when the repository was made: its revision where that is a time,
// else the newest timestamp of its files, zero where there is none.
func (m *MD) Published() time.Time {
	if t := date(m.Revision); !t.IsZero() {
		return t
	}
	var newest time.Time
	for _, d := range m.Data {
		if d.Timestamp.After(newest) {
			newest = d.Timestamp
		}
	}
	return newest
}

// Pick returns the files that hold a kind of data ("updateinfo", "primary",
// "modules"), the one that dnf prefers first: zchunk, plain or compressed XML,
// SQLite. dnf downloads only one of them: the caller takes the first that exists.
func (m *MD) Pick(kind string) []Data {
	files := make([]Data, 0, 3)
	for _, ending := range []string{"_zck", "", "_db"} {
		if d, ok := m.Data[kind+ending]; ok {
			files = append(files, d)
		}
	}
	return slices.Clip(files)
}
