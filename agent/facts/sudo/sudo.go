package sudo

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/owner"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
	"seawall/pkg/sudoers"
	"seawall/pkg/text"
)

const (
	program = "/usr/bin/sudo"
	rules   = "/etc/sudoers"
)

// Limits of what is kept.
const (
	maxGrants  = 12_000
	maxLines   = 100
	maxDepends = 300
	maxText    = 512
)

// Read reads the facts of the host's sudo.
func Read(_ context.Context, env fact.Env) Facts {
	begin := env.Now()
	f := Facts{Files: []File{}, Ignored: []string{}, Errors: []Line{}, Grants: []Grant{}, Scoped: []Default{}, Defaults: map[string]Default{}}
	r := &reader{Facts: &f, root: env.Root}
	r.read()
	f.Meta.Took = env.Now().Sub(begin)
	return f
}

// reader fills in the facts.
type reader struct {
	*Facts
	root   hostfs.Root
	config *sudoers.Config
	people people
	weak   map[string]string // program → who else may change it
	typed  map[string]bool   // who, as written → whether one of them has a password
	asks   []asking
}

func (r *reader) read() {
	r.Meta.Depend(program, rules, "/etc/passwd", "/etc/group", "/etc/shadow")
	r.Program, r.Installed = "sudo", r.root.Exists(program)
	if link, err := r.root.Readlink("/etc/alternatives/sudo"); err == nil && strings.Contains(link, "cargo") {
		r.Program = "sudo-rs"
	}
	var err error
	r.config, err = sudoers.Load(r.root, rules)
	switch {
	case !r.Installed:
		r.Meta.State, r.Meta.Reason = fact.StateAbsent, "sudo is not installed"
		return
	case errors.Is(err, fs.ErrNotExist):
		r.Meta.State, r.Meta.Reason = fact.StateError, "there is no "+rules
		return
	case err != nil:
		r.Meta.Fail("read rules", err)
		return
	}
	r.Meta.State = fact.StateKnown
	r.Meta.Depend(r.config.Files...)
	for _, name := range r.config.Files {
		r.file(name, false)
	}
	for _, name := range r.config.Dirs {
		r.Meta.Depend(name + "/")
		if r.root.Exists(name) {
			r.file(name, true)
		}
	}
	for _, name := range r.config.Ignored {
		if len(r.Ignored) == maxLines {
			r.Meta.Leave("ignored", "there are more files than are listed")
			break
		}
		if r.says(name) {
			r.Ignored = append(r.Ignored, clean(name))
		}
	}
	for _, e := range r.config.Errors {
		if len(r.Errors) == maxLines {
			r.Meta.Leave("errors", "there are more faulty lines than are listed")
			break
		}
		r.Errors = append(r.Errors, Line{Why: clean(e.Why), File: e.File, Line: e.Line, Raw: hushed(e.Raw)})
	}
	r.defaults()
	r.people = readPeople(r.root)
	r.grants()
}

func clean(s string) string { return text.Clean(s, maxText) }

// hushed is a line without the passwords that commands are given. NOPASSWD: itself
// announces none.
func hushed(raw string) string {
	parts := strings.SplitAfter(raw, "PASSWD:")
	for i, p := range parts {
		parts[i] = redact.Text(p)
	}
	return clean(strings.Join(parts, ""))
}

func (r *reader) file(name string, dir bool) {
	f := File{Path: clean(name), Dir: dir, Mode: -1, UID: -1, GID: -1}
	fi, err := r.root.Stat(name)
	if err != nil {
		f.Error = clean(err.Error())
	} else {
		f.Mode, f.UID, f.GID = owner.Of(fi)
	}
	r.Files = append(r.Files, f)
}

// says reports whether a file has a line that is no comment.
func (r *reader) says(name string) bool {
	data, err := r.root.ReadFile(name, 0)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && (line[0] != '#' || strings.HasPrefix(line, "#include")) {
			return true
		}
	}
	return false
}

// defaults works out the settings that hold for everybody.
func (r *reader) defaults() {
	for name, on := range map[string]bool{"env_reset": true, "authenticate": true, "use_pty": r.ptyByDefault(), "visiblepw": false,
		"targetpw": false, "rootpw": false, "runaspw": false, "logfile": false, "log_output": false, "log_input": false, "syslog": true,
		"secure_path": false, "tty_tickets": true, "insults": false, "pwfeedback": false, "exempt_group": false} {
		r.Defaults[name] = Default{Name: name, On: on}
	}
	for name, value := range map[string]string{"timestamp_timeout": "15", "passwd_tries": "3", "passwd_timeout": "0", "timestamp_type": "tty"} {
		r.Defaults[name] = Default{Name: name, On: true, Value: value}
	}
	for _, d := range r.config.Defaults {
		out := Default{Name: d.Name, Value: clean(d.Value), On: !d.Not, Set: true, File: d.File, Line: d.Line, Raw: clean(d.Raw), Scope: r.scope(d)}
		if d.Scope != 0 {
			if len(r.Scoped) < maxLines {
				r.Scoped = append(r.Scoped, out)
			} else {
				r.Meta.Leave("scoped", "there are more settings than are looked at")
			}
			continue
		}
		if before := r.Defaults[d.Name]; d.Op == "+=" && before.Value != "" {
			out.Value = clean(before.Value + " " + d.Value)
		}
		if len(r.Defaults) < 500 {
			r.Defaults[d.Name] = out
		} else {
			r.Meta.Leave("defaults", "there are more settings than are looked at")
		}
	}
}

// scope says whom a setting is for.
func (r *reader) scope(d sudoers.Default) string {
	var words []string
	for _, m := range d.Members {
		words = append(words, spell(m))
	}
	for _, c := range d.Commands {
		words = append(words, spellCommand(c))
	}
	kind := map[byte]string{':': "user ", '@': "host ", '>': "run as ", '!': "command "}[d.Scope]
	return clean(kind + strings.Join(words, ", "))
}

// ptyByDefault reports whether this sudo gives commands a terminal of their own
// unasked: since 1.9.14, and sudo-rs. The program has its version in it.
func (r *reader) ptyByDefault() bool {
	if r.Program == "sudo-rs" {
		return true
	}
	data, err := r.root.ReadFile(program, 8<<20)
	if err != nil {
		return false
	}
	m := regexp.MustCompile(`\x00(1\.[0-9]+\.[0-9]+)(p[0-9]+)?\x00`).FindSubmatch(data)
	if m == nil {
		return false
	}
	return later(strings.Split(string(m[1]), "."), []int{1, 9, 14})
}
