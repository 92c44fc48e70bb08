package updates

import (
	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
)

// RunDays is how old the last successful run may be. Both programs run daily.
const RunDays = 7

// The programs that install updates by themselves.
const (
	SystemDeb  = "unattended-upgrades"
	SystemDNF  = "dnf-automatic"
	SystemDNF5 = "dnf5-automatic"
)

// Facts is whether security updates install themselves.
type Facts struct {
	Meta   fact.Meta `json:"meta"`
	System string    `json:"system"` // the program that this kind of host has for it
	// Automatic is yes where all parts are, no where any is: then its reason is
	// the first such part's.
	Automatic  fact.Tri  `json:"automatic"`
	Installed  Part      `json:"installed"`
	Configured Part      `json:"configured"`
	Timer      Part      `json:"timer"`
	LastRun    Part      `json:"last_run"` // a successful one in the last RunDays days
	Success    string    `json:"success"`  // the last one's time, RFC 3339, "" where not known
	Failure    string    `json:"failure"`  // what went wrong in the last run, "" where it did not
	Settings   []Setting `json:"settings"` // in force, those that decide
	Timers     []Timer   `json:"timers"`
	Excluded   []Setting `json:"excluded"` // what keeps packages from being updated
}

// Part is one of the questions, its answer with the reason, and where that stands.
type Part struct {
	Answer   fact.Tri           `json:"answer"`
	Evidence []finding.Evidence `json:"evidence"`
}

// Setting is a setting in force. Set is false for a default, which has no place.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Set   bool   `json:"set"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}

// Timer is one of the timers that can run the updates.
type Timer struct {
	Unit   string `json:"unit"`
	State  string `json:"state"` // enabled, disabled, masked, missing, stopped
	On     bool   `json:"on"`    // it will fire
	Action string `json:"action"`
	Place  string `json:"place"` // the link, the mask or the fragment that says so
}

// What a timer's service does.
const (
	ActionLists    = "refresh lists"
	ActionInstall  = "install"
	ActionDownload = "download"
	ActionNotify   = "notify"
)
