package fill

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"seawall/agent/facts"
	"seawall/agent/policy"
	"seawall/agent/policy/checks"
	"seawall/pkg/finding"
)

// Checks is how many checks a host has results of.
const Checks = 220

// updates is the check with a result for each package.
const updates = "patch-security-updates"

// catalogue is the checks that hosts have results of: some of each family of the
// agent's own, with their text.
type catalogue struct {
	checks []finding.CheckInfo
	packs  []finding.Pack // by the index of [systems]
}

// read reads the agent's catalogue and takes [Checks] of it, evenly.
func read() (*catalogue, error) {
	pol, err := checks.Load(facts.Facts{}, nil)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	ids := pol.Known()
	slices.Sort(ids)
	if len(ids) < Checks || !slices.Contains(ids, updates) {
		return nil, fmt.Errorf("the catalogue has %d checks, wanted are %d with %s", len(ids), Checks, updates)
	}
	chosen := map[string]bool{updates: true}
	for i := 0; len(chosen) < Checks; i++ {
		// Twice around, since one of them may be there already.
		chosen[ids[(i*len(ids)/Checks+i/Checks)%len(ids)]] = true
	}
	c := &catalogue{}
	for _, s := range systems() {
		p := chosenOf(pol, s.likeness, chosen)
		p.Digest = sha256.Sum256([]byte(s.name))
		c.packs = append(c.packs, p)
	}
	c.checks = c.packs[0].Checks
	return c, nil
}

// chosenOf is the text of the chosen checks, for a family of distributions.
func chosenOf(pol *policy.Policy, family string, chosen map[string]bool) finding.Pack {
	p := pol.Pack(family)
	p.Checks = slices.DeleteFunc(p.Checks, func(c finding.CheckInfo) bool { return !chosen[c.ID] })
	slices.SortFunc(p.Checks, func(a, b finding.CheckInfo) int { return strings.Compare(a.ID, b.ID) })
	return p
}
