package boot

import (
	"seawall/agent/facts/fact"
)

// Facts is how the host boots.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Entries holds the command line of this boot, if it is known, then those of all
	// boot entries.
	Entries      []Entry `json:"entries"`
	RunningKnown bool    `json:"running_known"`
	NextKnown    bool    `json:"next_known"`
	Reason       string  `json:"reason,omitempty"` // why Next is not known, or not complete
	// Defaults is what /etc/default/grub asks for, "" where it is not there.
	Defaults fact.Text `json:"defaults"`

	Grub       Grub   `json:"grub"`
	Files      []File `json:"files"`
	FilesKnown bool   `json:"files_known"`

	// DebugShell says whether systemd's shell without a password is started.
	DebugShell fact.Tri `json:"debug_shell"`
	// CtrlAltDel says whether three keys at the console reboot the host.
	CtrlAltDel fact.Tri `json:"ctrl_alt_del"`
	Rescue     []Rescue `json:"rescue"`
	// SecureBoot says whether the firmware starts signed programs alone. EFI is
	// whether it could.
	EFI        fact.Tri `json:"efi"`
	SecureBoot fact.Tri `json:"secure_boot"`
}

// Entry is one command line of the kernel, and what is wrong with it.
type Entry struct {
	Title    string `json:"title"`   // "this boot" of the running one
	Running  bool   `json:"running"` // it is this boot's
	Recovery bool   `json:"recovery"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Raw      string `json:"raw"`
	// Words that switch something off.
	Mitigations []string `json:"mitigations"` // of the CPU's vulnerabilities
	Protections []string `json:"protections"` // of the kernel's memory
	MAC         []string `json:"mac"`         // AppArmor or SELinux
	Shell       []string `json:"shell"`       // that give a shell without a password
	// Missing holds the words of Defaults that the entry has not; of a recovery entry
	// none is expected.
	Missing []string `json:"missing"`
}

// Grub is who may change what GRUB boots.
type Grub struct {
	Installed  bool     `json:"installed"`
	Known      bool     `json:"known"`
	Reason     string   `json:"reason,omitempty"`
	Superusers []string `json:"superusers"`
	Password   bool     `json:"password"` // every superuser has one
	// Locked counts the entries that ask for it before they boot.
	Locked  int    `json:"locked"`
	Entries int    `json:"entries"`
	File    string `json:"file,omitempty"` // of the line that names the superusers
	Line    int    `json:"line,omitempty"`
	Raw     string `json:"raw,omitempty"`
}

// File is a file that the boot depends on.
type File struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"` // "config", "kernel", "initrd", "symbols", "directory"
	Mode   int    `json:"mode"` // permission bits; -1 where they could not be read
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Secret bool   `json:"secret"` // it holds a password or its hash
	Error  string `json:"error,omitempty"`
}

// Rescue is a unit that gives root a shell when the boot goes wrong.
type Rescue struct {
	Unit string `json:"unit"`
	// Asks says that it asks for root's password.
	Asks fact.Tri `json:"asks"`
	File string   `json:"file"`
	Line int      `json:"line"`
	Raw  string   `json:"raw"`
}
