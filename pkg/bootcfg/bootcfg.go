package bootcfg

// Line is one kernel command line and what it says of kernel audit.
type Line struct {
	Title string `json:"title"` // of the boot entry; empty for /proc/cmdline
	File  string `json:"file"`
	Line  int    `json:"line"` // 0 where the file has one line only
	Text  string `json:"text"` // the command line as the kernel gets it, variables replaced
	Raw   string `json:"raw"`  // as it is written
	// Audit is the last audit= value as written, empty when there is none.
	Audit    string `json:"audit"`
	AuditSet bool   `json:"audit_set"` // an audit= is there
	// AuditOn says that the kernel takes it as on; false without one.
	AuditOn bool `json:"audit_on"`
	// Recovery says that the entry is one for repairs, which GRUB makes without
	// GRUB_CMDLINE_LINUX_DEFAULT.
	Recovery bool `json:"recovery"`
	// BacklogLimit is the last audit_backlog_limit= value, 0 when not set or
	// not a number.
	BacklogLimit int `json:"backlog_limit"`
}

// Boot is how the host was booted and how it will boot next.
type Boot struct {
	// Running is /proc/cmdline; it has no File where it could not be read (an
	// image).
	Running      Line   `json:"running"`
	RunningKnown bool   `json:"running_known"`
	Next         []Line `json:"next"` // every entry that can be booted
	NextKnown    bool   `json:"next_known"`
	Reason       string `json:"reason"` // why Next is not known, or not complete
	// Defaults is what /etc/default/grub asks for: where it differs from Next,
	// the configuration was edited and not yet made.
	Defaults      Line     `json:"defaults"`
	DefaultsKnown bool     `json:"defaults_known"`
	Depends       []string `json:"-"` // files and directories (ending in "/") that were looked at
}
