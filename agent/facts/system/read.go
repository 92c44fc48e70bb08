package system

import (
	"context"

	"seawall/agent/facts/fact"
)

// Read returns what the operating system says of itself.
func Read(ctx context.Context, env fact.Env) Facts {
	var f Facts
	f.Meta.State = fact.StateUnknown
	f.Meta.Reason = "not read yet"
	return f
}
