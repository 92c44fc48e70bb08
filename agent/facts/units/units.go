package units

import "seawall/agent/facts/fact"

// Facts is which of the listed services a host has.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Services has every listed one, by the names in topics.
	Services map[string]Service `json:"services"`
	// Inetd are the services that a super-server starts on demand.
	Inetd []Inetd `json:"inetd"`
	// Failed are the units that systemd counts as failed, where it was asked.
	Failed      []string `json:"failed"`
	FailedKnown fact.Tri `json:"failed_known"`
}

// Service is one service, whatever package brings it.
type Service struct {
	Name string `json:"name"`
	// Installed: a package or a unit of it is there.
	Installed fact.Tri `json:"installed"`
	Packages  []string `json:"packages"` // "cups-daemon 2.4.2-3"
	Units     []Unit   `json:"units"`    // those that exist
	// InUse: a unit of it starts at boot or runs, or a super-server has it.
	InUse fact.Tri `json:"in_use"`
}

// Unit is one unit of a service.
type Unit struct {
	Name    string `json:"name"`
	State   string `json:"state"`  // enabled, disabled, masked, condition, unknown
	Active  string `json:"active"` // as systemctl is-active; "" where systemd was not asked
	InUse   bool   `json:"in_use"`
	Place   string `json:"place"` // the link that starts it, or its file
	Problem string `json:"problem,omitempty"`
	script  bool   // of System V
}

// Inetd is an entry of a super-server.
type Inetd struct {
	Service string `json:"service"`
	InUse   bool   `json:"in_use"` // the super-server that has it starts at boot or runs
	File    string `json:"file"`
	Line    int    `json:"line"`
	Raw     string `json:"raw"`
}
