package kernel

import (
	"seawall/agent/facts/fact"
	"seawall/agent/facts/mac"
)

// Facts is how the kernel is set and what it is.
type Facts struct {
	Meta      fact.Meta `json:"meta"`
	Container bool      `json:"container"` // the kernel is not the host's own
	// Virtual says whether the machine is a virtual one; what its CPU does is then
	// the provider's business in part.
	Virtual fact.Tri `json:"virtual"`
	Release string   `json:"release"` // uname -r; "" in an image

	// Sysctl has an entry of each of [Keys].
	Sysctl map[string]Sysctl `json:"sysctl"`
	Config SysctlConfig      `json:"sysctl_config"`
	// Modules has an entry of each module that any check asks about, by the name
	// that modprobe uses with "_" for "-" ("usb_storage").
	Modules map[string]Module `json:"modules"`
	Taint   Taint             `json:"taint"`
	CPU     CPU               `json:"cpu"`
	Core    Core              `json:"core"`
	MAC     mac.Facts         `json:"mac"`
	Apport  fact.Text         `json:"apport"`  // "1" where Ubuntu's crash reports are on, "" where apport is not installed
	Prelink fact.Tri          `json:"prelink"` // it is installed
}

// Sysctl is one setting of /proc/sys: as it is now, and as it will be after the
// next boot. Whole numbers are written in decimal, as the kernel prints them.
type Sysctl struct {
	Name         string `json:"name"`
	Present      bool   `json:"present"` // the kernel has it, or may have (an image)
	Running      string `json:"running"`
	RunningKnown bool   `json:"running_known"`
	Reason       string `json:"reason,omitempty"` // why Running is not known
	// Next is what the configuration sets: the line that counts, patterns included.
	// Where nothing sets it Set is false.
	Next string `json:"next"`
	Set  bool   `json:"set"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Raw  string `json:"raw,omitempty"`
	// After is the value after the next boot: Next, or, where nothing sets it,
	// what the kernel starts with, if that is known.
	After      string `json:"after"`
	AfterKnown bool   `json:"after_known"`
	// Values holds those of Running and After that are known, Unknown why they are
	// not two, "" if they are.
	Values  []string `json:"values"`
	Unknown string   `json:"unknown"`
	Text    string   `json:"text"` // both, for people
}

// SysctlConfig is what is wrong with the configuration of sysctl as a whole.
type SysctlConfig struct {
	Known    bool     `json:"known"`    // all of it was read
	Problems []string `json:"problems"` // files and directories that could not be read
	// Unread holds the lines of /etc/sysctl.conf where nothing reads that file at
	// boot, but those that another file says too.
	Unread []Assignment `json:"unread"`
	// Drift holds the settings whose running value is not the configured one. Those
	// that cannot be read are not in it.
	Drift      []Assignment `json:"drift"`
	DriftKnown bool         `json:"drift_known"`
	Compared   int          `json:"compared"` // how many were
}

// Assignment is a line of the configuration of sysctl.
type Assignment struct {
	Key     string `json:"key"` // as sysctl(8) writes it
	Value   string `json:"value"`
	Running string `json:"running"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Raw     string `json:"raw"`
}

// Module is one module of the kernel and what modprobe's configuration does to it.
type Module struct {
	Name        string `json:"name"` // as people write it
	Loaded      bool   `json:"loaded"`
	LoadedKnown bool   `json:"loaded_known"`
	Builtin     bool   `json:"builtin"`   // it is in the image of every kernel and cannot be kept out
	Available   bool   `json:"available"` // an installed kernel has a file of it
	FilesKnown  bool   `json:"files_known"`
	Blacklisted bool   `json:"blacklisted"`    // not loaded for a device or file system by its alias
	InstallNone bool   `json:"install_none"`   // "install NAME /bin/false" (or true): not loaded by its name either
	File        string `json:"file,omitempty"` // of the line that decides: install, else blacklist
	Line        int    `json:"line,omitempty"`
	Raw         string `json:"raw,omitempty"`
}

// Taint is what the kernel remembers of itself since boot.
type Taint struct {
	Known  bool     `json:"known"`
	Reason string   `json:"reason,omitempty"`
	Value  int      `json:"value"`  // /proc/sys/kernel/tainted
	Faults []string `json:"faults"` // it has oopsed, seen a bad page, …; in words
	// Foreign holds the loaded modules that are not part of the kernel's own build,
	// not signed, or were forced.
	Foreign []Foreign `json:"foreign"`
}

// Foreign is a loaded module with flags of taint.
type Foreign struct {
	Name  string `json:"name"`
	Flags string `json:"flags"` // as /proc/modules has them: "OE"
	Why   string `json:"why"`   // in words
}

// CPU is what the kernel says of the CPU's vulnerabilities.
type CPU struct {
	Known           bool            `json:"known"`
	Reason          string          `json:"reason,omitempty"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
}

// Vulnerability is one of them.
type Vulnerability struct {
	Name       string `json:"name"`  // the file's: "spectre_v2"
	State      string `json:"state"` // as the kernel says it
	File       string `json:"file"`
	Vulnerable bool   `json:"vulnerable"`
	// Elsewhere says why nothing on this host decides it: the microcode of a
	// virtual machine is the provider's, a hypervisor hides what it does.
	Elsewhere string `json:"elsewhere,omitempty"`
}

// Core is what becomes of the memory of a process that crashed.
type Core struct {
	Limit     fact.Text `json:"limit"`      // the line of limits.conf that counts for everybody: "* hard core 0"
	LimitZero bool      `json:"limit_zero"` // it is 0
	Installed bool      `json:"installed"`  // systemd-coredump is
	// Storage and ProcessSizeMax are systemd-coredump's.
	Storage        fact.Text `json:"storage"`
	ProcessSizeMax fact.Text `json:"process_size_max"`
	// Handler is the program that the kernel runs as root with each dump, "" where
	// it runs none.
	Handler     string   `json:"handler"`
	HandlerSafe fact.Tri `json:"handler_safe"` // nobody but root can replace it
	Absolute    bool     `json:"absolute"`     // dumps go to a program or to an absolute path
	Problems    []string `json:"problems"`     // files that could not be read
}
