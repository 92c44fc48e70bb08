package sudo

import "seawall/agent/facts/fact"

// Facts is what is known of the host's sudo.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Installed: the program is there. Program is "sudo" or "sudo-rs".
	Installed bool   `json:"installed"`
	Program   string `json:"program"`
	// Files are the files that sudo reads and the directories it looks into, with
	// their permissions. Ignored are files in those directories that sudo passes
	// over because of their names.
	Files   []File   `json:"files"`
	Ignored []string `json:"ignored"`
	// Errors are lines that sudo cannot read.
	Errors []Line `json:"errors"`
	// Grants are the rules, one for each command of each line. MoreGrants were left
	// out.
	Grants     []Grant `json:"grants"`
	MoreGrants int     `json:"more_grants"`
	// Defaults are the settings that hold for everybody, by name, unset ones with
	// sudo's own default. Scoped are those that a line sets for some only.
	Defaults map[string]Default `json:"defaults"`
	Scoped   []Default          `json:"scoped"`
}

// Grant is one command that somebody may run as somebody else.
type Grant struct {
	// Who is as written, with aliases replaced: a user, %group, #uid, +netgroup or
	// ALL. Everybody: it is ALL. Missing: there is no such user or group.
	Who       string `json:"who"`
	Everybody bool   `json:"everybody"`
	Missing   bool   `json:"missing"`
	// Users are the users of the host that this means, without root; none for
	// Everybody.
	Users []string `json:"users"`
	// Password: one of Users has a password that can be typed, so that asking for
	// it would work.
	Password bool   `json:"password"`
	Hosts    string `json:"hosts"`
	RunAs    string `json:"run_as"`
	// AsRoot: RunAs allows root.
	AsRoot bool `json:"as_root"`
	// Command is as written, with aliases replaced. Program is its file, All that
	// it is ALL, Negated that the line excludes it.
	Command string `json:"command"`
	Program string `json:"program"`
	All     bool   `json:"all"`
	Negated bool   `json:"negated"`
	// NoPassword, SetEnv and NoExec are the tags that hold for it, !authenticate and
	// the like included.
	NoPassword bool `json:"no_password"`
	SetEnv     bool `json:"set_env"`
	NoExec     bool `json:"no_exec"`
	// Escape: the program can be made to run any other, such as an editor.
	Escape bool `json:"escape"`
	// Writable names the program or the directory above it that others than root
	// may change.
	Writable string `json:"writable"`
	// Wildcard: its arguments have a wildcard, which matches blanks too.
	Wildcard bool   `json:"wildcard"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Raw      string `json:"raw"`
}

// Default is one setting of a Defaults line.
type Default struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// On: a flag is on, a setting has a value.
	On bool `json:"on"`
	// Scope is whom it is for: "user ann", "command /bin/ls", "host web"; empty: all.
	Scope string `json:"scope"`
	Set   bool   `json:"set"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}

// File is a file or directory of sudo's.
type File struct {
	Path  string `json:"path"`
	Dir   bool   `json:"dir"`
	Mode  int    `json:"mode"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Error string `json:"error"`
}

// Line is a line with what is wrong with it.
type Line struct {
	Why  string `json:"why"`
	File string `json:"file"`
	Line int    `json:"line"`
	Raw  string `json:"raw"`
}
