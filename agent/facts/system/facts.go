package system

import (
	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
)

// Facts is what the operating system says of itself.
type Facts struct {
	Meta      fact.Meta `json:"meta"`
	ID        string    `json:"id"`         // os-release ID: "debian"
	VersionID string    `json:"version_id"` // "12"; empty on rolling releases
	Codename  string    `json:"codename"`
	Name      string    `json:"name"`   // PRETTY_NAME
	Family    string    `json:"family"` // "debian", "rhel", "fedora", "suse", "arch", "alpine" or ""
	Life      Life      `json:"life"`
	Pro       Pro       `json:"pro"` // of Ubuntu alone
	Reboot    Reboot    `json:"reboot"`
}

// The states of a release's life.
const (
	LifeSupported = "supported"
	LifeEnding    = "ending"   // standard support ends in less than 90 days
	LifeExtended  = "extended" // standard support ended, extended support has not
	LifeEnded     = "ended"
	LifeUnknown   = "unknown" // not in the table, or the table is too old
)

// Life is how long the release is supported.
type Life struct {
	State        string `json:"state"`
	Ends         string `json:"ends"`          // YYYY-MM-DD, last day of standard support
	ExtendedEnds string `json:"extended_ends"` // YYYY-MM-DD, "" where there is none
	ExtendedKind string `json:"extended_kind"` // "LTS" (free), "Pro" (a subscription), …
	DaysLeft     int    `json:"days_left"`     // of standard support; negative once it ended
	Source       string `json:"source"`        // where Ends comes from
	Reason       string `json:"reason"`        // in words; of unknown why
	Conflict     string `json:"conflict"`      // sources that differ by 90 days or more
	Upgrade      string `json:"upgrade"`       // to which release and how, in words; "" where there is no newer one
	UpgradeTo    string `json:"upgrade_to"`    // "debian 13"
	UpgradeTool  string `json:"upgrade_tool"`  // "do-release-upgrade", …; "" where only a new host helps
	// Covered says whether somebody still makes fixes that this host gets: in
	// extended support that is bought only where it was.
	Covered fact.Tri `json:"covered"`
}

// Pro is what Ubuntu's client says of a subscription.
type Pro struct {
	Attached fact.Tri           `json:"attached"`
	ESM      fact.Tri           `json:"esm"`     // esm-infra is enabled and lasts
	Expires  string             `json:"expires"` // YYYY-MM-DD, "" where it is not said
	Evidence []finding.Evidence `json:"evidence"`
}

// Reboot is whether the host runs an older kernel than it has installed, or asks
// for a reboot itself. Where Applicable is false the host has no kernel of its
// own (a container, or a machine booted with a kernel from outside).
type Reboot struct {
	Applicable bool               `json:"applicable"`
	Required   fact.Tri           `json:"required"`
	Running    string             `json:"running"`  // release and, where known, package version
	Newest     string             `json:"newest"`   // newest installed of the running flavour
	Packages   []string           `json:"packages"` // that asked for a reboot
	Evidence   []finding.Evidence `json:"evidence"`
}
