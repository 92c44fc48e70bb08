package fleet

import (
	"time"

	"seawall/pkg/finding"
)

// MaxPage is the most rows that a page of a list has; DefaultPage is how many it has
// where a query does not say.
const (
	MaxPage     = 500
	DefaultPage = 50
)

// Score is the share of results that pass among those that pass or are bad, in
// percent and rounded down, so that 100 means that nothing is bad. What does not
// apply or is waived counts as neither. It is false where nothing counts.
func (c Counts) Score() (percent int, ok bool) {
	all := c.Pass + c.Fail + c.Unknown + c.Error
	if all <= 0 {
		return 0, false
	}
	return max(c.Pass, 0) * 100 / all, true
}

// HostSort is what hosts are ordered by. Hosts that are equal in it are in the order
// of their names, then of their ids.
type HostSort string

// The orders. The zero HostSort is ByName. Each begins with what a person looks for:
// the worst, the longest silent; but names, systems and regions begin with the first.
const (
	ByName     HostSort = "name"
	ByScore    HostSort = "score"    // lowest first; hosts without a score last
	BySeverity HostSort = "severity" // most failed results of critical severity first, then high, …
	ByPending  HostSort = "pending"  // most security updates first
	BySeen     HostSort = "seen"     // heard of longest ago first
	ByOS       HostSort = "os"
	ByRegion   HostSort = "region"
	ByID       HostSort = "id" // the order of [HostQuery.After]
)

// Valid reports whether the order is one of those above or zero.
func (s HostSort) Valid() bool {
	switch s {
	case "", ByName, ByScore, BySeverity, ByPending, BySeen, ByOS, ByRegion, ByID:
		return true
	}
	return false
}

// HostQuery selects hosts. Zero fields select everything.
type HostQuery struct {
	// Text is looked for in name, id, Droplet id and system, upper or lower case
	// of ASCII alike. It stands for itself: no character of it is a pattern.
	Text   string
	Tag    string // given by an administrator or a token, or told by the host
	OS     string // os-release's PRETTY_NAME, whole
	Region string
	// Presence selects hosts of one; archived hosts are left out unless asked for.
	Presence Presence
	Every    bool     // where Presence is zero: archived hosts, too
	Standing Standing // as a member
	Expired  bool     // active members whose certificate has expired
	Never    bool     // hosts that were admitted and sent nothing yet
	// Severity selects hosts with a failed result of at least that severity.
	Severity finding.Severity
	Below    int  // hosts with a score below it; 0 means any, 101 those with a score
	Pending  bool // hosts with security updates pending
	Detected bool // hosts with detections that are kept
	// Scope bounds what a visitor may see: hosts with one of these tags, given by an
	// administrator or a token. Empty means all. What a host says of itself never
	// puts it in.
	Scope []string

	Only []HostID // hosts with one of these ids, at most MaxPage; none: any
	// After selects hosts with a larger id. With the order ByID it begins a page where
	// the one before ended, whoever came or went meanwhile.
	After HostID

	Sort    HostSort
	Reverse bool
	Page    int // from 0
	Size    int // at most MaxPage; 0 means DefaultPage
}

// HostPage is one page of a list of hosts.
type HostPage struct {
	Hosts []Host `json:"hosts"`
	Total int    `json:"total"` // that the query selects
	Page  int    `json:"page"`
	Size  int    `json:"size"`
}

// Facet is a value that hosts can be filtered by, and how many have it.
type Facet struct {
	Value string `json:"value"`
	Hosts int    `json:"hosts"`
}

// Facets is what hosts of a scope can be filtered by, most hosts first and at most
// 100 of each kind. Archived hosts are left out.
type Facets struct {
	OS      []Facet `json:"os"`
	Regions []Facet `json:"regions"`
	Tags    []Facet `json:"tags"`
}

// ChangeQuery selects changes of all hosts, newest first. Zero fields select
// everything.
type ChangeQuery struct {
	Host     HostID
	Check    string
	Family   string           // of the check: its id up to the first "-"
	Severity finding.Severity // at least
	Status   finding.Status
	Text     string // in the check's id or the resource, in any case of letters
	Actor    string // login user or user of the cause, whole
	Caused   bool   // with a cause
	Since    time.Time
	Until    time.Time // received before it
	Scope    []string  // as in HostQuery
	Before   int64     // events with a smaller id
	Limit    int       // at most 200; 0 means 50
}

// ChangePage is one page of changes. A query looks at a bounded number of events, so
// that a rare thing may need several pages of which some are empty.
type ChangePage struct {
	Events []Event `json:"events"`
	// Next is the Before of the page that follows; 0 when there is none.
	Next int64 `json:"next"`
	// Reached is the time of receipt of the oldest event that was looked at.
	Reached time.Time `json:"reached,omitzero"`
}

// Package is one of which a security update is pending somewhere in the fleet.
type Package struct {
	Name  string `json:"name"`
	Hosts int    `json:"hosts"` // on which a security update of it is pending
	// Since is since when it is pending on the host where it is for longest.
	Since time.Time `json:"since"`
}

// PackageQuery selects packages of which security updates are pending.
type PackageQuery struct {
	Text string // in the name, upper or lower case of ASCII alike
	// From and To select updates that are pending since From or later, and since
	// before To; zero for no bound. Hosts with others are not counted.
	From, To time.Time
	Scope    []string // as in HostQuery
	Page     int      // from 0
	Size     int      // at most MaxPage; 0 means DefaultPage
}

// PackagePage is one page of packages, those pending on most hosts first.
type PackagePage struct {
	Packages []Package `json:"packages"`
	Total    int       `json:"total"`
	Page     int       `json:"page"`
	Size     int       `json:"size"`
}

// CheckQuery selects the results of one check. Zero fields but Check select
// everything.
type CheckQuery struct {
	Check    string
	Resource string         // whole
	Status   finding.Status // StatusUnspecified means those that are bad
	// From and To select what is so since From or later, and since before To, as
	// [PackageQuery] does; zero for no bound.
	From, To time.Time
	Scope    []string // as in HostQuery
	Page     int      // from 0
	Size     int      // at most MaxPage; 0 means DefaultPage
}

// StatePage is one page of standing results, in the order of hosts' ids.
type StatePage struct {
	States []State `json:"states"`
	More   bool    `json:"more"` // there is a next page
	Page   int     `json:"page"`
	Size   int     `json:"size"`
}
