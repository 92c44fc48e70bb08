package audit

import (
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
	Cover Cover `json:"cover"`
	// Files are the log, the configuration and the programs of auditd, with their
	// modes. FilesKnown says that all were looked at, FilesReason why not.
	Files       []File `json:"files"`
	FilesKnown  bool   `json:"files_known"`
	FilesReason string `json:"files_reason"`
}

// Cover says of the rules in the kernel and of those on disk what they record,
// judged as the kernel matches them and not by their text.
type Cover struct {
	// Themes maps the names of themes ("identity", "time-change") to what is known.
	Themes map[string]Theme `json:"themes"`
	// Exec says which programs' starts by people who logged in are recorded.
	Exec Exec `json:"exec"`
	// Off are the rules that switch whole kinds of records off for everybody.
	Off []DiskRule `json:"off"`
}

// Theme is a kind of event that rules are wanted for.
type Theme struct {
	// Applies says that the host has what the theme is about; Absent says what is not
	// there.
	Applies bool   `json:"applies"`
	Absent  string `json:"absent"`
	// DiskGaps and LoadedGaps are the events that the rules do not record, in words.
	// They say something only where audit.rules.disk_known and loaded_known hold.
	DiskGaps   []string `json:"disk_gaps"`
	LoadedGaps []string `json:"loaded_gaps"`
	// Rules are those on disk that record some of the theme.
	Rules []DiskRule `json:"rules"`
	// Missing are lines for rules.d that would close the gaps.
	Missing []string `json:"missing"`
}

// Exec says which programs' starts are recorded, on disk and loaded.
type Exec struct {
	// All says that every start is.
	All bool `json:"all"`
	// Paths are the programs, and Dirs the directories (they end in "/"), that are
	// recorded one by one.
	Paths []string `json:"paths"`
	Dirs  []string `json:"dirs"`
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
