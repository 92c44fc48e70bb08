package mac

import "seawall/agent/facts/fact"

// Facts is which access control is on, and what it does.
type Facts struct {
	// Active says whether AppArmor or SELinux decides anything on this host.
	Active   fact.Tri `json:"active"`
	AppArmor AppArmor `json:"apparmor"`
	SELinux  SELinux  `json:"selinux"`
}

// AppArmor is what it confines.
type AppArmor struct {
	Enabled       fact.Tri  `json:"enabled"`
	ProfilesKnown bool      `json:"profiles_known"`
	Reason        string    `json:"reason,omitempty"` // why the profiles or the processes are not known
	Profiles      []Profile `json:"profiles"`
	// Unconfined holds the processes for whose program there is a profile, and which
	// run without.
	Unconfined      []Process `json:"unconfined"`
	UnconfinedKnown bool      `json:"unconfined_known"`
}

// Profile is a loaded profile of AppArmor.
type Profile struct {
	Name string `json:"name"`
	Mode string `json:"mode"` // "enforce", "complain", "kill", "unconfined", …
}

// Process is a process that runs without its profile.
type Process struct {
	PID     int    `json:"pid"`
	Program string `json:"program"`
	Profile string `json:"profile"`
}

// SELinux is its state and its configuration.
type SELinux struct {
	Installed bool      `json:"installed"`        // it has a configuration
	Reason    string    `json:"reason,omitempty"` // why the configuration is not known
	Enabled   fact.Tri  `json:"enabled"`          // in the running kernel
	Enforcing fact.Tri  `json:"enforcing"`        // in the running kernel
	Mode      fact.Text `json:"mode"`             // SELINUX= of /etc/selinux/config
	Policy    fact.Text `json:"policy"`           // SELINUXTYPE=
}
