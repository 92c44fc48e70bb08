package patch

import "seawall/agent/facts/fact"

// Facts is the patch level of a host. Packages, OtherPending and Metadata mean
// something only where Meta.State is known.
type Facts struct {
	Meta    fact.Meta `json:"meta"`
	Manager string    `json:"manager"` // "dpkg", or "" where no package database was found
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
}

// The labels of a pending package.
const (
	LabelAvailable = "available"       // an upgrade installs the fix or something newer
	LabelHeld      = "held"            // the package is on hold in dpkg
	LabelPinned    = "pinned"          // a preference keeps the candidate below the fix
	LabelMasked    = "masked"          // the candidate is newer than the fix and comes from another suite
	LabelESM       = "esm_not_enabled" // the fix is in a Pro archive the host cannot use
)

// Package is one pending security update.
type Package struct {
	Name      string `json:"name"`
	Arch      string `json:"arch"`
	Installed string `json:"installed"`
	Candidate string `json:"candidate"` // what apt would install; "" where nothing
	// CandidateOrigin is where the candidate comes from, as Origin is.
	CandidateOrigin string `json:"candidate_origin"`
	Fixed           string `json:"fixed"`    // newest version in a security pocket
	Source          string `json:"source"`   // source package
	Label           string `json:"label"`    // one of the labels of this package
	Reason          string `json:"reason"`   // what the label rests on: a suite, a preference with its file
	Origin          string `json:"origin"`   // of Fixed, as Label/Suite: "Debian-Security/oldstable-security"
	Severity        string `json:"severity"` // as the vendor says; "" where it says none (deb)
}

// Freshness is how old the package lists are. Where Known is false the rest is
// empty and Reason says why.
type Freshness struct {
	Known bool `json:"known"`
	// AgeSeconds is the time since Date, the signed date of the vendor's security
	// Release file (the oldest of several, those of ESM apart): how old the vendor's word is. A host that refreshes daily from
	// a vendor that publishes nothing for a week has a week here and a small
	// RefreshAgeSeconds.
	AgeSeconds int    `json:"age_seconds"`
	Date       string `json:"date"`        // RFC 3339
	ValidUntil string `json:"valid_until"` // RFC 3339; "" where the source sets none
	Expired    bool   `json:"expired"`     // ValidUntil has passed
	File       string `json:"file"`        // the Release file that Date stands in
	// Refreshed is when the lists were last refreshed with success, "" where no
	// trace of it is left: the newer of apt's update-success-stamp and, on a running
	// host, the time at which that Release file was put there. A refresh that found
	// nothing new leaves no trace without the stamp.
	Refreshed         string `json:"refreshed"`
	RefreshAgeSeconds int    `json:"refresh_age_seconds"` // -1 where not known
	Reason            string `json:"reason"`
}

// Source is one configured archive suite and what is on disk of it.
type Source struct {
	URI      string `json:"uri"` // without user and password
	Suite    string `json:"suite"`
	File     string `json:"file"` // where it is configured
	Line     int    `json:"line"`
	Security bool   `json:"security"`
	Origin   string `json:"origin"` // Origin, Label and Suite of its Release file
	Label    string `json:"label"`
	Archive  string `json:"archive"`
	Date     string `json:"date"`   // RFC 3339; "" where no Release file is there
	Lists    int    `json:"lists"`  // package lists found
	Reason   string `json:"reason"` // why it could not be used, "" when it could
}
