package repodata

import "io"

// Available is one build that a repository offers. It is valid until each
// returns; the strings can be kept.
type Available struct {
	Name, Arch              string
	EVR                     string // "epoch:version-release", the epoch always there
	Epoch, Version, Release string
	Source                  string // the file name of its source package, or ""
}

// ScanPrimary reads primary.xml, or primary.sqlite where r begins like one, and
// calls each for every package whose name want accepts.
func ScanPrimary(r io.Reader, want func(name []byte) bool, each func(*Available)) error {
	return ErrDamaged
}
