package finding

import (
	"fmt"
	"strings"
	"time"
)

// Status is the verdict of one check on one resource.
type Status uint8

// The verdicts. Their numbers are the wire's and the store's: never renumber.
const (
	StatusUnspecified Status = iota
	StatusPass
	StatusFail
	StatusNotApplicable
	StatusUnknown // the facts could not be had; Actual says why
	StatusError   // evaluation itself failed; Actual says how
	StatusWaived  // failed, and a waiver covers it
)

var statusNames = [...]string{"unspecified", "pass", "fail", "not_applicable", "unknown", "error", "waived"}

// String returns the name used in JSON, in the store and on the command line.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// MarshalText writes the name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Status) UnmarshalText(b []byte) error {
	i, err := index(statusNames[:], string(b))
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	*s = Status(i)
	return nil
}

// Bad reports whether a person should look: the check failed or could not be
// evaluated.
func (s Status) Bad() bool {
	return s == StatusFail || s == StatusUnknown || s == StatusError
}

// Severity is OCSF's severity_id, 0 to 5.
type Severity uint8

// The severities of OCSF that a check may have.
const (
	SeverityUnknown Severity = iota
	SeverityInformational
	SeverityLow
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityNames = [...]string{"unknown", "informational", "low", "medium", "high", "critical"}

// String returns OCSF's caption in lower case.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// MarshalText writes the caption.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the caption.
func (s *Severity) UnmarshalText(b []byte) error {
	i, err := index(severityNames[:], string(b))
	if err != nil {
		return fmt.Errorf("severity: %w", err)
	}
	*s = Severity(i)
	return nil
}

func index(names []string, name string) (int, error) {
	for i, n := range names {
		if n == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", name, strings.Join(names[1:], ", "))
}

// Evidence is one place that led to a verdict. File is a path on the host, or
// empty where the text came from a command or the kernel; Line counts from 1, or
// is 0 where there is none.
type Evidence struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Unset is the kernel's value for an audit user or session that was never set
// (linux/audit.h: AUDIT_UID_UNSET, AUDIT_SID_UNSET).
const Unset = ^uint32(0)

// Cause says who made the change behind a result, as the kernel's audit record
// has it. Names are resolved on the host when the event was read.
type Cause struct {
	Serial    uint64    `json:"serial"` // audit serial
	Time      time.Time `json:"time"`   // of the event, by the kernel
	AUID      uint32    `json:"auid"`   // login user, Unset when none
	LoginUser string    `json:"login_user,omitempty"`
	UID       uint32    `json:"uid"`
	User      string    `json:"user,omitempty"`
	EUID      uint32    `json:"euid"`
	Session   uint32    `json:"session"` // Unset when none
	PID       uint32    `json:"pid"`
	TTY       string    `json:"tty,omitempty"`
	Exe       string    `json:"exe"`
	Command   string    `json:"command"`   // command line, secrets redacted
	Path      string    `json:"path"`      // the file that changed
	Operation string    `json:"operation"` // write, rename, delete, attributes, …
}

// Result is the outcome of one check on one resource.
type Result struct {
	Check    string `json:"check"`
	Resource string `json:"resource"`
	// Group is what belongs together for people (the source package of several
	// packages), at most MaxGroup bytes. Empty where a result stands alone.
	Group    string     `json:"group,omitempty"`
	Status   Status     `json:"status"`
	Severity Severity   `json:"severity"`
	Actual   string     `json:"actual"`
	Expected string     `json:"expected"`
	Evidence []Evidence `json:"evidence"`
	// Cause is nil when no audit event explains the result.
	Cause *Cause `json:"cause"`
	// Since is since when it is so, by the host (a package is pending), zero where
	// that is not said.
	Since time.Time `json:"since,omitzero"`
	// Time is when the facts behind the result were read.
	Time time.Time `json:"time"`
}

// MaxGroup bounds Result.Group, in bytes.
const MaxGroup = 256

// Key identifies a result on its host.
type Key struct{ Check, Resource string }

// Key returns the result's identity on its host.
func (r *Result) Key() Key { return Key{r.Check, r.Resource} }

// Record is one record of a spool: a time and exactly one body.
type Record struct {
	Time      time.Time // when the host made the record
	Change    *Change
	State     *StatePart
	Heartbeat *Heartbeat
	Pack      *Pack
	Detection *Detection
}

// Change is a result that differs from the one before.
type Change struct {
	Result   Result `json:"result"`
	Previous Status `json:"previous"` // StatusUnspecified where there was none
	// Removed says that the resource is gone (a package no longer pending): the
	// result leaves the host's state. Result then has the last values and
	// StatusPass.
	Removed bool `json:"removed"`
}

// StatePart is one part of a host's whole state. A state counts only when all
// its parts arrived; it then replaces what was known of the host.
type StatePart struct {
	ID      uint64 // the same for all parts of one state
	Part    uint32 // from 0
	Parts   uint32 // at least 1
	Total   uint32 // results in all parts together
	Digest  [32]byte
	Results []Result
}

// Pack is the static text of the checks that a host evaluates.
type Pack struct {
	Digest [32]byte
	Checks []CheckInfo
}

// CheckInfo is what is the same for every result of a check.
type CheckInfo struct {
	ID          string   `json:"id"`
	Family      string   `json:"family"`
	Title       string   `json:"title"`
	Severity    Severity `json:"severity"`
	Rationale   string   `json:"rationale"`
	Remediation string   `json:"remediation"` // for this host's distribution
	References  []string `json:"references"`
}

// Heartbeat is a host's word that its agent lives, with facts and counters.
type Heartbeat struct {
	Host    Host
	Counter Counters
}

// Host is what a host says of itself. Every field is a label, never identity.
type Host struct {
	Name          string    `json:"name"`
	MachineID     string    `json:"machine_id"` // hashed, never the raw /etc/machine-id
	OS            string    `json:"os"`         // os-release PRETTY_NAME
	OSID          string    `json:"os_id"`
	OSVersion     string    `json:"os_version"`
	Kernel        string    `json:"kernel"`
	Arch          string    `json:"arch"`
	BootTime      time.Time `json:"boot_time"`
	UptimeSeconds uint64    `json:"uptime_seconds"`
	Load1         float64   `json:"load1"`
	Load5         float64   `json:"load5"`
	Load15        float64   `json:"load15"`
	MemoryTotal   uint64    `json:"memory_total"` // bytes
	MemoryFree    uint64    `json:"memory_free"`  // bytes available
	CPUs          uint32    `json:"cpus"`
	DropletID     string    `json:"droplet_id"` // empty elsewhere
	Region        string    `json:"region"`
	Tags          []string  `json:"tags"`
	AgentVersion  string    `json:"agent_version"`
}

// Counters are the agent's own. All but the gauges count from the sensor's start.
type Counters struct {
	AuditMode     string `json:"audit_mode"` // unicast, multicast, off
	AuditReason   string `json:"audit_reason"`
	Records       uint64 `json:"records"` // audit records read
	Events        uint64 `json:"events"`  // audit events assembled
	EventsMatched uint64 `json:"events_matched"`
	KernelLost    uint64 `json:"kernel_lost"` // AUDIT_GET status.lost
	Overruns      uint64 `json:"overruns"`    // ENOBUFS seen on the audit socket
	SerialGaps    uint64 `json:"serial_gaps"` // audit serials never seen
	Evaluations   uint64 `json:"evaluations"` // check evaluations
	Changes       uint64 `json:"changes"`     // changes emitted
	SpoolEpoch    uint64 `json:"spool_epoch"`
	SpoolSeq      uint64 `json:"spool_seq"`     // gauge: last appended
	SpoolBytes    uint64 `json:"spool_bytes"`   // gauge: on disk
	SpoolEvicted  uint64 `json:"spool_evicted"` // records evicted unsent or not
	SpoolRefused  uint64 `json:"spool_refused"` // appends refused by a full or broken disk
	SpoolDamaged  uint64 `json:"spool_damaged"` // records found missing when it was opened
	// Matches of detections: found, left out by allowances, never told for want of room.
	Detections           uint64 `json:"detections"`
	DetectionsSuppressed uint64 `json:"detections_suppressed"`
	DetectionsLost       uint64 `json:"detections_lost"`
	DetectionRules       uint64 `json:"detection_rules"`  // gauge: at work
	DetectionFaults      uint64 `json:"detection_faults"` // gauge: left out for a fault
	// Kernel audit: what became of missing serials, and how it is read.
	AuditFilled       uint64  `json:"audit_filled"`        // missing events read from the audit daemon's log
	AuditPartial      uint64  `json:"audit_partial"`       // events of which some records are missing
	AuditBacklogHigh  uint64  `json:"audit_backlog_high"`  // gauge: most records seen in the kernel's queue
	AuditBuffer       uint64  `json:"audit_buffer"`        // gauge: bytes of the socket's receive buffer
	AuditRules        uint64  `json:"audit_rules"`         // gauge: of ours in the kernel
	AuditRulesRefused uint64  `json:"audit_rules_refused"` // gauge
	AuditGaps         uint64  `json:"audit_gaps"`          // ranges of serials that were found missing
	AuditRateLimit    uint64  `json:"audit_rate_limit"`    // gauge: the kernel's, records a second, 0 for none
	CPUSeconds        float64 `json:"cpu_seconds"`
	RSSBytes          uint64  `json:"rss_bytes"` // gauge
	UptimeSeconds     uint64  `json:"uptime_seconds"`
}
