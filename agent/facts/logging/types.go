package logging

import (
	"seawall/agent/facts/fact"
	"seawall/agent/facts/service"
)

// Facts is what is known of what keeps the logs.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Journald is systemd's journal.
	Journald Journald `json:"journald"`
	// Rsyslog is rsyslogd, the usual reader of the journal and of /dev/log.
	Rsyslog Rsyslog `json:"rsyslog"`
	// SyslogNG says whether syslog-ng is there instead; its configuration is not read.
	SyslogNG service.State `json:"syslog_ng"`
	// Logrotate is what keeps log files from filling the disk.
	Logrotate Logrotate `json:"logrotate"`
	// Files are the files and directories below /var/log, and itself, whose mode or
	// owner is wider than that of a log should be; MoreFiles counts those that are not
	// listed. FilesKnown says that all were looked at, FilesReason why not, and Seen
	// how many there are.
	Files       []File `json:"files"`
	MoreFiles   int    `json:"more_files"`
	FilesKnown  bool   `json:"files_known"`
	FilesReason string `json:"files_reason"`
	Seen        int    `json:"seen"`
}

// Journald is the journal and its configuration.
type Journald struct {
	Installed fact.Tri      `json:"installed"`
	Service   service.State `json:"service"`
	// Known says that the configuration was read, Reason why not.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	// Settings holds the keys of [Journal] by their names in lower case, with their
	// defaults where they are not set and the manual names one.
	Settings map[string]fact.Text `json:"settings"`
	// Persistent says whether the journal outlives a reboot: Storage=persistent, or
	// auto with a directory /var/log/journal.
	Persistent fact.Tri `json:"persistent"`
	// Upload is systemd-journal-upload, which sends the journal to another host, and
	// Remote the socket on which systemd-journal-remote takes others' in.
	Upload service.State `json:"upload"`
	Remote service.State `json:"remote"`
	// UploadURL is where the journal is sent.
	UploadURL fact.Text `json:"upload_url"`
}

// Rsyslog is rsyslogd's configuration, includes followed.
type Rsyslog struct {
	Installed fact.Tri      `json:"installed"`
	Service   service.State `json:"service"`
	// Known says that the configuration was read whole, Reason why not.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	// FileMode is the mode of log files that it makes (FileCreateMode), in octal: the
	// widest of those in force anywhere. FileModeBits is its number.
	FileMode     fact.Text `json:"file_mode"`
	FileModeBits int       `json:"file_mode_bits"`
	// Inputs take messages from the network.
	Inputs []Input `json:"inputs"`
	// Forwards send messages to other hosts.
	Forwards []Forward `json:"forwards"`
	// Outputs write messages to files.
	Outputs []Output `json:"outputs"`
	// Journal says that it reads the journal itself (imjournal) and needs no forwarding.
	Journal bool `json:"journal"`
}

// Input is a source of messages on the network.
type Input struct {
	Module  string `json:"module"` // imtcp, imudp, imrelp, imptcp, imgssapi, imdtls, imbeats
	Port    string `json:"port"`
	Address string `json:"address"` // where it listens; "" is everywhere
	Local   bool   `json:"local"`   // it listens on the loopback alone
	TLS     bool   `json:"tls"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Raw     string `json:"raw"`
}

// Forward is a destination of messages on another host.
type Forward struct {
	Target string `json:"target"`
	Port   string `json:"port"`
	Kind   string `json:"kind"` // udp, tcp, relp, or the output module
	TLS    bool   `json:"tls"`
	Local  bool   `json:"local"` // the target is this host
	Queue  bool   `json:"queue"` // it has a queue on disk
	File   string `json:"file"`
	Line   int    `json:"line"`
	Raw    string `json:"raw"`
}

// Output is a log file and what goes into it.
type Output struct {
	Selector string `json:"selector"` // "auth,authpriv.*", "" behind an expression
	Path     string `json:"path"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Raw      string `json:"raw"`
}

// Logrotate is what rotates log files, and when it last did.
type Logrotate struct {
	Installed fact.Tri `json:"installed"`
	// Scheduled says what runs it: its timer, or a file of cron.daily.
	Scheduled fact.Tri `json:"scheduled"`
	// Known says that its configuration was read whole, Reason why not.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	// Rules are its stanzas.
	Rules []Rotation `json:"rules"`
	// LastRun is when it last ended well, from its state file; RunAgeDays how long
	// ago, -1 where that is not known.
	LastRun    string `json:"last_run"`
	RunAgeDays int    `json:"run_age_days"`
	RunReason  string `json:"run_reason"`
	StateFile  string `json:"state_file"`
	// Uncovered are the log files that programs write in plain text and no stanza
	// names, of a size that matters.
	Uncovered []File `json:"uncovered"`
}

// Rotation is one stanza of logrotate's configuration.
type Rotation struct {
	Patterns []string `json:"patterns"`
	Period   string   `json:"period"` // hourly, daily, weekly, monthly, yearly, size, ""
	Keep     int      `json:"keep"`   // rotate
	Create   string   `json:"create"` // mode, owner and group of the new file, as written
	// CreateBits is the mode in it, -1 where none is given.
	CreateBits int    `json:"create_bits"`
	File       string `json:"file"`
	Line       int    `json:"line"`
}

// The kinds of files below /var/log.
const (
	KindAuth      = "auth" // who logged in and what the system did: not for everybody
	KindLogin     = "login"
	KindJournal   = "journal"
	KindDirectory = "directory"
	KindOther     = "other"
)

// File is a file or directory below /var/log.
type File struct {
	Path        string `json:"path"`
	Kind        string `json:"kind"`
	Dir         bool   `json:"dir"`
	Mode        int    `json:"mode"` // permission bits with sticky, setuid and setgid
	UID         int    `json:"uid"`
	GID         int    `json:"gid"`
	Owner       string `json:"owner"` // "" where no user has the number
	Group       string `json:"group"`
	Size        int64  `json:"size"`
	Widest      int    `json:"widest"`       // the mode that CIS allows it
	OtherWrites bool   `json:"other_writes"` // everybody may write it, or put files into it
	Foreign     bool   `json:"foreign"`      // its owner is none of the system's accounts
}
