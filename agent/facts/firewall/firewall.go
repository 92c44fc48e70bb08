package firewall

import (
	"context"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
)

// Facts is what is known of it.
type Facts struct {
	Meta      fact.Meta       `json:"meta"`
	Loaded    exposure.Filter `json:"loaded"`
	Stale     string          `json:"stale"`   // why Loaded is an earlier look
	AtBoot    []string        `json:"at_boot"` // of the managers below, those that start at boot and have rules
	UFW       UFW             `json:"ufw"`
	Firewalld Firewalld       `json:"firewalld"`
	Nftables  Saved           `json:"nftables"` // nftables.service
	Iptables  Saved           `json:"iptables"` // netfilter-persistent or iptables.service
}

// Service is a manager of packet filters.
type Service struct {
	Installed bool     `json:"installed"`
	Unit      string   `json:"unit"`
	Boot      fact.Tri `json:"boot"` // starts at boot
}

// UFW is ufw's configuration.
type UFW struct {
	Service
	Enabled  fact.Text `json:"enabled"` // ENABLED in ufw.conf
	LogLevel fact.Text `json:"log_level"`
	IPv6     fact.Text `json:"ipv6"`
	Input    fact.Text `json:"input"`
	Output   fact.Text `json:"output"`
	Forward  fact.Text `json:"forward"`
	Rules    []UFWRule `json:"rules"`
}

// UFWRule is one rule that a user gave to ufw.
type UFWRule struct {
	Action   string `json:"action"` // allow, deny, reject, limit
	Protocol string `json:"protocol"`
	Port     string `json:"port"`
	From     string `json:"from"`
	Incoming bool   `json:"incoming"`
	Any      bool   `json:"any"` // every port from everywhere
	File     string `json:"file"`
	Line     int    `json:"line"`
	Raw      string `json:"raw"`
}

// Firewalld is firewalld's configuration.
type Firewalld struct {
	Service
	DefaultZone fact.Text `json:"default_zone"`
	LogDenied   fact.Text `json:"log_denied"`
	Zones       []Zone    `json:"zones"` // those in use: the default one, and those with interfaces or sources
}

// Zone is one zone of firewalld.
type Zone struct {
	Name       string   `json:"name"`
	Target     string   `json:"target"` // default, ACCEPT, DROP, %%REJECT%%
	Interfaces []string `json:"interfaces"`
	Sources    []string `json:"sources"`
	Services   []string `json:"services"`
	Ports      []string `json:"ports"`
	Forward    bool     `json:"forward"`
	File       string   `json:"file"`
	Error      string   `json:"error"`
}

// Saved is a manager that loads rules from files.
type Saved struct {
	Service
	Files []RulesFile `json:"files"`
}

// RulesFile is a file of rules that is loaded at boot.
type RulesFile struct {
	Path  string `json:"path"`
	Error string `json:"error"`
	Rules int    `json:"rules"`
	// Input says what the file's chains for input do with what no rule names: drop,
	// accept, or "" where there is none.
	Input string `json:"input"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}

// Read reads the facts.
func Read(_ context.Context, _ fact.Env) Facts {
	return Facts{Meta: fact.Meta{State: fact.StateUnknown, Reason: "not read by this version"}}
}
