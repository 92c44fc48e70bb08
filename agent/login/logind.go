package login

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/agent/actor"
	"seawall/pkg/audit"
	"seawall/pkg/passwd"
	"seawall/pkg/utmp"
)

const (
	logindDir   = "/run/systemd/sessions/"
	logindLimit = 16 << 10
	utmpFile    = "/run/utmp"
	utmpLimit   = 8 << 20
	askTries    = 4
	askEvery    = int64(time.Second)
	maxHost     = 253
)

// ask looks for logind's file of the session, whose number is the session's.
func (s *Sessions) ask(n *Session) {
	if s.cfg.Offline || n.tries >= askTries || n.tries > 0 && s.now-n.asked < askEvery {
		return
	}
	n.tries++
	n.asked = s.now
	if f, ok := s.logind(strconv.FormatUint(uint64(n.ID), 10)); ok && f.audit == n.ID && f.uid == n.AUID {
		n.Origin = f.origin
		if n.Leader == 0 {
			n.Leader, n.Begun = f.leader, f.begun
		}
	}
}

// file is what logind's file of a session has.
type file struct {
	uid, leader, audit uint32
	begun              time.Time
	origin             actor.Origin
}

// logind reads the file of the session that logind calls id.
func (s *Sessions) logind(id string) (file, bool) {
	s.stats.Reads++
	b, err := s.cfg.Root.ReadFile(logindDir+id, logindLimit)
	if err != nil {
		return file{}, false
	}
	return parseLogind(b), true
}

// parseLogind reads a file of /run/systemd/sessions: lines of NAME=value, values
// quoted where they need it (systemd's session_save, parse_env_file).
func parseLogind(b []byte) file {
	f := file{uid: audit.Unset, audit: audit.Unset, origin: actor.Origin{Source: actor.Logind}}
	for line := range bytes.Lines(b) {
		key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte{'='})
		value = unquote(value)
		switch string(key) {
		case "UID":
			f.uid = number(value)
		case "AUDIT":
			f.audit = number(value)
		case "LEADER":
			if n := number(value); n != audit.Unset {
				f.leader = n
			}
		case "REALTIME":
			const latest = 1 << 52 // µs
			if usec, err := strconv.ParseInt(string(value), 10, 64); err == nil && usec > 0 && usec < latest {
				f.begun = time.UnixMicro(usec)
			}
		case "TTY":
			f.origin.Terminal = terminal(string(value))
		case "SERVICE":
			f.origin.Service = service(string(value))
		case "REMOTE_HOST":
			f.origin.Address, f.origin.Host = remote(string(value))
		}
	}
	return f
}

// service names a PAM service as opener names its program.
func service(name string) string {
	const longest = 32
	switch {
	case name == "crond":
		return "cron"
	case len(name) > longest || !plain(name):
		return ""
	}
	return name
}

// remote returns the address or name of a remote host.
func remote(s string) (address netip.Addr, host string) {
	if a := parseAddr(s); a.IsValid() {
		return a, ""
	}
	if s == "" || len(s) > maxHost || !plain(s) {
		return netip.Addr{}, ""
	}
	return netip.Addr{}, s
}

// plain reports whether s has only what names of hosts and services have.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) < 0
}

// Load reads who is logged in now, at start: of logind, and of /run/utmp whom logind
// does not know. That neither is there is no error.
func (s *Sessions) Load(now time.Time) error {
	if s.cfg.Offline {
		return nil
	}
	return errors.Join(s.loadLogind(now), s.loadUtmp(now))
}

func (s *Sessions) loadLogind(now time.Time) error {
	names, err := s.cfg.Root.ReadDir(logindDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("sessions of logind: %w", err)
	}
	// Beside each file may be a FIFO, N.ref.
	names = slices.DeleteFunc(names, func(name string) bool { return !plain(name) || strings.HasSuffix(name, ".ref") })
	for _, name := range names[:min(len(names), maxSessions)] {
		f, ok := s.logind(name)
		if !ok || f.uid == audit.Unset {
			continue
		}
		if f.audit == audit.Unset { // logind did not have it when the session began
			var auid uint32
			if auid, f.audit = s.proc.Login(f.leader); auid != f.uid {
				continue
			}
		}
		if f.audit == audit.Unset {
			continue
		}
		n := s.make(f.audit, now)
		n.AUID, n.Leader, n.Begun, n.Origin = f.uid, f.leader, f.begun, f.origin
	}
	return nil
}

func (s *Sessions) loadUtmp(now time.Time) error {
	s.stats.Reads++
	b, err := s.cfg.Root.ReadFile(utmpFile, utmpLimit)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return nil
	} else if err != nil {
		return err
	}
	records, err := utmp.Parse(b, utmp.Size())
	if err != nil {
		err = fmt.Errorf("%s: %w", utmpFile, err)
	}
	users := s.users()
	for i := range records[:min(len(records), maxSessions)] {
		s.utmp(&records[i], users, now)
	}
	return err
}

// utmp takes a record of utmp for the session that its process is of.
func (s *Sessions) utmp(r *utmp.Record, users map[string]uint32, now time.Time) {
	if r.Type != utmp.User || r.PID == 0 {
		return
	}
	auid, session := s.proc.Login(r.PID)
	if uid, known := users[r.User]; session == audit.Unset || !known || uid != auid {
		return
	}
	n := s.make(session, now)
	if n.Origin.Source != "" || n.AUID != audit.Unset && n.AUID != auid {
		return
	}
	n.AUID, n.Begun = auid, r.Time
	n.Origin = actor.Origin{Address: r.Address, Terminal: terminal(r.Line), Source: actor.Utmp}
	if !n.Origin.Address.IsValid() {
		n.Origin.Address, n.Origin.Host = remote(r.Host)
	}
}

// users are the numbers of the host's users.
func (s *Sessions) users() map[string]uint32 {
	s.stats.Reads++
	b, err := s.cfg.Root.ReadFile("/etc/passwd", passwd.Limit)
	if err != nil {
		return nil
	}
	list, _ := passwd.Users(b)
	users := make(map[string]uint32, len(list))
	for _, u := range list {
		if _, twice := users[u.Name]; !twice {
			users[u.Name] = uint32(u.UID)
		}
	}
	return users
}
