package finding

import "time"

// Detection is what a rule saw in the host's audit events: an event, never a state.
// A storm of the same is one detection that is reported again while it grows. A
// report has all that is known of it then, so the newest stands for those before.
type Detection struct {
	// ID is the same in every report of one storm: 1 to 32 lower-case hexadecimal
	// digits, of no other detection of this host.
	ID       string   `json:"id"`
	Rule     string   `json:"rule"` // id, UUID or name of the rule, 1 to 64 bytes
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	// Techniques are those of ATT&CK, such as T1059.004.
	Techniques     []string `json:"techniques"`
	Description    string   `json:"description"`
	FalsePositives []string `json:"false_positives"` // what else it may be
	// Count is how many events, First and Last when; since the storm began.
	Count uint64    `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Group has the values by which a correlation groups its events.
	Group []string `json:"group"`
	Ended bool     `json:"ended"` // no more will be reported of it
	// Samples are the first of its events, and others.
	Samples []Sample `json:"samples"`
}

// Sample is one event of a detection.
type Sample struct {
	Time    time.Time `json:"time"`
	Serial  uint64    `json:"serial"` // audit serial
	Actor   Actor     `json:"actor"`
	Command string    `json:"command"` // command line, secrets redacted
	Target  string    `json:"target"`  // file, address, or empty
	Syscall string    `json:"syscall"`
	// Claimed says that a program says so (a USER_* record), not the kernel.
	Claimed bool `json:"claimed"`
	// Ancestry is the process that acted, then the one that began it, and so on.
	Ancestry []Process `json:"ancestry"`
	Records  []string  `json:"records"` // audit records as text
}

// Actor is who acted in an event of a detection.
type Actor struct {
	AUID    uint32 `json:"auid"`    // audit user: who logged in; Unset when nobody did
	Login   string `json:"login"`   // name of AUID
	UID     uint32 `json:"uid"`     // as whom
	User    string `json:"user"`    // name of UID
	Session uint32 `json:"session"` // Unset when none
	From    string `json:"from"`    // remote address or terminal
	Via     string `json:"via"`     // sudo, cron, a unit, a container
	Program string `json:"program"`
	Text    string `json:"text"` // all that as one sentence
}

// Process is one of the processes that led to an event.
type Process struct {
	PID     uint32 `json:"pid"`
	Exe     string `json:"exe"`
	Command string `json:"command"` // secrets redacted
}
