package inventory

import "time"

// Bounds of a walk.
const (
	MaxEntries = 5_000_000
	MaxTime    = 60 * time.Second // of the clock
	MaxListed  = 40               // of one kind
)

// Disk is what a walk found.
type Disk struct {
	Known    bool     `json:"known"`
	Reason   string   `json:"reason"`
	Complete bool     `json:"complete"`
	Cut      string   `json:"cut"`     // why it is not complete
	Entries  int      `json:"entries"` // looked at
	At       string   `json:"at"`      // when, RFC 3339
	Hidden   []string `json:"hidden"`  // directories that this process cannot see
	Items    []Item   `json:"items"`
	// More counts, by kind, what was found beyond MaxListed.
	More map[string]int `json:"more"`
}

// The kinds of what is listed.
const (
	KindSetuid       = "setuid"       // a file with the set-user-id or set-group-id bit
	KindCapable      = "capable"      // a file with capabilities
	KindWritableFile = "writable"     // a file that everybody may write
	KindWritableDir  = "writable_dir" // a directory that everybody may write, without the sticky bit
	KindUnowned      = "unowned"      // its owner or group has no name
	KindDevice       = "device"       // a device outside /dev
	KindInDev        = "in_dev"       // a regular file in /dev
	KindCommand      = "command"      // a program that root runs and others can change
	KindLibrary      = "library"      // a library that others can change
	KindEtc          = "etc"          // a file in /etc that a person or everybody can change
	KindDisguised    = "disguised"    // a name made to be overlooked
	KindTemporary    = "temporary"    // a program in a directory for temporary files
)

// Item is a file that stands out.
type Item struct {
	Kind  string `json:"kind"`
	Path  string `json:"path"`
	Mode  int    `json:"mode"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Text  string `json:"text"` // "4755 root:root"
	Links int    `json:"links"`

	// Of programs with bits or capabilities:
	Package      string `json:"package"`       // that it belongs to, "" for none
	PackageKnown bool   `json:"package_known"` // the package database was read
	Expected     bool   `json:"expected"`      // has its bits from its package or from the administrator's register
	Reason       string `json:"reason"`        // how that is known
	Powerful     bool   `json:"powerful"`      // runs commands of the caller's choice: a shell, an editor, an interpreter
	Capabilities string `json:"capabilities"`  // "cap_net_raw=ep"
	Root         bool   `json:"root"`          // the capabilities amount to being root
}
