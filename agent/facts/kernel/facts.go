package kernel

import "seawall/agent/facts/fact"

// Facts is how the kernel is set and what it is.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Sysctl has an entry of each of [Keys]. One that names a setting of every
	// network interface ("all", "default") is that of these two alone.
	Sysctl map[string]Sysctl `json:"sysctl"`
	// Modules has an entry of each module that any check asks about, by the name
	// that modprobe uses with "_" for "-" ("usb_storage").
	Modules map[string]Module `json:"modules"`
}

// Sysctl is one setting of /proc/sys: as it is now, and as it will be after the
// next boot. Whole numbers are written in decimal, as the kernel prints them.
type Sysctl struct {
	Present      bool   `json:"present"` // it is there in /proc/sys; false where RunningKnown is
	Running      string `json:"running"`
	RunningKnown bool   `json:"running_known"`
	Reason       string `json:"reason,omitempty"` // why Running is not known
	// Next is what the configuration sets: the last line of the last file that
	// does, globs and "-" prefixes included. Where nothing sets it Set is false.
	Next string `json:"next"`
	Set  bool   `json:"set"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Raw  string `json:"raw,omitempty"`
	// After is the value after the next boot: Next, or, where nothing sets it,
	// what the kernel starts with, if that is known.
	After      string `json:"after"`
	AfterKnown bool   `json:"after_known"`
	AfterFrom  string `json:"after_from"` // for people: the file and line, "the kernel's default", …
}

// Module is one module of the kernel and what modprobe's configuration does to it.
type Module struct {
	Name        string `json:"name"` // as people write it
	Loaded      bool   `json:"loaded"`
	LoadedKnown bool   `json:"loaded_known"`
	Builtin     bool   `json:"builtin"`   // it is in the kernel's image and cannot be kept out
	Available   bool   `json:"available"` // there is a file of it for the kernel that runs, or for any (an image)
	FilesKnown  bool   `json:"files_known"`
	Blacklisted bool   `json:"blacklisted"`    // not loaded for a device or file system by its alias
	InstallNone bool   `json:"install_none"`   // "install NAME /bin/false" (or true): not loaded by its name either
	File        string `json:"file,omitempty"` // of the line that decides: install, else blacklist
	Line        int    `json:"line,omitempty"`
	Raw         string `json:"raw,omitempty"`
}
