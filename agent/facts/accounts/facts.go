package accounts

import "seawall/agent/facts/fact"

// Facts is what is known of the host's accounts.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Users are the entries of /etc/passwd. MoreUsers were left out: of too many,
	// those who cannot log in go first.
	Users     []User `json:"users"`
	MoreUsers int    `json:"more_users"`
	// Groups are the entries of /etc/group that make their members root by another
	// name, and those of administrators.
	Groups []Group `json:"groups"`
	// Shadow: /etc/shadow could be read. Without it no password's state is known.
	Shadow fact.Tri `json:"shadow"`
	// Duplicates are names and numbers that more than one entry has.
	Duplicates []Duplicate `json:"duplicates"`
	// Problems are lines that libc ignores or that mean more than they seem to:
	// kind is "malformed", "compat" (+ and - entries of NIS), or "no_shadow" and
	// "no_user" where passwd and shadow do not agree.
	Problems []Problem `json:"problems"`
	// Directory names the sources of users besides the host's own files, such as
	// "sss"; they are not in Users.
	Directory []string `json:"directory"`
	// LoginDefs and Useradd are the defaults of shadow-utils by their keys, such
	// as "PASS_MAX_DAYS" and "INACTIVE", unset ones with the program's own default.
	// Numbers has those of both that are whole numbers, octal ones too.
	LoginDefs map[string]fact.Text `json:"login_defs"`
	Useradd   map[string]fact.Text `json:"useradd"`
	Numbers   map[string]int       `json:"numbers"`
	// Umasks and Timeouts are the places that set a umask or TMOUT for login
	// shells, in the order in which they are read: the last one holds. Umask and
	// Timeout are what holds.
	Umasks   []Setting `json:"umasks"`
	Umask    Setting   `json:"umask"`
	Timeouts []Setting `json:"timeouts"`
	Timeout  Setting   `json:"timeout"`
	// RootUmasks are those of root's own files.
	RootUmasks []Setting `json:"root_umasks"`
	// RootPath is the PATH of root's login shell, directory by directory.
	RootPath []PathEntry `json:"root_path"`
	// Shells are the lines of /etc/shells.
	Shells []fact.Text `json:"shells"`
	// Trust are the files by which a host trusts others (/etc/hosts.equiv and
	// /etc/ssh/shosts.equiv), if they are there.
	Trust []DotFile `json:"trust"`
	// LastLogins: the records of logins could be read.
	LastLogins fact.Tri `json:"last_logins"`
}

// User is one entry of /etc/passwd with what shadow and the disk say of it.
type User struct {
	Name  string `json:"name"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Home  string `json:"home"`
	Shell string `json:"shell"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"` // without the password and the comment
	// Group is the name of the primary group, empty where no group has its number.
	Group string `json:"group"`
	// System: the number is below UID_MIN, or is nobody's. Root is not a system
	// account here.
	System bool `json:"system"`
	// Login: the shell lets them log in.
	Login bool `json:"login"`
	// Password is the state of the password, Age what shadow says of time.
	Password Password `json:"password"`
	Age      Age      `json:"age"`
	// HomeDir is what stands at Home; read for those who can log in.
	HomeDir Home `json:"home_dir"`
	// UnusedDays is how long ago the last login was, -1 where none is recorded.
	UnusedDays int `json:"unused_days"`
}

// Password is the state of a password, never the password.
type Password struct {
	// State is "set", "empty" (none is asked for), "locked" (one is set and made
	// unusable by a "!"), "none" (there is none and none can match), or "unknown".
	State string `json:"state"`
	// Method is the hash's: yescrypt, gost-yescrypt, scrypt, bcrypt, sha512,
	// sha256, sunmd5, md5, nthash, bsdi, des; "other" for a prefix that is not known.
	Method string `json:"method"`
	Strong bool   `json:"strong"` // the method withstands guessing: yescrypt, scrypt, bcrypt, sha512
	// InPasswd: it stands in /etc/passwd, where everybody can read it.
	InPasswd bool   `json:"in_passwd"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// Age is what /etc/shadow says of time, in days. -1 is a field that is not set:
// no such limit.
type Age struct {
	Changed     string `json:"changed"` // the day of the last change, 2006-01-02; empty where not known
	ChangedDays int    `json:"changed_days"`
	Future      bool   `json:"future"`      // the last change is after today
	MustChange  bool   `json:"must_change"` // at the next login
	Min         int    `json:"min"`
	Max         int    `json:"max"`
	Warn        int    `json:"warn"`
	Inactive    int    `json:"inactive"`
	// Expires is the day from which nobody can log in with the account, and
	// Expired that it has come. Lapsed: the password is older than Max and
	// Inactive allow.
	Expires string `json:"expires"`
	Expired bool   `json:"expired"`
	Lapsed  bool   `json:"lapsed"`
}

// Home is a home directory.
type Home struct {
	// Read: it was looked at. Error says why it could not be, Exists whether there
	// is a directory.
	Read   bool   `json:"read"`
	Exists bool   `json:"exists"`
	Error  string `json:"error"`
	Mode   int    `json:"mode"`
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	// Dot are its dot files that checks ask for, Writable those among all its dot
	// files that others than the owner may write.
	Dot []DotFile `json:"dot"`
}

// DotFile is a file of a home by which others get in, or secrets out.
type DotFile struct {
	Path string `json:"path"`
	// Kind is netrc, rhosts, shosts, forward, equiv, or writable.
	Kind  string `json:"kind"`
	Mode  int    `json:"mode"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Plus  bool   `json:"plus"` // a line of it trusts everybody ("+")
	Error string `json:"error"`
}

// Group is one group of /etc/group.
type Group struct {
	Name string `json:"name"`
	GID  int    `json:"gid"`
	// Kind is "admin" (sudo, wheel, admin) or "root" (disk, shadow, kmem, docker …).
	Kind string `json:"kind"`
	// Members are named in the group or have it as their primary one, without root.
	Members []string `json:"members"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Raw     string   `json:"raw"`
}

// Duplicate is a name or number that more than one entry has.
type Duplicate struct {
	Kind  string   `json:"kind"` // user, uid, group, gid
	Value string   `json:"value"`
	Names []string `json:"names"`
	File  string   `json:"file"`
	Line  int      `json:"line"` // of the second entry
	Raw   string   `json:"raw"`
}

// Problem is a line that is not what it seems.
type Problem struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
	File string `json:"file"`
	Line int    `json:"line"`
	Raw  string `json:"raw"`
}

// Setting is a number that a file sets for shells.
type Setting struct {
	Value  int    `json:"value"` // a umask in its octal sense, a timeout in seconds
	Text   string `json:"text"`
	Set    bool   `json:"set"`
	Locked bool   `json:"locked"` // readonly
	File   string `json:"file"`
	Line   int    `json:"line"`
	Raw    string `json:"raw"`
}

// PathEntry is one directory of a PATH.
type PathEntry struct {
	Dir string `json:"dir"` // empty: the current directory
	// Wrong is what is wrong with it for root: "empty", "relative", "missing",
	// "not a directory", "not root's", "writable by others"; empty: nothing.
	Wrong string `json:"wrong"`
	Mode  int    `json:"mode"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}
