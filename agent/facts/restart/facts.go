package restart

import "seawall/agent/facts/fact"

// Socket is where systemd listens for those who may ask who runs replaced files.
// It does not lie in the sensor's own run-time folder: that goes with the sensor.
const Socket = "/run/seawall-restarts.sock"

// Facts is which processes run files that were replaced since.
type Facts struct {
	Meta      fact.Meta `json:"meta"`
	Processes []Process `json:"processes"`
	Units     []Unit    `json:"units"` // sorted by name
	// Scanned counts the processes that were looked at, Denied those that may not
	// be, Partial those with more mappings than are read.
	Scanned int `json:"scanned"`
	Denied  int `json:"denied"`
	Partial int `json:"partial"`
	// More counts the processes beyond those listed, MoreUnits those whose unit is not
	// listed either.
	More      int `json:"more"`
	MoreUnits int `json:"more_units"`
	// Limited says why processes were denied, Stale why this is an earlier answer.
	Limited string `json:"limited"`
	Stale   string `json:"stale"`
}

// Process runs replaced files.
type Process struct {
	PID   int      `json:"pid"`
	Comm  string   `json:"comm"`
	Exe   string   `json:"exe"`
	Unit  string   `json:"unit"`  // as in Units
	User  string   `json:"user"`  // a name, or the number where it has none
	Files []string `json:"files"` // as mapped: the names that were replaced
	// Listening says that others can reach it through the network.
	Listening bool `json:"listening"`
}

// The kinds of units, by what makes them run the new files.
const (
	KindService = "service" // restart the service
	KindManager = "manager" // systemd itself: it executes itself again
	KindBus     = "bus"     // the system's message bus: its users break with it, so reboot
	KindSession = "session" // what a user runs: log out and in again
	KindProcess = "process" // no service: who started it has to start it again
)

// Unit is what is restarted at once: a service, all that one user runs, or the
// processes of one program outside of any service.
type Unit struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Processes int      `json:"processes"`
	PIDs      []int    `json:"pids"`  // the first of them
	Files     []string `json:"files"` // sorted
	Listening bool     `json:"listening"`
	Command   string   `json:"command"` // to paste; "" where no command does it
}
