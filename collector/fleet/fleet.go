// Package fleet holds the collector's vocabulary: hosts, the state of checks on
// them, what changed, and what a page or a subscriber wants to know. The store
// fills these types, ingest and web use them; none of the three knows another.
package fleet

import (
	"encoding/hex"
	"fmt"
	"time"

	"seawall/pkg/finding"
)

// HostID names a host for ever: 32 lower-case hexadecimal digits. It comes from
// the key that the host's uplink proved to hold, never from a message.
type HostID string

// Valid reports whether the id has the right form.
func (id HostID) Valid() bool {
	if len(id) != 32 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Bytes returns the id's 16 bytes, or an error for one of a wrong form.
func (id HostID) Bytes() ([]byte, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("%q is not a host id", string(id))
	}
	return hex.DecodeString(string(id))
}

// Key names one record of one host's spool for ever.
type Key struct {
	Host     HostID
	Lane     string
	Epoch    uint64
	Sequence uint64
}

// Position is the newest record of a lane that is committed.
type Position struct {
	Lane     string
	Epoch    uint64
	Sequence uint64
	// Digest is the first 8 bytes, big-endian, of the SHA-256 of the record's
	// payload; 0 where it is not known.
	Digest uint64
}

// Presence says whether a host speaks.
type Presence string

// The presences. A host is silent when it missed three heartbeats, offline when
// it said nothing for a day. An archived host was put away, by a person or after long
// silence: it is kept, counts in no sum over the fleet, and comes back by itself when
// it speaks.
const (
	Online   Presence = "online"
	Silent   Presence = "silent"
	Offline  Presence = "offline"
	Archived Presence = "archived"
)

// Counts counts results, or hosts, by status.
type Counts struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	NotApplicable int `json:"not_applicable"`
	Unknown       int `json:"unknown"`
	Error         int `json:"error"`
	Waived        int `json:"waived"`
}

// Of returns how many results have the status.
func (c Counts) Of(s finding.Status) int {
	switch s {
	case finding.StatusPass:
		return c.Pass
	case finding.StatusFail:
		return c.Fail
	case finding.StatusNotApplicable:
		return c.NotApplicable
	case finding.StatusUnknown:
		return c.Unknown
	case finding.StatusError:
		return c.Error
	case finding.StatusWaived:
		return c.Waived
	}
	return 0
}

// Add counts n more of status s.
func (c *Counts) Add(s finding.Status, n int) {
	switch s {
	case finding.StatusPass:
		c.Pass += n
	case finding.StatusFail:
		c.Fail += n
	case finding.StatusNotApplicable:
		c.NotApplicable += n
	case finding.StatusUnknown:
		c.Unknown += n
	case finding.StatusError:
		c.Error += n
	case finding.StatusWaived:
		c.Waived += n
	case finding.StatusUnspecified:
	}
}

// Host is one host as lists show it.
type Host struct {
	ID        HostID           `json:"id"`
	Tags      []string         `json:"tags,omitempty"` // that people or a token gave it, sorted; its own word is in Labels
	Labels    finding.Host     `json:"labels"`
	Agent     finding.Counters `json:"agent"`
	Presence  Presence         `json:"presence"`
	FirstSeen time.Time        `json:"first_seen"`
	LastSeen  time.Time        `json:"last_seen"`
	Counts    Counts           `json:"counts"`
	// BySeverity counts failed results, by severity 0 to 5.
	BySeverity [6]int `json:"by_severity"`
	// Detected counts the detections that are kept, by severity 0 to 5.
	Detected [6]int `json:"detected"`
	Pending  int    `json:"pending"` // security updates pending
	Gaps     uint64 `json:"gaps"`    // records of the spool that never came
	// Rejected counts records that came and could not be taken: not decodable, or
	// beyond the host's limits.
	Rejected uint64 `json:"rejected"`
	// Member is how the host was admitted; nil for one that never was.
	Member *Member `json:"member,omitempty"`
}

// State is the standing result of one check on one resource of one host.
type State struct {
	Host     HostID         `json:"host"`
	HostName string         `json:"host_name"`
	Result   finding.Result `json:"result"`
	Since    time.Time      `json:"since"` // when Status became what it is
}

// Event is one line of the timeline.
type Event struct {
	ID       int64          `json:"id"` // rises with time of receipt; the timeline's cursor
	Host     HostID         `json:"host"`
	HostName string         `json:"host_name"`
	Change   finding.Change `json:"change"`
	Received time.Time      `json:"received"`
	// Resync says that the host did not tell of the change when it happened: its
	// next whole state differed from what stood. That is so after the agent was
	// away, and after records of it were lost.
	Resync bool `json:"resync"`
	// Moved says that verdict and values are as before, and only the evidence
	// stands in another place.
	Moved bool `json:"moved"`
}

// Check is one check across the fleet.
type Check struct {
	Info   finding.CheckInfo `json:"info"`
	Counts Counts            `json:"counts"` // results by status
	Hosts  int               `json:"hosts"`  // hosts on which it is bad
}

// Day is one day's rollup, for trends. Times are UTC midnights.
type Day struct {
	Day     time.Time `json:"day"`
	Counts  Counts    `json:"counts"`  // standing results at the end of the day
	Changes int       `json:"changes"` // changes received during it
	// Detections counts the storms that were first told of during it.
	Detections int `json:"detections"`
}

// Detection is one storm as the collector keeps it: its newest report.
type Detection struct {
	// Place rises with each report, of any host: the cursor of lists.
	Place     int64             `json:"place"`
	Host      HostID            `json:"host"`
	HostName  string            `json:"host_name"`
	Received  time.Time         `json:"received"` // the newest report
	Detection finding.Detection `json:"detection"`
}

// DetectionQuery selects detections, those newest told of first. Zero fields select
// everything.
type DetectionQuery struct {
	Host     HostID
	Rule     string
	Severity finding.Severity
	Before   int64 // those with a smaller place
	// After selects those with a larger place, told of longest ago first. 0 means none
	// is asked for so; -1 begins before all.
	After int64
	Limit int      // at most 200; 0 means 50
	Scope []string // as in HostQuery
}

// Overview is the fleet at a glance. Archived hosts count in Presence alone.
type Overview struct {
	Hosts      int              `json:"hosts"`
	Presence   map[Presence]int `json:"presence"`
	Requests   int              `json:"requests"` // hosts that wait for approval
	Standing   map[Standing]int `json:"standing"` // members by standing
	Expired    int              `json:"expired"`  // active members whose certificate has expired
	Counts     Counts           `json:"counts"`
	BySeverity [6]int           `json:"by_severity"` // failed results by severity
	Pending    int              `json:"pending"`
	Worst      []Check          `json:"worst"`      // most hosts bad first, at most 10
	Recent     []Event          `json:"recent"`     // newest first, at most 20
	Days       []Day            `json:"days"`       // oldest first, at most 30
	Detected   [6]int           `json:"detected"`   // detections that are kept, by severity
	Detections []Detection      `json:"detections"` // newest first, at most 5
}

// HostDetail is one host with everything its page shows.
type HostDetail struct {
	Host   Host    `json:"host"`
	States []State `json:"states"` // by family, then check, then resource
	// Checks holds the static text of every check in States, by id.
	Checks map[string]finding.CheckInfo `json:"checks"`
}

// CheckDetail is one check with every host it was evaluated on.
type CheckDetail struct {
	Check  Check   `json:"check"`
	States []State `json:"states"` // bad first
	// Remedies is how to mend it, by what hosts were told, most hosts first and at most
	// 12; none where all hosts were told what the check's own text says.
	Remedies []Remedy `json:"remedies,omitempty"`
}

// Remedy is how to mend what a check finds on some systems, as their hosts' agents say.
type Remedy struct {
	Text    string  `json:"text"`
	Hosts   int     `json:"hosts"`
	Systems []Facet `json:"systems"` // of these hosts, most hosts first; "" is unknown
}

// TimelineQuery selects events, newest first. Zero fields select everything.
type TimelineQuery struct {
	Host   HostID
	Check  string
	Before int64 // events with a smaller id
	// After selects events with a larger id, oldest first, of all hosts and checks: it
	// is for who follows the timeline. 0 means none is asked for so; -1 begins before
	// all.
	After int64
	Limit int // at most 200; 0 means 50
}

// Update tells a subscriber what just became durable. A subscriber that does not
// keep up loses updates and is told so by Lost in the next one.
type Update struct {
	Host   HostID
	Events []Event // empty for a heartbeat, or a whole state that changed nothing
	Lost   bool
}

// News is what another collector on the same database just made durable, beside what
// hosts said. Who does not keep up is told by Lost: then anything may be another.
type News struct {
	Members []HostID // who enrolled, changed, or is no member any more
	Topics  []string // what else: names that those who write and those who read agree on
	Lost    bool
}
