package keys

import "seawall/agent/facts/fact"

// Facts is what is known of the keys that open SSH.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Keys are the keys that sshd takes, of every user it takes one from.
	// MoreKeys were left out.
	Keys     []Key `json:"keys"`
	MoreKeys int   `json:"more_keys"`
	// Files are the files that hold them, absent ones left out.
	Files []File `json:"files"`
	// Lines are lines that sshd passes over.
	Lines []Line `json:"lines"`
	// Command is AuthorizedKeysCommand where one is set: keys come from it that are
	// not in Keys. CommandUser is who runs it.
	Command     fact.Text `json:"command"`
	CommandUser string    `json:"command_user"`
	// Left are files of authorized keys in the homes of users who are gone.
	Left []File `json:"left"`
	// Users is how many accounts' files were followed, MoreUsers how many were not.
	Users     int `json:"users"`
	MoreUsers int `json:"more_users"`
}

// Key is one line of an authorized keys file.
type Key struct {
	User string `json:"user"`
	Root bool   `json:"root"` // the user is root, by number
	// Type is the key's kind as ssh-keygen names it (rsa, ecdsa, ed25519, dsa,
	// sk-ecdsa, sk-ed25519), Bits its length.
	Type string `json:"type"`
	Bits int    `json:"bits"`
	// Weak says why the key itself is weak, whatever its length.
	Weak        string `json:"weak"`
	Fingerprint string `json:"fingerprint"` // SHA256:…, as ssh-keygen -l prints it
	Comment     string `json:"comment"`
	// Options are the names of its options; values may be secret and are not kept,
	// but for From.
	Options []string `json:"options"`
	From    string   `json:"from"`
	Command bool     `json:"command"` // it is tied to one command
	// Authority: it signs certificates, all of whose keys get in. Principals: only
	// for names that the line lists.
	Authority  bool `json:"authority"`
	Principals bool `json:"principals"`
	// AgeDays is how long ago the file was last changed.
	AgeDays int `json:"age_days"`
	// Account is the state of the user's account: "open", "locked" (the password
	// is locked, which does not stop a key), "expired", or "unknown". Shell: the
	// user's shell lets them log in. System: the number is below UID_MIN.
	Account string `json:"account"`
	Shell   bool   `json:"shell"`
	System  bool   `json:"system"`
	// Others are other users who have the same key.
	Others []string `json:"others"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Raw    string   `json:"raw"` // kind, fingerprint and comment
}

// File is one authorized keys file.
type File struct {
	Path string `json:"path"`
	User string `json:"user"` // whose keys it holds
	Keys int    `json:"keys"`
	Mode int    `json:"mode"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	// Open names the first of file, directory and the directories above it, up to
	// the home or the root, that somebody else than root and the user owns or may
	// write: sshd with StrictModes passes the file over then. OpenWhy says which.
	Open    string `json:"open"`
	OpenWhy string `json:"open_why"`
	// Shared: other users' keys are in the same file, since AuthorizedKeysFile
	// names one for all.
	Shared bool   `json:"shared"`
	Error  string `json:"error"`
}

// Line is a line that is no key to sshd.
type Line struct {
	User string `json:"user"`
	Why  string `json:"why"`
	File string `json:"file"`
	Line int    `json:"line"`
}
