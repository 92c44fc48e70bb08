package login

import (
	"path"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/actor"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
	"seawall/pkg/procfs"
)

const maxSessions = 4096

// Types of records (linux/audit.h, libaudit's audit-records.h).
const (
	typeUserStart  = 1105
	typeUserEnd    = 1106
	typeUserLogin  = 1112
	typeUserLogout = 1113
)

// Sender is what the kernel tells of a process that sent a record.
type Sender struct {
	Exe       string // "" where not known
	EUID      uint32
	Contained bool // in a container or a PID namespace of its own
}

// Config is what Sessions need.
type Config struct {
	Root hostfs.Root
	// Offline: the events are of another time or host, no file is looked at.
	Offline bool
	// Sender tells of the process that had the number at the time; ok is false where it
	// is not known. Without it no user-space record is believed.
	Sender func(pid uint32, at time.Time) (s Sender, ok bool)
}

// Session is a login session.
type Session struct {
	ID     uint32
	AUID   uint32
	Leader uint32 // the process that began it, 0 where not known
	// Old is the session that the leader was of before, or audit.Unset.
	Old          uint32
	Begun, Ended time.Time // zero where not known
	Origin       actor.Origin

	used  int64 // when it was last asked for or told of
	asked int64 // when logind was asked
	tries int
}

// Stats counts what Sessions saw.
type Stats struct {
	Sessions int
	Believed uint64 // user-space records that told where a session came from
	Rejected uint64 // those that were not believed
	Reads    uint64 // of files
	Evicted  uint64
}

// Sessions is the login sessions of one host. It is not safe for concurrent use.
type Sessions struct {
	cfg   Config
	proc  procfs.Reader
	byID  map[uint32]*Session
	now   int64
	limit int
	stats Stats
}

// New returns Sessions that know of none.
func New(cfg Config) *Sessions {
	return &Sessions{cfg: cfg, proc: procfs.Reader{Root: cfg.Root}, byID: map[uint32]*Session{}, limit: maxSessions}
}

// Stats returns the counts so far.
func (s *Sessions) Stats() Stats {
	st := s.stats
	st.Sessions = len(s.byID)
	st.Reads += s.proc.Reads
	return st
}

// Observe takes what the event tells of sessions, if it does. Nothing of it is kept.
func (s *Sessions) Observe(e *audit.Event) {
	for i := range e.Records {
		switch r := &e.Records[i]; r.Type {
		case unix.AUDIT_LOGIN:
			if l, ok := parseLogin(r.Text); ok {
				s.begin(l, e.Time)
			}
		case typeUserStart, typeUserLogin:
			s.claimed(e)
		case typeUserEnd, typeUserLogout:
			s.ended(e)
		}
	}
}

// begin takes the kernel's word that a session began.
func (s *Sessions) begin(l begun, at time.Time) {
	n := s.make(l.session, at)
	if n.AUID != l.auid || n.Leader != l.pid {
		n.Origin, n.tries, n.asked = actor.Origin{}, 0, 0
	}
	n.AUID, n.Leader, n.Old, n.Begun, n.Ended = l.auid, l.pid, l.old, at, time.Time{}
}

// claimed takes a record of user space, if it may be believed.
func (s *Sessions) claimed(e *audit.Event) {
	n := s.byID[e.Session]
	if n == nil || e.Session == audit.Unset {
		return // of no session, or of one whose beginning was not seen
	}
	if e.PID != n.Leader {
		return // sudo and su tell of their own sessions
	}
	program, c, ok := s.believe(n, e)
	if !ok {
		s.stats.Rejected++
		return
	}
	s.stats.Believed++
	n.touch(e.Time)
	if n.Origin.Source == actor.Logind {
		return
	}
	o := actor.Origin{Address: c.address(), Service: program, Terminal: terminal(string(c.terminal)), Source: actor.Audit}
	if !o.Address.IsValid() {
		o.Address = n.Origin.Address // of an earlier record
	}
	n.Origin = o
}

// believe checks a user-space record and returns which program sent it and what it
// claims.
func (s *Sessions) believe(n *Session, e *audit.Event) (program string, c claim, ok bool) {
	if e.AUID != n.AUID || s.cfg.Sender == nil {
		return "", claim{}, false
	}
	sender, known := s.cfg.Sender(e.PID, e.Time)
	if program = opener(sender.Exe); !known || program == "" || sender.EUID != 0 || sender.Contained {
		return "", claim{}, false
	}
	c, ok = parseClaim(e.Message)
	return program, c, ok && c.success() && (c.exe == nil || opener(string(c.exe)) == program)
}

// ended takes a record of the leader that its session is over.
func (s *Sessions) ended(e *audit.Event) {
	if n := s.byID[e.Session]; n != nil && e.PID == n.Leader && e.Session != audit.Unset {
		if _, _, ok := s.believe(n, e); ok {
			n.Ended = e.Time
		}
	}
}

// opener returns the name of a program that opens sessions, by the path of its file, and
// "" of any other.
func opener(exe string) string {
	dir, name := path.Split(exe)
	switch dir {
	case "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/lib/openssh/", "/usr/libexec/openssh/", "/usr/libexec/", "/usr/lib/systemd/", "/lib/systemd/":
	default:
		return ""
	}
	switch name {
	case "sshd", "sshd-session", "sshd-auth":
		return "sshd"
	case "cron", "crond":
		return "cron"
	case "login", "dropbear", "atd", "gdm-session-worker", "lightdm", "sddm-helper", "systemd", "systemd-executor", "xrdp-sesman":
		return name
	}
	return ""
}

// terminal bounds the name of a terminal, "" where there is none.
func terminal(s string) string {
	const longest = 32
	if s == "?" || s == "ssh" || s == "cron" || s == "(none)" || len(s) > longest {
		return ""
	}
	for _, c := range s {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return s
}

// Lookup returns the session that the audit record of a process names, asking logind
// where its origin is not known; nil where nothing is known of it. auid is the login
// user in the same record.
func (s *Sessions) Lookup(id, auid uint32, at time.Time) *Session {
	if id == audit.Unset {
		return nil
	}
	s.now = max(s.now, at.UnixNano())
	n := s.byID[id]
	if n == nil {
		n = s.make(id, at)
		n.AUID, n.Old = auid, audit.Unset
	}
	n.touch(at)
	if n.AUID != auid {
		return nil
	}
	if n.Origin.Source != actor.Logind {
		s.ask(n)
	}
	return n
}

func (n *Session) touch(at time.Time) { n.used = max(n.used, at.UnixNano()) }

// make returns the session with the number, a new one where there is none.
func (s *Sessions) make(id uint32, at time.Time) *Session {
	s.now = max(s.now, at.UnixNano())
	n := s.byID[id]
	if n == nil {
		if len(s.byID) >= s.limit {
			s.evict()
		}
		n = &Session{ID: id, AUID: audit.Unset, Old: audit.Unset}
		s.byID[id] = n
	}
	n.touch(at)
	return n
}

// evict forgets the session that is least worth keeping: one without an address, one
// that ended, the longest unused.
func (s *Sessions) evict() {
	var worst *Session
	for _, n := range s.byID {
		if worst == nil || n.less(worst) {
			worst = n
		}
	}
	if worst != nil {
		delete(s.byID, worst.ID)
		s.stats.Evicted++
	}
}

// less reports whether n is worth less than m.
func (n *Session) less(m *Session) bool {
	if a, b := n.remote(), m.remote(); a != b {
		return b
	}
	if a, b := n.Ended.IsZero(), m.Ended.IsZero(); a != b {
		return b
	}
	if n.used != m.used {
		return n.used < m.used
	}
	return n.ID < m.ID
}

func (n *Session) remote() bool { return n.Origin.Address.IsValid() || n.Origin.Host != "" }
