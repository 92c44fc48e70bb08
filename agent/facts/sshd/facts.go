package sshd

import "seawall/agent/facts/fact"

// Facts is what is known of the host's SSH server.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Live: the facts are of the running system, whose sshd can be asked.
	Live bool `json:"live"`
	// Installed: the server's program is there.
	Installed bool `json:"installed"`
	// Version is the server's own word, such as "OpenSSH_9.2p1"; empty where it
	// could not be asked.
	Version string `json:"version"`
	// Refused is sshd's message when it refuses its configuration; the daemon
	// would not start with it. There are no connections then.
	Refused string `json:"refused"`
	// ByParser: the settings are this program's reading of the files, since sshd
	// could not be asked (an image, or sshd does not run here). ParserReason says
	// why.
	ByParser     bool   `json:"by_parser"`
	ParserReason string `json:"parser_reason"`
	// Truncated: there are more kinds of connection than were asked; the ones
	// kept are the most permissive by this program's own reading.
	Truncated bool `json:"truncated"`
	// Connections has one entry per kind of connection that the configuration
	// tells apart. The worst over all of them is the worst that anybody can get.
	Connections []Connection `json:"connections"`
	// HostKeys are the keys that the server uses, Files the configuration files
	// and key files with their permissions.
	HostKeys []HostKey `json:"host_keys"`
	Files    []File    `json:"files"`
	// Users are root and everybody whose shell lets them log in.
	Users []User `json:"users"`
}

// Connection is one kind of connection and what holds for it. All connections
// to which the same Match blocks apply are one kind; the fields before Settings
// are one example of it, in the words of sshd's -C option.
type Connection struct {
	User         string `json:"user"`
	Host         string `json:"host"`
	Address      string `json:"address"`
	LocalAddress string `json:"local_address"`
	LocalPort    string `json:"local_port"`
	RDomain      string `json:"rdomain"`
	// Label is the example for people: "user root from 203.0.113.9".
	Label string `json:"label"`
	// Public: the example's address is one of the public Internet, which no
	// Match condition singles out.
	Public bool `json:"public"`
	// Root: the user is root. A setting of root's own (PermitRootLogin) means
	// nothing on other connections.
	Root bool `json:"root"`
	// Settings has every keyword that sshd -T prints, in lower case.
	Settings map[string]Setting `json:"settings"`
}

// Setting is one keyword's value on one connection.
type Setting struct {
	// Value is what sshd -T prints after the keyword; where the keyword is
	// printed more than once, the values joined by a space. Values has them one
	// by one.
	Value  string   `json:"value"`
	Values []string `json:"values"`
	// Set: a line of the configuration sets the value, and File, Line and Raw
	// are that line (the first, where several do). Otherwise it is the default.
	Set  bool   `json:"set"`
	File string `json:"file"`
	Line int    `json:"line"`
	Raw  string `json:"raw"`
}

// HostKey is one key by which the server proves itself.
type HostKey struct {
	Path string `json:"path"`
	// Type is the key's kind as ssh-keygen names it: rsa, ecdsa, ed25519, dsa,
	// sk-ecdsa, sk-ed25519; empty where it is not known.
	Type string `json:"type"`
	Bits int    `json:"bits"`
	Mode int    `json:"mode"` // permission bits
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	// PublicOnly: there is a public part and no private file (an agent holds it).
	PublicOnly bool `json:"public_only"`
	// Default: no HostKey line names it, it is one of sshd's own. A default key
	// that is missing is left out of the list.
	Default bool   `json:"default"`
	Error   string `json:"error"`
}

// File is one file that the server reads, and who may change it. Mode, UID and
// GID are -1 where Error says why they are not known.
type File struct {
	Path string `json:"path"`
	Kind string `json:"kind"` // config, config_dir, host_key, host_key_public
	Mode int    `json:"mode"` // permission bits
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	// KeysGroup says that the group is ssh_keys, which Red Hat's sshd lets read keys.
	KeysGroup bool   `json:"keys_group"`
	Error     string `json:"error"`
}

// User is somebody whose shell lets them log in, by the passwd file.
type User struct {
	Name  string `json:"name"`
	UID   int    `json:"uid"`
	Home  string `json:"home"`
	Shell string `json:"shell"`
}

// RefusedError is sshd's refusal of a configuration or of a connection.
type RefusedError struct {
	Message string // sshd's own, of one or more lines
	File    string // where the message names one
	Line    int
}

// Error is sshd's message.
func (e *RefusedError) Error() string { return e.Message }
