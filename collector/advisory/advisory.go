// Package advisory has the words for vendors' advisories: what a host says of a pending
// security update names them and the CVEs that they mend, and people ask on which hosts
// one of these names is pending.
//
// [Names] finds the names in a result of the check [Check]. Its evidence is text for
// people, of a host that may lie: a name is what has the form of one, and there are no
// more of a result than [MaxNames]. Agents name advisories where the vendor's metadata
// on the host does (updateinfo, so RHEL's family and Amazon Linux); the lists of Debian
// and Ubuntu name none.
package advisory

import (
	"regexp"
	"strings"
	"time"

	"seawall/pkg/finding"
)

// Check is the check with a result for each package that has a security update.
const Check = "patch-security-updates"

// MaxNames bounds the names of one result.
const MaxNames = 256

// Kind is whose word a name is.
type Kind int

// The kinds, as stores have them.
const (
	Vendor Kind = 0 // an advisory, as RHSA-2024:1234
	CVE    Kind = 1 // a vulnerability, as CVE-2024-1234
)

// Name is a name in the evidence of a result.
type Name struct {
	Kind Kind
	Text string
}

// Of returns the kind of a name.
func Of(name string) Kind {
	if strings.HasPrefix(name, "CVE-") {
		return CVE
	}
	return Vendor
}

// Advisory is a name and the hosts that have an update pending for it.
type Advisory struct {
	Name     string           `json:"name"`
	Severity finding.Severity `json:"severity"` // the worst among the updates
	Hosts    int              `json:"hosts"`
	Packages int              `json:"packages"` // updates on all these hosts together
	// Since is since when one is pending on the host where it is for longest.
	Since time.Time `json:"since"`
}

// Query selects names of one kind.
type Query struct {
	Kind  Kind
	Text  string   // in the name, upper or lower case of ASCII alike
	Scope []string // of hosts with one of these tags; none: of all
	Page  int      // from 0
	Size  int      // at most fleet.MaxPage; 0 means fleet.DefaultPage
}

// Page is one page of names, the worst first and of those on most hosts.
type Page struct {
	Advisories []Advisory
	Total      int
}

// HostQuery selects the updates that are pending for a name.
type HostQuery struct {
	Name  string   // whole
	Scope []string // as in Query
	Page  int
	Size  int
}

// Names returns the names in the evidence of a pending update, each once, in their
// order. Of another result there are none.
func Names(r *finding.Result) []Name {
	if r.Check != Check || r.Status != finding.StatusFail || r.Resource == "" {
		return nil
	}
	lines := make([]string, 0, len(r.Evidence))
	for _, e := range r.Evidence {
		if e.Text != "" && tells(r, e.Text) {
			lines = append(lines, e.Text)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	// RHSA-2024:1234, ALAS2023-2024-512, FEDORA-EPEL-2024-0a1b2c3d4e, DSA-5764-1.
	form := regexp.MustCompile(`\b[A-Z][A-Za-z0-9]{1,15}(?:-[A-Za-z][A-Za-z0-9]{0,15}){0,3}-[0-9][0-9A-Za-z]{0,15}(?:[:-][0-9A-Za-z]{1,16}){0,3}\b`)
	var names []Name
	seen := make(map[string]bool)
	for _, line := range lines {
		for _, at := range form.FindAllStringIndex(line, -1) {
			name := line[at[0]:at[1]]
			// The end of a text that was cut is no name.
			if seen[name] || strings.HasPrefix(line[at[1]:], "…") {
				continue
			}
			if len(names) == MaxNames {
				return names
			}
			seen[name] = true
			names = append(names, Name{Of(name), name})
		}
	}
	return names
}

// tells reports whether a line of evidence is the one with the advisories: the others say
// where the fix is, and what keeps it back.
func tells(r *finding.Result, line string) bool {
	if from, ok := strings.CutPrefix(line, r.Expected); ok && r.Expected != "" && (from == "" || from[0] == ' ' || from[0] == ',') {
		return false
	}
	label, _, _ := strings.Cut(line, ":")
	switch label {
	case "held", "pinned", "masked", "deferred phasing", "esm not enabled", "excluded", "not available", "not running":
		return false
	}
	return true
}
