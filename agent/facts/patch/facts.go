package patch

import "seawall/agent/facts/fact"

// Facts is the patch level of a host. Packages, OtherPending and Metadata mean
// something only where Meta.State is known.
type Facts struct {
	Meta    fact.Meta `json:"meta"`
	Manager string    `json:"manager"` // "dpkg", "rpm", or "" where no package database was found
	// Packages are the pending security updates, one per package and
	// architecture, by name.
	Packages  []Package `json:"packages"`
	Installed int       `json:"installed"` // packages installed
	// OtherPending counts packages with a newer candidate and no pending security
	// fix, as far as the other lists could be read (Sources says so). Deferred of
	// them wait for their turn in a phased update.
	OtherPending int       `json:"other_pending"`
	Deferred     int       `json:"deferred"`
	Metadata     Freshness `json:"metadata"`
	// Sources are the configured binary sources, in the order of the files.
	Sources []Source `json:"sources"`
	// Stale says that all of this is an answer of some time ago, for reading fails
	// now. Its zero value: it is the answer of now.
	Stale Stale `json:"stale"`
}

// Stale is why, and since when, an answer could not be read again. Reason is ""
// where it could.
type Stale struct {
	Since      string `json:"since"` // RFC 3339: when the answer was last good
	AgeSeconds int    `json:"age_seconds"`
	Reason     string `json:"reason"`
}

// The labels of a pending package.
const (
	LabelAvailable    = "available"        // an upgrade installs the fix or something newer
	LabelHeld         = "held"             // the package is on hold in dpkg
	LabelPinned       = "pinned"           // a preference keeps the candidate below the fix
	LabelMasked       = "masked"           // the candidate is newer than the fix: of another suite (deb), or a later update (rpm)
	LabelDeferred     = "deferred_phasing" // the update is rolled out in steps, and this machine's turn is to come
	LabelESM          = "esm_not_enabled"  // the fix is in a Pro archive the host cannot use
	LabelExcluded     = "excluded"         // an exclude or versionlock keeps the fix away (rpm)
	LabelNotAvailable = "not_available"    // no enabled repository has the fixed build (rpm)
	LabelNotRunning   = "not_running"      // the fix is installed, and the kernel that runs is older: restart the host (rpm)
)

// Package is one pending security update.
type Package struct {
	Name      string `json:"name"`
	Arch      string `json:"arch"`
	Installed string `json:"installed"`
	Candidate string `json:"candidate"` // what the manager would install; "" where nothing
	// CandidateOrigin is where the candidate comes from, as Origin is.
	CandidateOrigin string `json:"candidate_origin"`
	Fixed           string `json:"fixed"`    // newest version with a security fix
	Source          string `json:"source"`   // source package
	Label           string `json:"label"`    // one of the labels of this package
	Reason          string `json:"reason"`   // what the label rests on: a suite, a preference with its file
	Origin          string `json:"origin"`   // of Fixed; deb: Label/Suite, "Debian-Security/oldstable-security"; rpm: the repository
	Severity        string `json:"severity"` // as the vendor says; "" where it says none (deb)
	// Advisories and CVEs are those between Installed and Fixed, where the vendor
	// publishes them with the metadata (rpm). Published is the date of the oldest,
	// RFC 3339, or "".
	Advisories []string `json:"advisories"`
	CVEs       []string `json:"cves"`
	Published  string   `json:"published"`
	// FirstSeen is since when the package has been pending, as far as this host
	// recorded it (Ledger), RFC 3339; where nothing did, the time of this look.
	FirstSeen   string `json:"first_seen"`
	DaysPending int    `json:"days_pending"` // whole days since FirstSeen
}

// Freshness is how old the metadata is. Where Known is false Reason says why, and
// nothing but Date and File may be there.
type Freshness struct {
	Known bool `json:"known"`
	// AgeSeconds is the time since Date, the signed date of the vendor's security
	// metadata (the oldest of several, those of ESM apart): how old the vendor's
	// word is. A host that refreshes daily from a vendor that publishes nothing for
	// a week has a week here and a small RefreshAgeSeconds.
	AgeSeconds int    `json:"age_seconds"`
	Date       string `json:"date"`        // RFC 3339
	ValidUntil string `json:"valid_until"` // RFC 3339; "" where the source sets none
	Expired    bool   `json:"expired"`     // ValidUntil has passed
	File       string `json:"file"`        // the file that Date stands in
	// Refreshed is when the metadata was last refreshed with success, "" where no
	// trace of it is left.
	Refreshed         string `json:"refreshed"`
	RefreshAgeSeconds int    `json:"refresh_age_seconds"` // -1 where not known
	Reason            string `json:"reason"`
}

// Source is one configured archive suite or repository and what is on disk of it.
type Source struct {
	URI       string `json:"uri"`   // without user and password
	Suite     string `json:"suite"` // rpm: the repository's id
	File      string `json:"file"`  // where it is configured
	Line      int    `json:"line"`
	Security  bool   `json:"security"`
	Origin    string `json:"origin"` // Origin, Label and Suite of its Release file
	Label     string `json:"label"`
	Archive   string `json:"archive"`
	Date      string `json:"date"`      // RFC 3339; "" where no metadata is there
	Refreshed string `json:"refreshed"` // RFC 3339: when what is there was put there; "" where not known
	Lists     int    `json:"lists"`     // package lists found
	Reason    string `json:"reason"`    // why it, or a list of it, could not be used, "" when all of it could
	// Error is what the last refresh left of a failure ("" where nothing): what is
	// there is then older than that refresh.
	Error string `json:"error"`
}
