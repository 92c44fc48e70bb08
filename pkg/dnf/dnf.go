package dnf

import (
	"time"

	"seawall/pkg/hostfs"
)

// Config is dnf's configuration on one host.
type Config struct {
	Repos   []Repo   // enabled and disabled, in the order of their files
	Modules []Module // what /etc/dnf/modules.d says
	// Files are all files and folders that this depends on, those that are missing
	// now included, for who wants to know when to look again.
	Files []string
	// Problems are what could not be read or understood, one sentence each. dnf
	// itself goes on, too, in most cases.
	Problems []string
	Arch     string // $basearch
}

// Repo is one repository.
type Repo struct {
	ID, Name       string
	Enabled        bool
	File           string // the file that has its section, and the line
	Line           int
	Priority, Cost int // 99 and 1000 by default; the lower priority wins
	// ModuleHotfixes: its packages are offered whatever module streams are active.
	ModuleHotfixes bool
	MetadataExpire time.Duration // after which dnf would refresh; negative is never
	// Folders are the repository's cache folders that exist, the one that dnf would
	// use first. Each holds repodata/repomd.xml.
	Folders []string
	// Expired: something marked the cache for a refresh.
	Expired bool
}

// Module is the state of a module on the host.
type Module struct {
	Name, Stream string
	State        string // "enabled", "disabled" or ""
}

// Rule is what keeps a package from being offered.
type Rule struct {
	File string
	Line int
	Text string // as it stands there
	Lock bool   // of versionlock, else an exclude or a list of includes
}

// Load reads the configuration. That there is none is no error: a host without dnf
// has no repositories.
func Load(root hostfs.Root) (*Config, error) { return nil, nil }

// Excluded reports whether dnf would leave the build out of what the repository
// offers, and by which rule. The build's evr is "epoch:version-release".
func (c *Config) Excluded(repo *Repo, name, evr, arch string) (by Rule, ok bool) {
	return Rule{}, false
}
