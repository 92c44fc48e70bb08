package audit

import (
	"seawall/agent/facts/audit/cover"
	"seawall/agent/facts/fact"
	"seawall/pkg/bootcfg"
)

// Facts is what is known of kernel audit and its daemon on a host.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Kernel is the state of the running kernel's audit system.
	Kernel Kernel `json:"kernel"`
	// Installed says whether auditd's program is there.
	Installed fact.Tri `json:"installed"`
	// Active says whether auditd runs now.
	Active fact.Tri `json:"active"`
	// Enabled says whether auditd starts at boot.
	Enabled fact.Tri `json:"enabled"`
	// Boot holds the kernel command lines.
	Boot bootcfg.Boot `json:"boot"`
	// Conf is auditd.conf.
	Conf Conf `json:"conf"`
	// Rules compares the rules in the kernel with those on disk.
	Rules Rules `json:"rules"`
	// Cover says what the rules record and what they do not.
	Cover cover.Facts `json:"cover"`
	// Files are the log, the configuration and the programs of auditd, with their
	// modes. FilesKnown says that all were looked at, FilesReason why not.
	Files       []File `json:"files"`
	FilesKnown  bool   `json:"files_known"`
	FilesReason string `json:"files_reason"`
}

// The kinds of files of auditd.
const (
	FileLogDir = "log_dir"
	FileLog    = "log"
	FileConfig = "config"
	FileTool   = "tool"
)

// File is a file or directory of auditd.
type File struct {
	Path  string `json:"path"`
	Kind  string `json:"kind"`
	Mode  int    `json:"mode"` // permission bits, -1 where not known
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Group string `json:"group"` // "" where no group has the number
	Error string `json:"error,omitempty"`
}

// Kernel is AUDIT_GET's answer (struct audit_status).
type Kernel struct {
	Known           bool   `json:"known"`
	Reason          string `json:"reason"`  // why not known
	Enabled         int    `json:"enabled"` // 0 off, 1 on, 2 on and locked until reboot
	Failure         int    `json:"failure"` // 0 silent, 1 printk, 2 panic
	PID             int    `json:"pid"`     // the registered audit daemon, 0 when none
	PIDComm         string `json:"pid_comm"`
	RateLimit       int    `json:"rate_limit"`
	BacklogLimit    int    `json:"backlog_limit"`
	Lost            int    `json:"lost"`
	Backlog         int    `json:"backlog"`
	BacklogWaitTime int    `json:"backlog_wait_time"` // jiffies
}

// Conf is /etc/audit/auditd.conf.
type Conf struct {
	Known  bool   `json:"known"`
	Reason string `json:"reason"` // why not known: absent, unreadable, or refused with its line
	Path   string `json:"path"`
	// Settings maps the keywords of auditd.conf, in lower case, to their values:
	// those with a default, and those that are set. Values that auditd compares
	// without case are in lower case.
	Settings map[string]fact.Text `json:"settings"`
	// Numbers holds the settings that are plain numbers.
	Numbers map[string]int `json:"numbers"`
}

// DiskRule is a rule in a rules file.
type DiskRule struct {
	Text string `json:"text"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// Rules compares the rules in the kernel with those on disk. Rules that carry
// Seawall's own key are left out of both.
type Rules struct {
	// Known says that both sides are known and compared.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	// LoadedKnown says that the kernel's rules are known.
	LoadedKnown bool     `json:"loaded_known"`
	Loaded      []string `json:"loaded"` // as auditctl -l would print them
	// DiskKnown says that the rules files are known.
	DiskKnown bool       `json:"disk_known"`
	Disk      []DiskRule `json:"disk"`    // what auditd loads: /etc/audit/audit.rules
	Missing   []DiskRule `json:"missing"` // on disk, not loaded
	Extra     []string   `json:"extra"`   // loaded, not on disk
	Invalid   []DiskRule `json:"invalid"` // on disk, refused by the rule syntax
	// Unchecked are the rules on disk of lists that are not compared.
	Unchecked []DiskRule `json:"unchecked"`
	// Stale says that audit.rules is not what augenrules would make of rules.d.
	Stale       bool   `json:"stale"`
	StaleReason string `json:"stale_reason"`
	// Immutable says that the kernel's rules are locked (enabled 2).
	Immutable bool `json:"immutable"`
	// DiskImmutable says that the last "-e" on disk is 2.
	DiskImmutable bool `json:"disk_immutable"`
	// DiskBacklog and DiskFailure are the last "-b" and "-f" on disk, not set
	// when there is none.
	DiskBacklog fact.Text `json:"disk_backlog"`
	DiskFailure fact.Text `json:"disk_failure"`
}
