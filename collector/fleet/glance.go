package fleet

import "time"

// Glance is what the overview says to who sees some hosts, or all: the fleet at a glance,
// and what is asked of hosts beside the rollups.
type Glance struct {
	Overview
	Never  int    `json:"never"` // admitted, and never heard of
	Ages   Ages   `json:"ages"`
	Waived [6]int `json:"waived_by_people"` // failed results that people answer for, by severity
	// Ending are the checks of certificates and releases that end or have ended, where
	// they are bad.
	Ending []Check `json:"ending"`
	// Actors are who made the changes of the last day, most changes first and at most
	// five, as far as audit events explain them; Unexplained counts the others. More says
	// that only the newest of these changes were looked at.
	Actors      []Actor `json:"actors"`
	Unexplained int     `json:"unexplained"`
	More        bool    `json:"more"`
}

// Ages counts security updates that are pending, by the days since they are.
type Ages struct {
	Week    int `json:"week"`    // up to 7
	Month   int `json:"month"`   // up to 30
	Quarter int `json:"quarter"` // up to 90
	Longer  int `json:"longer"`
}

// Actor is a user of hosts with a number of changes.
type Actor struct {
	Name    string `json:"name"` // the login user, or the user
	Changes int    `json:"changes"`
}

// Care is what people decided about a bad result.
type Care struct {
	Host            HostID
	Check, Resource string
	Assignee        string    // who looks after it, or ""
	Times           int       // it was resolved so often before
	Owner           string    // of the standing waiver that ends last
	Until           time.Time // when that ends; zero: there is none
}
