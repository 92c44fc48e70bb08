package sockets

import (
	"context"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
)

// Facts is what is known of it.
type Facts struct {
	Meta       fact.Meta            `json:"meta"`
	Known      bool                 `json:"known"`   // whether the sockets and interfaces are
	Reason     string               `json:"reason"`  // why not
	Limited    string               `json:"limited"` // what of them could not be seen
	Stale      string               `json:"stale"`   // why they are those of an earlier look
	Sockets    []exposure.Socket    `json:"sockets"`
	More       int                  `json:"more"`
	Interfaces []exposure.Interface `json:"interfaces"`
	Names      Names                `json:"names"`
}

// Names is by what the host resolves names.
type Names struct {
	Hosts    []Host      `json:"hosts"`    // entries of /etc/hosts that name this host's loopback
	Servers  []fact.Text `json:"servers"`  // nameserver lines of resolv.conf
	Order    fact.Text   `json:"order"`    // nsswitch.conf's line of hosts
	Sources  []string    `json:"sources"`  // its services, in their order
	HostsErr string      `json:"hosts_error"`
}

// Host is one name in /etc/hosts with its address.
type Host struct {
	Name     string    `json:"name"`
	Address  string    `json:"address"`
	Loopback bool      `json:"loopback"` // the address is one
	Place    fact.Text `json:"place"`
}

// Read reads the facts.
func Read(_ context.Context, _ fact.Env) Facts {
	return Facts{Meta: fact.Meta{State: fact.StateUnknown, Reason: "not read by this version"}}
}
