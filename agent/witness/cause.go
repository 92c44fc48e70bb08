package witness

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

// cause makes a finding's cause of an audit event that changed path. Everything
// is copied: the event belongs to the assembler.
func (n *names) cause(e *audit.Event, path, operation string) finding.Cause {
	command := n.redact(e.AppendCommand(nil))
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

func (n *names) word(id uint32) string {
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
