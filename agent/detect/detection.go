package detect

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/agent/actor"
	"seawall/agent/taxonomy"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/effect"
	"seawall/pkg/finding"
	"seawall/pkg/sigma"
	"seawall/pkg/text"
)

// Bounds of a sample.
const (
	maxSamples  = 5
	maxAncestry = 12
	maxRecords  = 16
	maxCommand  = 1024 // bytes
	maxRecord   = 1024
	maxID       = 64
	maxReason   = 512
	maxList     = 16
)

// begin makes the detection that a rule begins.
func begin(r *sigma.Rule) finding.Detection {
	return finding.Detection{Rule: Name(r), Title: cut(r.Title, maxRecord), Severity: severity(r.Level), Techniques: cutAll(r.Techniques(), maxID),
		Description: cut(r.Description, text.Limit), FalsePositives: cutAll(r.FalsePositives, maxReason)}
}

// Name is what detections call their rule: its id, or without one its name or title.
func Name(r *sigma.Rule) string {
	for _, name := range []string{r.ID, r.Name} {
		if name != "" {
			return cut(name, maxID)
		}
	}
	return cut(r.Title, maxID)
}

// severity is a rule's level; one that says none is low.
func severity(l sigma.Level) finding.Severity {
	if l == 0 {
		return finding.SeverityLow
	}
	return finding.Severity(l)
}

// sample makes a sample of the event at hand.
func (d *Detector) sample(e *audit.Event) finding.Sample {
	s := finding.Sample{Time: e.Time, Serial: uint64(e.Serial), Claimed: e.Message != nil, Target: d.target(e), Syscall: effect.Call(e)}
	if !e.HasSyscall {
		s.Syscall = ""
	}
	d.text = e.AppendCommand(d.text[:0])
	s.Command = cut(d.cfg.Redact.Command(d.text), maxCommand)
	s.Actor, s.Ancestry = d.who(e)
	if s.Command == "" && len(s.Ancestry) > 0 {
		s.Command = s.Ancestry[0].Command
	}
	for i := range e.Records {
		if len(s.Records) == maxRecords {
			break
		}
		if r := &e.Records[i]; r.Type != unix.AUDIT_EOE && r.Type != unix.AUDIT_EXECVE && r.Type != unix.AUDIT_PROCTITLE {
			s.Records = append(s.Records, cut("type="+auditlog.Name(r.Type)+" "+d.record(r), maxRecord))
		}
	}
	return s
}

// who says who acted, and by what processes.
func (d *Detector) who(e *audit.Event) (finding.Actor, []finding.Process) {
	p := d.process
	if p == nil || d.cfg.Processes == nil {
		return plain(actor.Of([]actor.Step{{PID: e.PID, Exe: string(e.Exe), Comm: string(e.Comm), UID: e.UID, EUID: e.EUID, AUID: e.AUID, Session: e.Session}}, actor.Origin{}, d.user)), nil
	}
	var from actor.Origin
	if d.cfg.Sessions != nil && e.Session != audit.Unset {
		if s := d.cfg.Sessions.Lookup(e.Session, e.AUID, e.Time); s != nil {
			from = s.Origin
		}
	}
	a := plain(actor.Of(d.cfg.Processes.Steps(p), from, d.user))
	var list []finding.Process
	for p := range d.cfg.Processes.Ancestors(p) {
		if len(list) == maxAncestry {
			break
		}
		list = append(list, finding.Process{PID: p.PID, Exe: cut(p.Exe, maxRecord), Command: cut(d.cfg.Redact.Command([]byte(p.Argv)), maxCommand)})
	}
	return a, list
}

// plain is an actor as it is kept.
func plain(a actor.Actor) finding.Actor {
	from := a.From.Host
	switch {
	case a.From.Address.IsValid():
		from = a.From.Address.String()
	case from == "":
		from = a.From.Terminal
	}
	via := slices.Clone(a.Through)
	for _, where := range []string{a.Unit, a.Container} {
		if where != "" {
			via = append(via, where)
		}
	}
	return finding.Actor{AUID: a.AUID, Login: cut(a.Login, maxRecord), UID: a.UID, User: cut(a.User, maxRecord), Session: a.Session,
		From: cut(from, maxRecord), Via: cut(strings.Join(via, ", "), maxRecord), Program: cut(a.Program, maxRecord), Text: cut(a.String(), maxRecord)}
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
		case effect.Did(e, i) != "" && (best < 0 || e.Paths[i].Nametype == audit.NametypeCreate):
			best = i
		case best < 0 && e.Paths[i].Nametype != audit.NametypeParent:
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	name, _ := effect.AppendName(nil, e, best)
	return cut(string(name), maxRecord)
}

// record returns a record's text without secrets.
func (d *Detector) record(r *audit.Record) string {
	if r.Type == unix.AUDIT_SYSCALL || r.Type == unix.AUDIT_CWD || r.Type == unix.AUDIT_PATH || r.Type == unix.AUDIT_SOCKADDR {
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
				out = strconv.AppendQuote(out, d.cfg.Redact.Text(string(raw)))
				continue
			}
		}
		out = append(out, value...)
	}
	return d.cfg.Redact.Text(string(out))
}

// cut makes a text fit to be shown, and no longer than a limit.
func cut(s string, limit int) string { return text.Clean(s, limit) }

func cutAll(list []string, limit int) []string {
	var all []string
	for _, s := range list[:min(len(list), maxList)] {
		all = append(all, cut(s, limit))
	}
	return all
}
