package schedule

import (
	"seawall/agent/facts/fact"
	"seawall/agent/facts/service"
)

// Facts is what is known of cron, at, and systemd's timers.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Cron is the daemon that reads crontabs: cron, cronie or another.
	Cron Daemon `json:"cron"`
	// At is the daemon of at(1).
	At Daemon `json:"at"`
	// Paths are the files and directories that decide what cron and at run.
	Paths []Path `json:"paths"`
	// Access are cron.allow, cron.deny, at.allow and at.deny, there or not.
	Access []Access `json:"access"`
	// Jobs are the lines of all crontabs and the programs of cron.hourly and its
	// kin. JobsKnown says that all were read, JobsReason why not.
	Jobs       []Job  `json:"jobs"`
	JobsKnown  bool   `json:"jobs_known"`
	JobsReason string `json:"jobs_reason"`
	// Broken are the crontabs with lines that cron refuses.
	Broken []fact.Text `json:"broken"`
	// Ignored are the files of cron.d that cron does not read, each with the reason.
	Ignored []fact.Text `json:"ignored"`
	// Timers are systemd's timers that start at boot.
	Timers []Timer `json:"timers"`
	// TimersKnown says that they were read, TimersReason why not.
	TimersKnown  bool   `json:"timers_known"`
	TimersReason string `json:"timers_reason"`
}

// Daemon is cron's or at's.
type Daemon struct {
	Installed fact.Tri      `json:"installed"`
	Service   service.State `json:"service"`
}

// The kinds of paths.
const (
	PathCrontab = "crontab" // /etc/crontab, a file of cron.d
	PathDir     = "dir"     // cron.d, cron.hourly …
	PathScript  = "script"  // a program in cron.hourly …
	PathSpool   = "spool"   // the directory of users' crontabs
	PathUser    = "user"    // a user's crontab
	PathAccess  = "access"  // cron.allow and its kin
)

// Path is one file or directory of cron or at.
type Path struct {
	Path  string `json:"path"`
	Kind  string `json:"kind"`
	User  string `json:"user,omitempty"` // whose crontab it is
	Mode  int    `json:"mode"`           // permission bits, -1 where not known
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Group string `json:"group"` // "" where no group has the number
	// UserUID is the number of User, -1 where there is none.
	UserUID int    `json:"user_uid"`
	Error   string `json:"error,omitempty"`
}

// Access is a list of users who may, or may not, use crontab(1) or at(1).
type Access struct {
	Path    string   `json:"path"`
	Present bool     `json:"present"`
	Users   []string `json:"users"`
	Error   string   `json:"error,omitempty"`
}

// The states of a job's user.
const (
	StateOK      = "ok"
	StateLocked  = "locked"
	StateExpired = "expired"
	StateAbsent  = "absent"
	StateUnknown = "unknown"
)

// Job is one line of a crontab, or one program of cron.hourly and its kin.
type Job struct {
	File string `json:"file"`
	Line int    `json:"line"` // 0: the file itself is run
	User string `json:"user"` // as whom it runs
	When string `json:"when"`
	Text string `json:"text"` // the command, secrets hidden
	Root bool   `json:"root"` // that is root
	// UserState says whether the account is in use: StateOK and its kin.
	UserState string `json:"user_state"`
	// Programs are what the command line runs, as far as that can be told.
	Programs []Program `json:"programs"`
}

// Program is a program that a job runs.
type Program struct {
	Path string `json:"path"` // as found; as written where it is not there
	// Found says whether it is there.
	Found bool `json:"found"`
	// Weak are the ways in which somebody other than root and the job's user can
	// change it: itself, or a directory on the way to it.
	Weak []string `json:"weak"`
	// Relative says that cron finds it by a directory of PATH that others may write,
	// or one that is no absolute name.
	Relative string `json:"relative"`
}

// Timer is one of systemd's timers.
type Timer struct {
	Unit    string   `json:"unit"`
	Job     string   `json:"job"` // the unit that it starts
	File    string   `json:"file"`
	Starter string   `json:"starter"` // the link that starts it at boot
	When    []string `json:"when"`
	User    string   `json:"user"` // of the service, "" for one made up as it starts
	Root    bool     `json:"root"`
	// Programs are those of the service's ExecStart and its kin.
	Programs []Program `json:"programs"`
}
