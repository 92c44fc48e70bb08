package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
)

// goodSecrets fills in secrets and the cloud.
func goodSecrets(_ *facts.Facts, _ fact.Meta) {}

func secretCases() []testCase { return nil }
