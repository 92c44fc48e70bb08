// Package servers reads what network servers offer to strangers: mail relays, proxies, resolvers, file and data servers.
package servers

import (
	"context"

	"seawall/agent/facts/fact"
)

// Facts is what is known of it.
type Facts struct {
	Meta fact.Meta `json:"meta"`
}

// Read reads the facts.
func Read(_ context.Context, _ fact.Env) Facts {
	return Facts{Meta: fact.Meta{State: fact.StateUnknown, Reason: "not read by this version"}}
}
