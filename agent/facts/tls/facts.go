package tls

import (
	"seawall/agent/facts/fact"
	"seawall/agent/facts/tls/renewal"
	"seawall/agent/facts/tls/site"
)

// Facts is what the host's servers offer over TLS.
type Facts struct {
	Meta         fact.Meta        `json:"meta"`
	Servers      []site.Server    `json:"servers"`
	Sites        []site.Site      `json:"sites"`
	Certificates []Certificate    `json:"certificates"` // one for each file that a site names
	Keys         []Key            `json:"keys"`
	Parameters   []Parameters     `json:"parameters"` // of Diffie-Hellman
	Clients      []renewal.Client `json:"clients"`
	OpenSSL      OpenSSL          `json:"openssl"`
	Trust        Trust            `json:"trust"`
}

// Certificate is the certificate in a file, and what a client would make of it.
type Certificate struct {
	File           string      `json:"file"`
	State          fact.State  `json:"state"`
	Reason         string      `json:"reason,omitempty"`
	UsedBy         []string    `json:"used_by"` // labels of sites
	Uses           []site.Pair `json:"uses"`
	Web            bool        `json:"web"` // clients of some site check its names
	Subject        string      `json:"subject"`
	Issuer         string      `json:"issuer"`
	Names          []string    `json:"names"`
	Missing        []string    `json:"missing"`    // names of its sites that it does not cover
	NotBefore      string      `json:"not_before"` // RFC 3339
	NotAfter       string      `json:"not_after"`
	NotYet         bool        `json:"not_yet"`
	Expired        bool        `json:"expired"`
	DaysLeft       int         `json:"days_left"` // whole days until NotAfter, negative once it has passed
	LifeDays       int         `json:"life_days"`
	SelfSigned     bool        `json:"self_signed"`
	Authority      bool        `json:"authority"`  // it may sign others
	ServerUse      bool        `json:"server_use"` // clients accept it from a server
	MustStaple     bool        `json:"must_staple"`
	KeyType        string      `json:"key_type"` // RSA, ECDSA, Ed25519, DSA
	KeyBits        int         `json:"key_bits"`
	WeakSignatures []string    `json:"weak_signatures"` // of the certificates that are sent
	Sent           int         `json:"sent"`            // certificates
	Chain          fact.Tri    `json:"chain"`           // complete and in order
	Trusted        fact.Tri    `json:"trusted"`         // by the host's own store
	ChainExpires   string      `json:"chain_expires"`   // the first of the others that ends before it, RFC 3339
	KeyFile        string      `json:"key_file"`
	KeyMatches     fact.Tri    `json:"key_matches"`
	Lineage        string      `json:"lineage"` // of an ACME client, "" where none renews it
	Managed        bool        `json:"managed"` // the server renews it
}

// Key is a private key's file. The key itself is compared and forgotten.
type Key struct {
	File      string     `json:"file"`
	State     fact.State `json:"state"`
	Reason    string     `json:"reason,omitempty"`
	UsedBy    []string   `json:"used_by"`
	Mode      int        `json:"mode"` // of the file that a link leads to
	UID       int        `json:"uid"`
	GID       int        `json:"gid"`
	Encrypted bool       `json:"encrypted"`
	WebRoot   string     `json:"web_root"` // a site's root that it lies below
	OpenDir   string     `json:"open_dir"` // a directory above it that others may write
}

// Parameters is a file of Diffie-Hellman parameters.
type Parameters struct {
	File   string   `json:"file"`
	Bits   int      `json:"bits"` // 0 where not known
	Reason string   `json:"reason,omitempty"`
	UsedBy []string `json:"used_by"`
}

// OpenSSL is the system's own limits for all programs that use the library.
type OpenSSL struct {
	Installed    bool      `json:"installed"`
	Version      string    `json:"version"` // of the library: "3.0"
	MinProtocol  fact.Text `json:"min_protocol"`
	CipherString fact.Text `json:"cipher_string"`
	Level        int       `json:"level"` // the security level in force
	LevelKnown   bool      `json:"level_known"`
	Reason       string    `json:"reason,omitempty"` // why not
	File         string    `json:"file"`             // openssl.cnf
	Policy       fact.Text `json:"policy"`           // of crypto-policies (Fedora, RHEL)
}

// Trust is the host's store of authorities.
type Trust struct {
	File  string      `json:"file"`  // the bundle, "" where there is none
	Added []fact.Text `json:"added"` // files that the host's owner added
	Open  []fact.Text `json:"open"`  // files and directories that others than root may write
}
