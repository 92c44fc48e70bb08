package filesystem

import (
	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem/capacity"
	"seawall/agent/facts/filesystem/encryption"
	"seawall/agent/facts/filesystem/inventory"
	"seawall/agent/facts/filesystem/loader"
)

// Facts is what is known of a host's file systems.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Places are the directories that are to be file systems of their own, by name.
	Places map[string]Place `json:"places"`
	// Mounts are the file systems that hold files: no pseudo file systems.
	Mounts []Mount `json:"mounts"`
	Table  Table   `json:"table"` // /etc/fstab
	// Encrypted are the volumes and swap areas, and whether they are encrypted.
	Encrypted Encrypted      `json:"encrypted"`
	Files     []File         `json:"files"` // the listed ones, by kind
	Banners   []Banner       `json:"banners"`
	Preload   loader.Preload `json:"preload"`
	Integrity Integrity      `json:"integrity"`
	// Leftovers are files that do not belong into an image.
	Leftovers Leftovers `json:"leftovers"`
	// AccountsElsewhere is a source of accounts beside /etc/passwd, such as "sss": a
	// number without a name may have one there. "" for none.
	AccountsElsewhere string         `json:"accounts_elsewhere"`
	Disk              inventory.Disk `json:"disk"`
}

// Place is a directory such as /tmp: what is mounted there now and at boot.
type Place struct {
	Path    string `json:"path"`
	Known   bool   `json:"known"` // that anything is known of it: the table of mounts or fstab was read
	Reason  string `json:"reason"`
	Running bool   `json:"running"` // that the table of mounts was read: no image
	Mounted bool   `json:"mounted"` // something is mounted on it now
	// Separate says that it is another file system than the one around it: not the
	// same directory, bound to itself for its options.
	Separate bool   `json:"separate"`
	Type     string `json:"type"`
	Source   string `json:"source"`
	Now      Flags  `json:"now"`
	Boot     Boot   `json:"boot"`
	// Text says how it is mounted, in words.
	Text string `json:"text"`
}

// Flags are the mount options that keep files of a file system from doing harm.
type Flags struct {
	Nodev  bool `json:"nodev"`
	Nosuid bool `json:"nosuid"`
	Noexec bool `json:"noexec"`
}

// Boot is what mounts a place at the next boot.
type Boot struct {
	Known bool   `json:"known"` // false where nothing on disk says so
	By    string `json:"by"`    // fstab, unit, or systemd where it mounts it unasked
	Flags Flags  `json:"flags"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}

// Mount is a mounted file system.
type Mount struct {
	Path     string `json:"path"`
	Type     string `json:"type"`
	Source   string `json:"source"`
	Network  bool   `json:"network"`
	ReadOnly bool   `json:"read_only"`
	Now      Flags  `json:"now"`
	// MeantWritable says that fstab names it and does not say ro.
	MeantWritable bool           `json:"meant_writable"`
	Space         capacity.Space `json:"space"`
}

// Table is /etc/fstab.
type Table struct {
	Known   bool    `json:"known"`
	Reason  string  `json:"reason"`
	Entries []Entry `json:"entries"`
}

// Entry is a line of fstab. Values of secrets in it are left out.
type Entry struct {
	Source  string `json:"source"`
	Path    string `json:"path"`
	Type    string `json:"type"`
	Network bool   `json:"network"`
	Now     Flags  `json:"now"`  // that its options set
	Auto    bool   `json:"auto"` // is mounted at boot
	Mounted bool   `json:"mounted"`
	Problem string `json:"problem"` // what is wrong with the line, or ""
	Secret  string `json:"secret"`  // the option that holds a secret, or ""
	File    string `json:"file"`
	Line    int    `json:"line"`
	Raw     string `json:"raw"` // without values of secrets
}

// Encrypted is what is known of encryption of disks.
type Encrypted struct {
	Known   bool                `json:"known"` // the running system's block devices were read
	Reason  string              `json:"reason"`
	Volumes []encryption.Volume `json:"volumes"`
	Swaps   []encryption.Volume `json:"swaps"`
	// Any says that a volume is encrypted: then its swap is to be, too.
	Any  bool   `json:"any"`
	Keys []File `json:"keys"` // key files that /etc/crypttab names
}

// File is a listed file or directory.
type File struct {
	Kind   string `json:"kind"`
	Path   string `json:"path"`
	Exists bool   `json:"exists"`
	Error  string `json:"error"` // why not known, or ""
	Type   string `json:"type"`  // file, directory, link, other
	Mode   int    `json:"mode"`  // the 12 bits
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Owner  string `json:"owner"` // name, or the number where it has none
	Group  string `json:"group"`
	// Shared says that an account other than root is in the group.
	Shared bool   `json:"shared"`
	Text   string `json:"text"` // "0644 root:root"
	Weak   string `json:"weak"` // who beside root can change it, in words, "" for nobody
	// From is where the name comes from, such as a line of ld.so.conf.
	From string `json:"from"`
	Line int    `json:"line"`
}

// Banner is a text that is shown before or after login.
type Banner struct {
	Path   string `json:"path"`
	Exists bool   `json:"exists"`
	Error  string `json:"error"`
	// Tells is what of the system the text gives away: an escape such as \r, or the
	// distribution's name; "" for nothing.
	Tells string `json:"tells"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}

// Integrity is whether a program watches files for changes (AIDE and its like).
type Integrity struct {
	Known     bool   `json:"known"`
	Program   string `json:"program"`  // its file, "" where none is installed
	Database  string `json:"database"` // its file, "" where there is none
	Schedule  string `json:"schedule"` // the timer or cron file that runs it, ""
	Scheduled bool   `json:"scheduled"`
	Reason    string `json:"reason"`
}

// Leftovers are files that do not belong into an image.
type Leftovers struct {
	Known   bool       `json:"known"`
	Folders []Leftover `json:"folders"`
}

// Leftover is a folder of an image that should be empty.
type Leftover struct {
	Kind  string `json:"kind"` // tmp, crash, mail, archives
	Path  string `json:"path"`
	Count int    `json:"count"`
	First string `json:"first"` // name of one
	Error string `json:"error"`
}
