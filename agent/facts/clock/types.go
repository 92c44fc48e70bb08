package clock

import (
	"seawall/agent/facts/fact"
	"seawall/agent/facts/service"
)

// Facts is what is known of the clock and of what keeps it.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Container says that the host is a container, whose clock is its host's.
	Container bool `json:"container"`
	// Kernel is the kernel's own word.
	Kernel Kernel `json:"kernel"`
	// Files are the configuration of the daemons that start at boot, with their keys.
	Files []File `json:"files"`
	// Daemons are the installed programs that keep the time, in the order chrony,
	// systemd-timesyncd, ntpd, openntpd.
	Daemons []Daemon `json:"daemons"`
	// Wanted are the kinds of those that start at boot.
	Wanted []string `json:"wanted"`
	// WantedKnown says that this is known of each, WantedReason why not.
	WantedKnown  bool   `json:"wanted_known"`
	WantedReason string `json:"wanted_reason"`
}

// Kernel is the answer of adjtimex(2).
type Kernel struct {
	Known        bool   `json:"known"`
	Reason       string `json:"reason"`
	Synchronised bool   `json:"synchronised"` // STA_UNSYNC is clear
	// MaxErrorMillis is the largest error that the clock can have, as the daemon
	// last told the kernel; it grows by half a millisecond a second.
	MaxErrorMillis int64 `json:"max_error_millis"`
}

// The kinds of daemons.
const (
	KindChrony    = "chrony"
	KindTimesyncd = "systemd-timesyncd"
	KindNTP       = "ntpd" // of NTPsec or of ntp.org
	KindOpenNTPD  = "openntpd"
)

// Daemon is one program that keeps the time.
type Daemon struct {
	Kind    string        `json:"kind"`
	Service service.State `json:"service"`
	// Known says that its configuration was read, Reason why not.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	Conf   string `json:"conf"` // the configuration file
	// Sources are the servers, pools, peers and reference clocks that it asks.
	Sources []Source `json:"sources"`
	// User is whom it runs as once it is started; not known for a daemon whose
	// configuration and unit leave it to how it was built.
	User fact.Text `json:"user"`
	Root fact.Tri  `json:"root"` // it keeps root's rights
	// Serves says that it answers the network, and Open that it answers anybody.
	Serves fact.Tri `json:"serves"`
	Open   fact.Tri `json:"open"`
	// Evidence of Serves and Open, where a line says so.
	ServesAt fact.Text `json:"serves_at"`
	// Authenticated counts the sources that prove who they are (NTS or a key).
	Authenticated int `json:"authenticated"`
	// TellsKernel says that it tells the kernel that the clock is right.
	TellsKernel bool `json:"tells_kernel"`
	// Step says that a clock that is far off is set at start (makestep, -g).
	Step fact.Tri `json:"step"`
}

// Source is one source of time.
type Source struct {
	Kind string `json:"kind"` // server, pool, peer, refclock, fallback
	Name string `json:"name"`
	// Authenticated says that its answers are proven, by NTS or a key.
	Authenticated bool   `json:"authenticated"`
	File          string `json:"file"`
	Line          int    `json:"line"`
	Raw           string `json:"raw"`
}

// File is a file that a daemon is configured by.
type File struct {
	Path  string `json:"path"`
	Keys  bool   `json:"keys"` // it holds keys
	Mode  int    `json:"mode"` // permission bits, -1 where not known
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Owner string `json:"owner"`
	Group string `json:"group"`
	Error string `json:"error,omitempty"`
}
