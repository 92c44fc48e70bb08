package watch

import (
	"encoding/hex"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/actor"
	"seawall/agent/login"
	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/effect"
	"seawall/pkg/hostfs"
	"seawall/pkg/names"
	"seawall/pkg/redact"
	"seawall/pkg/sockaddr"
	"seawall/pkg/text"
)

// Event is an audit event as it is printed.
type Event struct {
	Time    time.Time `json:"time"`
	Serial  uint32    `json:"serial"`
	Call    string    `json:"call"`             // system call, or the kind of record
	Failed  string    `json:"failed,omitempty"` // ENOENT
	Actor   string    `json:"actor"`            // all of who acted, in words
	Login   string    `json:"login,omitempty"`
	User    string    `json:"user"`
	PID     uint32    `json:"pid"`
	Session uint32    `json:"session,omitempty"`
	Exe     string    `json:"exe,omitempty"`
	Command string    `json:"command,omitempty"`
	Key     string    `json:"key,omitempty"` // of the rule
	Paths   []string  `json:"paths,omitempty"`
	Address string    `json:"address,omitempty"`
	Changes []Change  `json:"changes,omitempty"`
	Message string    `json:"message,omitempty"` // a program's own words, not the kernel's
	Records []string  `json:"records"`           // their types
}

// Change is what an event did to a file.
type Change struct {
	Path      string `json:"path"`
	Operation string `json:"operation"`
}

const (
	maxPath    = 1024
	maxMessage = 1024
)

// reader makes Events of audit events. It belongs to one goroutine.
type reader struct {
	table    *process.Table
	sessions *login.Sessions
	users    names.Users
	hide     *redact.Redactor
}

// newReader looks at what runs and who is logged in now. What it cannot see it does
// without.
func newReader(root hostfs.Root, hide *redact.Redactor) *reader {
	r := &reader{table: process.New(process.Config{Root: root}), users: names.Users{Root: root}, hide: hide}
	r.sessions = login.New(login.Config{Root: root, Sender: func(pid uint32, at time.Time) (login.Sender, bool) {
		p := r.table.Lookup(pid, at)
		if p == nil {
			return login.Sender{}, false
		}
		return login.Sender{Exe: p.Exe, EUID: p.EUID, Contained: r.table.Contained(p)}, true
	}})
	_ = r.table.Scan()
	_ = r.sessions.Load(time.Now())
	return r
}

// read makes an Event, of whose texts nothing belongs to e.
func (r *reader) read(e *audit.Event) *Event {
	p := r.table.Observe(e)
	r.sessions.Observe(e)
	x := &Event{Time: e.Time, Serial: e.Serial, PID: e.PID, Login: r.name(e.AUID), User: r.name(e.EUID),
		Exe: text.Clean(e.Exe, maxPath), Key: text.Clean(strings.ReplaceAll(string(e.Key), "\x01", " "), maxPath)}
	if e.Session != audit.Unset {
		x.Session = e.Session
	}
	for i := range e.Records {
		if t := e.Records[i].Type; t != unix.AUDIT_EOE {
			x.Records = append(x.Records, auditlog.Name(t))
		}
	}
	x.Call = effect.Call(e)
	if !e.HasSyscall || x.Call == "" {
		x.Call = strings.Join(x.Records[:min(1, len(x.Records))], "")
	}
	if e.HasSyscall && !e.Success && e.Exit < 0 {
		x.Failed = unix.ErrnoName(syscall.Errno(-e.Exit))
	}
	if !e.HasSyscall {
		x.User = r.name(e.UID)
	}
	if command := e.AppendCommand(nil); len(command) > 0 {
		x.Command = text.Clean(r.hide.Command(command), maxPath)
	}
	x.Message = text.Clean(r.message(string(e.Message)), maxMessage)
	if a, ok := sockaddr.Parse(e.Sockaddr); ok {
		x.Address = text.Clean(a.String(), maxPath)
	}
	r.files(x, e)
	x.Actor = text.Clean(r.actor(e, p), maxPath)
	return x
}

// message is what a program told, without secrets: commands stand in it in hexadecimal.
func (r *reader) message(s string) string {
	words := strings.Split(strings.Trim(s, "'"), " ")
	for i, w := range words {
		key, value, _ := strings.Cut(w, "=")
		if key != "cmd" && key != "data" && key != "proctitle" {
			continue
		}
		if raw, err := hex.DecodeString(value); err == nil {
			words[i] = key + "=" + strconv.Quote(r.hide.Text(strings.ReplaceAll(string(raw), "\x00", " ")))
		}
	}
	return r.hide.Text(strings.Join(words, " "))
}

// files adds the files that the event named, and what it did to them.
func (r *reader) files(x *Event, e *audit.Event) {
	for i := range e.Paths {
		if e.Paths[i].Nametype == audit.NametypeParent {
			continue
		}
		name, _ := effect.AppendName(nil, e, i)
		x.Paths = append(x.Paths, text.Clean(name, maxPath))
	}
	for _, c := range effect.Changes(e) {
		x.Changes = append(x.Changes, Change{Path: text.Clean(c.Path, maxPath), Operation: c.Operation})
	}
}

// actor says who acted.
func (r *reader) actor(e *audit.Event, p *process.Process) string {
	steps := r.table.Steps(p)
	if p == nil {
		steps = []actor.Step{{PID: e.PID, Exe: string(e.Exe), Comm: string(e.Comm), UID: e.UID, EUID: e.EUID, AUID: e.AUID, Session: e.Session}}
	}
	var from actor.Origin
	if n := r.sessions.Lookup(e.Session, e.AUID, e.Time); n != nil {
		from = n.Origin
	}
	return actor.Of(steps, from, r.users.Name).String()
}

// name is a user's name, or its number.
func (r *reader) name(id uint32) string {
	if id == audit.Unset {
		return ""
	}
	if name := r.users.Name(id); name != "" {
		return text.Clean(name, maxPath)
	}
	return strconv.FormatUint(uint64(id), 10)
}

// who is the login user and as whom, short.
func (e *Event) who() string {
	if e.Login == "" || e.Login == e.User {
		return e.User
	}
	return e.Login + ">" + e.User
}

// about is what the event was about, short: of a program that starts its command, else
// the file or the address, and by which program.
func (e *Event) about() string {
	var words []string
	if e.Failed != "" {
		words = append(words, e.Failed)
	}
	switch {
	case e.Message != "":
		return strings.Join(append(words, e.Message), " ")
	case strings.HasPrefix(e.Call, "execve"):
		return strings.Join(append(words, e.Command), " ")
	case len(e.Changes) > 0:
		words = append(words, e.Changes[0].Operation, e.Changes[0].Path)
	case e.Address != "":
		words = append(words, e.Address)
	case len(e.Paths) > 0:
		words = append(words, e.Paths[0])
	}
	if e.Command != "" {
		words = append(words, "("+e.Command+")")
	}
	return strings.Join(words, " ")
}
