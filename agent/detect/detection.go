package detect

import (
	"encoding/hex"
	"strconv"
	"time"

	"seawall/agent/actor"
	"seawall/agent/taxonomy"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/finding"
	"seawall/pkg/redact"
	"seawall/pkg/sigma"
	"seawall/pkg/text"
)

// Detection is one thing that a rule says, as long as it goes on.
type Detection struct {
	ID      string // the same in every report of one detection
	Rule    Rule
	Count   uint64
	First   time.Time
	Last    time.Time
	Samples []Sample // the first, and others
	// Group has the values that a correlation is grouped by.
	Group []string
	Ended bool // nothing more will be reported of it
}

// Rule is what a detection says of its rule.
type Rule struct {
	ID, Title      string // without an id, ID is the name or the title
	Severity       finding.Severity
	Techniques     []string
	Description    string
	FalsePositives []string
	File           string
	Line           int
}

// Sample is one event of a detection.
type Sample struct {
	Time     time.Time
	Serial   uint32
	Actor    actor.Actor
	Command  string    // redacted
	Ancestry []Process // the process that acted and those that began it
	Target   string    // file, address, or ""
	Syscall  string
	// Claimed: by a program, not by the kernel.
	Claimed bool
	Records []string // without arguments
}

// Process is one of the processes that led to an event.
type Process struct {
	PID     uint32
	Exe     string
	Command string // redacted
}

// Bounds of a sample.
const (
	maxSamples  = 5
	maxAncestry = 12
	maxRecords  = 16
	maxCommand  = 1024 // bytes
	maxRecord   = 1024
	maxID       = 64
)

func ruleOf(r *sigma.Rule) Rule {
	id := r.ID
	if id == "" {
		id = r.Name
	}
	if id == "" {
		id = r.Title
	}
	return Rule{ID: cut(id, maxID), Title: r.Title, Severity: severity(r.Level), Techniques: r.Techniques(), Description: r.Description,
		FalsePositives: r.FalsePositives, File: r.File, Line: r.Line}
}

// severity is a rule's level; one that says none is low.
func severity(l sigma.Level) finding.Severity {
	if l == 0 {
		return finding.SeverityLow
	}
	return finding.Severity(l)
}

// sample makes a sample of the event at hand.
func (d *Detector) sample(e *audit.Event) Sample {
	s := Sample{Time: e.Time, Serial: e.Serial, Claimed: e.Message != nil, Target: d.target(e), Syscall: audit.SyscallName(e)}
	if !e.HasSyscall {
		s.Syscall = ""
	}
	d.text = e.AppendCommand(d.text[:0])
	s.Command = cut(redact.Command(d.text), maxCommand)
	s.Actor, s.Ancestry = d.who(e)
	if s.Command == "" && len(s.Ancestry) > 0 {
		s.Command = s.Ancestry[0].Command
	}
	for i := range e.Records {
		if len(s.Records) == maxRecords {
			break
		}
		if r := &e.Records[i]; r.Type != audit.TypeEOE && r.Type != audit.TypeExecve && r.Type != audit.TypeProctitle {
			s.Records = append(s.Records, cut("type="+auditlog.Name(r.Type)+" "+d.record(r), maxRecord))
		}
	}
	return s
}

// who says who acted, and by what processes.
func (d *Detector) who(e *audit.Event) (actor.Actor, []Process) {
	p := d.process
	if p == nil || d.cfg.Processes == nil {
		return actor.Actor{AUID: e.AUID, Login: d.user(e.AUID), Session: e.Session, UID: e.EUID, User: d.user(e.EUID), Program: text.Clean(string(e.Exe), maxRecord)}, nil
	}
	var from actor.Origin
	if d.cfg.Sessions != nil && e.Session != audit.Unset {
		if s := d.cfg.Sessions.Lookup(e.Session, e.AUID, e.Time); s != nil {
			from = s.Origin
		}
	}
	steps := d.cfg.Processes.Steps(p)
	var list []Process
	for a := range d.cfg.Processes.Ancestors(p) {
		if len(list) == maxAncestry {
			break
		}
		list = append(list, Process{PID: a.PID, Exe: cut(a.Exe, maxRecord), Command: cut(redact.Command([]byte(a.Argv)), maxCommand)})
	}
	return actor.Of(steps, from, d.user), list
}

func (d *Detector) user(uid uint32) string {
	if d.cfg.User == nil || uid == audit.Unset {
		return ""
	}
	return d.cfg.User(uid)
}

// target names what the event was about: the file that it changed, the file that it
// named, or the address.
func (d *Detector) target(e *audit.Event) string {
	if addr, ok := taxonomy.Endpoint(e.Sockaddr); ok {
		return addr.String()
	}
	best := -1
	for i := range e.Paths {
		if len(e.Argv) > 0 {
			break // the program's own
		}
		switch {
		case e.Did(i) != "" && (best < 0 || e.Paths[i].Nametype == audit.NametypeCreate):
			best = i
		case best < 0 && e.Paths[i].Nametype != audit.NametypeParent:
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	name, _ := e.AppendName(nil, best)
	return cut(string(name), maxRecord)
}

// record returns a record's text without secrets.
func (d *Detector) record(r *audit.Record) string {
	if r.Type == audit.TypeSyscall || r.Type == audit.TypeCWD || r.Type == audit.TypePath || r.Type == audit.TypeSockaddr {
		return string(r.Text)
	}
	out := make([]byte, 0, len(r.Text))
	for rest := r.Text; len(out) < maxRecord; {
		key, value, more, ok := audit.NextField(rest)
		if !ok {
			break
		}
		rest = more
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = append(append(out, key...), '=')
		if string(key) == "cmd" || string(key) == "data" || string(key) == "proctitle" {
			if raw, err := hex.DecodeString(string(value)); err == nil {
				out = strconv.AppendQuote(out, redact.Text(string(raw)))
				continue
			}
		}
		out = append(out, value...)
	}
	return redact.Text(string(out))
}

// cut makes a text fit to be shown, and no longer than a limit.
func cut(s string, limit int) string { return text.Clean(s, limit) }
