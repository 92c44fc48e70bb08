package fleet

import (
	"net/netip"
	"path"
	"time"
)

// Standing says whether a host may deliver.
type Standing string

// The standings. Only an active host may deliver. A quarantined host's key is used
// in two places, or its disk was set back; a person decides. A revoked host never
// comes back with that key.
const (
	Active      Standing = "active"
	Quarantined Standing = "quarantined"
	Revoked     Standing = "revoked"
)

// KeyHash is the SHA-256 of a public key (SubjectPublicKeyInfo).
type KeyHash [32]byte

// Machine is what a host says of the machine it runs on: labels, not identity.
type Machine struct {
	HostName    string `json:"host_name"`
	DropletID   string `json:"droplet_id,omitempty"`
	MachineID   string `json:"machine_id,omitempty"`   // a keyed hash
	ProductUUID string `json:"product_uuid,omitempty"` // a keyed hash
}

// Member is a host as the collector admitted it. Its id was drawn by the collector
// and is bound to one key.
type Member struct {
	Host     HostID    `json:"host"`
	Key      KeyHash   `json:"-"`
	Machine  Machine   `json:"machine"`
	Standing Standing  `json:"standing"`
	Reason   string    `json:"reason,omitempty"` // of the standing
	Since    time.Time `json:"since"`            // of the standing
	Enrolled time.Time `json:"enrolled"`
	Token    string    `json:"token,omitempty"`    // id of the token that admitted it
	CloneOf  HostID    `json:"clone_of,omitempty"` // when it began as a copy of that host
	Expires  time.Time `json:"expires"`            // of its newest certificate
	// Session is the number given with the last Welcome; Confirmed says that the
	// host is known to have made it durable.
	Session   uint64 `json:"session"`
	Confirmed bool   `json:"confirmed"`
	Bundle    uint64 `json:"bundle"` // revision of the trust bundle it is known to have
	// Recoveries counts the times it came back after its certificate had expired.
	Recoveries int       `json:"recoveries"`
	Recovered  time.Time `json:"recovered,omitzero"` // the last of them
	Archived   time.Time `json:"archived,omitzero"`  // by a person, or after long silence
}

// Scope bounds what a token may enrol. The zero Scope bounds nothing.
type Scope struct {
	Networks []netip.Prefix `json:"networks,omitempty"` // addresses to come from
	Name     string         `json:"name,omitempty"`     // pattern of path.Match for the host name it claims
	Clones   bool           `json:"clones,omitempty"`   // copies of enrolled hosts, and no others
}

// Allows reports whether a host with that address and claimed name is within.
func (s Scope) Allows(from netip.Addr, name string) bool {
	within := len(s.Networks) == 0
	for _, n := range s.Networks {
		within = within || n.Contains(from.Unmap())
	}
	if s.Name != "" {
		match, err := path.Match(s.Name, name)
		within = within && match && err == nil
	}
	return within
}

// Token is an invitation to enrol, without its secret.
type Token struct {
	ID       string    `json:"id"` // 16 hexadecimal digits
	Hash     [32]byte  `json:"-"`  // SHA-256 of the secret
	Label    string    `json:"label,omitempty"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires"`
	Uses     int       `json:"uses"` // how many hosts it may enrol
	Used     int       `json:"used"`
	Scope    Scope     `json:"scope"`
	Tags     []string  `json:"tags,omitempty"` // that its hosts are given as they come, sorted
	Approval bool      `json:"approval"`       // its hosts wait for a person
	Revoked  time.Time `json:"revoked,omitzero"`
}

// Request is a host that waits for a person's approval.
type Request struct {
	Key      KeyHash    `json:"-"`
	ID       string     `json:"id"` // the first 16 hexadecimal digits of Key; what a person names
	Machine  Machine    `json:"machine"`
	From     netip.Addr `json:"from"`
	Token    string     `json:"token,omitempty"`
	Tags     []string   `json:"tags,omitempty"` // that the token gives it if it is approved
	CloneOf  HostID     `json:"clone_of,omitempty"`
	Asked    time.Time  `json:"asked"` // first
	Again    time.Time  `json:"again"` // last
	Decision Decision   `json:"decision"`
}

// Decision is what became of a request.
type Decision string

// The decisions.
const (
	Waiting  Decision = "waiting"
	Approved Decision = "approved"
	Rejected Decision = "rejected"
)

// Missing is records of a host's spool that will never come, both ends included.
type Missing struct {
	Lane     string
	Epoch    uint64
	From, To uint64
	Reason   GapReason
}

// GapReason says why records are missing.
type GapReason string

// The reasons.
const (
	Unexplained GapReason = "unexplained" // seen from the sequence alone
	Evicted     GapReason = "evicted"     // the host's spool was full
	Damaged     GapReason = "damaged"     // its disk did not hold what was written
	Diverged    GapReason = "diverged"    // the machine was set back to an older state
)
