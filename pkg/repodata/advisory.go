package repodata

import (
	"io"
	"time"
)

// Advisory is one entry of updateinfo: what the vendor says that certain builds
// fix. It and its slices are valid until each returns; the strings can be kept.
type Advisory struct {
	ID, Title       string
	Type            string // "security", "bugfix", "enhancement", "newpackage", …
	Severity        string // "Critical", "Important", "Moderate", "Low", "None" or ""
	Issued, Updated time.Time
	CVEs            []string
	RebootSuggested bool // of the advisory as a whole
	Packages        []AdvisoryPackage
}

// AdvisoryPackage is one build that an advisory names.
type AdvisoryPackage struct {
	Name, Arch              string
	EVR                     string // "epoch:version-release", the epoch always there
	Epoch, Version, Release string
	Module                  Module // of the collection, zero where it is not modular
	RebootSuggested         bool
}

// Module names one build of a module stream.
type Module struct{ Name, Stream, Version, Context, Arch string }

// ScanAdvisories reads updateinfo.xml and calls each for every advisory that names
// a package that want accepts, with those packages only.
func ScanAdvisories(r io.Reader, want func(name []byte) bool, each func(*Advisory)) error {
	return ErrDamaged
}
