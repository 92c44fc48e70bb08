// Package cause says who made an audit event, as a finding tells it: login user, user,
// session, terminal, program, command line without its secrets, time and serial.
package cause

import (
	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Lengths of a cause's texts, in bytes.
const (
	maxCommand = 1024
	maxPath    = 1024
	maxWord    = 128
)

// Of makes a finding's cause of an audit event that changed path. Everything
// is copied: the event belongs to the assembler.
func (n *Names) Of(e *audit.Event, path, operation string) finding.Cause {
	command := n.Redact(e.AppendCommand(nil))
	return finding.Cause{
		Serial:    uint64(e.Serial),
		Time:      e.Time,
		AUID:      e.AUID,
		LoginUser: n.word(e.AUID),
		UID:       e.UID,
		User:      n.word(e.UID),
		EUID:      e.EUID,
		Session:   e.Session,
		PID:       e.PID,
		TTY:       tty(e.TTY),
		Exe:       text.Clean(e.Exe, maxPath),
		Command:   text.Clean(command, maxCommand),
		Path:      text.Clean(path, maxPath),
		Operation: operation,
	}
}

func (n *Names) word(id uint32) string {
	if id == finding.Unset {
		return ""
	}
	return text.Clean(n.user(id), maxWord)
}

// tty is empty where the process has no terminal, which the kernel writes (none).
func tty(b []byte) string {
	if string(b) == "(none)" {
		return ""
	}
	return text.Clean(b, maxWord)
}
