// Package actor says who acted, in data and in one sentence: the login user, where the
// login came from, and through what (sudo, su, cron, a unit, a container).
//
// The login user is the kernel's word (auid): it stays through sudo and su. Where the
// login came from is user space's word, which is why an [Origin] says whose. The steps
// are processes, from the one that acted up; a program's name is taken from its file as
// the kernel tells it, and where that is not known from what the process calls itself
// if it runs as root.
package actor

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Unset is the kernel's value for a login user or session that was never set.
const Unset = ^uint32(0)

// Source says whose word an origin is.
type Source string

// The sources of an origin, best first. Every address is user space's word.
const (
	// Logind: systemd-logind's own record, which only root can make it write.
	Logind Source = "logind"
	// Audit: a record of the program that opened the session, checked to be one that does.
	Audit Source = "audit"
	// Utmp: /run/utmp, which whoever is of its group can write too.
	Utmp Source = "utmp"
)

// Origin is where a login session came from. Its zero value says that nothing is known.
type Origin struct {
	Address  netip.Addr // not valid where the login was local or is not known
	Host     string     // a name in place of the address, as it was told
	Service  string     // sshd, login, cron
	Terminal string
	Source   Source
}

// Step is one process on the way to an action.
type Step struct {
	PID  uint32
	Exe  string // the program's file, "" where not known
	Comm string // what the process calls itself
	// Before is the program that the process was before it became this one, where
	// that one had changed who it is (doas and pkexec become what they start).
	Before    string
	UID, EUID uint32
	AUID      uint32
	Session   uint32

	Unit, Container, Runtime string
}

// Actor is who acted.
type Actor struct {
	AUID    uint32 // login user, or Unset
	Login   string // its name, "" for none
	Session uint32
	UID     uint32 // as whom
	User    string
	From    Origin
	Program string
	Through []string // outermost first: cron, sudo, su, …

	Unit, Container, Runtime string
}

// Of puts together who acted: steps has the process that acted first, then its
// ancestors. user names a user by number, or returns "".
func Of(steps []Step, from Origin, user func(uid uint32) string) Actor {
	if len(steps) == 0 {
		return Actor{AUID: Unset, Session: Unset, UID: Unset, From: from}
	}
	s := steps[0]
	a := Actor{
		AUID: s.AUID, Login: known(s.AUID, user), Session: s.Session, UID: s.EUID, User: known(s.EUID, user),
		From: from, Program: s.program(), Unit: s.Unit, Container: s.Container, Runtime: s.Runtime,
	}
	for i, s := range steps {
		// Of the process itself, only what it was before: it is not its own way.
		if name := gate(s.program()); i > 0 && name != "" {
			a.Through = append(a.Through, name)
		}
		if name := gate(trusted(s.Before)); name != "" {
			a.Through = append(a.Through, name)
		}
	}
	slices.Reverse(a.Through)
	a.Through = slices.Compact(a.Through)
	return a
}

func known(id uint32, user func(uint32) string) string {
	if id == Unset {
		return ""
	}
	if name := user(id); name != "" {
		return name
	}
	return "user " + strconv.FormatUint(uint64(id), 10)
}

// program names the step's program; nobody but root can put a file where it is
// trusted, and a process of root is not called as another likes.
func (s *Step) program() string {
	if s.Exe != "" {
		return trusted(s.Exe)
	}
	if s.EUID == 0 {
		return s.Comm
	}
	return ""
}

// trusted returns the name of a program that stands in a directory of root's, and the
// whole path of any other.
func trusted(exe string) string {
	dir, name := path.Split(strings.TrimSuffix(exe, " (deleted)"))
	switch dir {
	case "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/cargo/bin/", "/usr/lib/openssh/", "/usr/libexec/openssh/":
		return name
	}
	return exe
}

// gate returns the common name of a program by which people become others or act from
// afar, and "" of any other.
func gate(program string) string {
	switch program {
	case "sudo", "su", "doas", "pkexec", "runuser", "at", "atd", "anacron", "cron", "machinectl":
		return program
	case "sudo-rs", "sudo.ws", "sudoedit":
		return "sudo"
	case "su-rs":
		return "su"
	case "crond", "CRON", "CROND":
		return "cron"
	case "systemd-run", "run0":
		return "systemd-run"
	}
	return ""
}

// String returns the actor in one sentence's part, for people:
//
//	alice from 203.0.113.7 through sudo as root
//	root by cron
//	www-data in nginx.service
//	root in docker container 3f2a91c07be4
func (a Actor) String() string {
	s := a.who() + a.whence()
	if len(a.Through) > 0 {
		s += " through " + strings.Join(a.Through, ", ")
	}
	if a.Login != "" && a.User != "" && a.UID != a.AUID {
		s += " as " + a.User
	}
	return s + a.within()
}

// whence says where the login came from.
func (a Actor) whence() string {
	from := ""
	switch {
	case a.From.Address.IsValid():
		from = " from " + a.From.Address.String()
	case a.From.Host != "":
		from = " from " + a.From.Host
	case a.From.Terminal != "" && a.From.Service != "cron" && a.Login != "":
		return " at " + a.From.Terminal
	}
	if from != "" && a.From.Source == Utmp {
		from += " (by utmp)"
	}
	return from
}

// within names the container or the unit, but for those that are made for any login.
func (a Actor) within() string {
	const short = 12
	switch {
	case a.Container != "":
		id := a.Container
		if len(id) > 2*short && strings.Trim(id, "0123456789abcdef") == "" {
			id = id[:short]
		}
		return " in " + a.Runtime + " container " + id
	case a.Unit == "", a.Login != "" && (strings.HasPrefix(a.Unit, "session-") || strings.HasPrefix(a.Unit, "user@")):
		return ""
	}
	return " in " + a.Unit
}

// who is the login user, else the user, for a process that nobody's login began.
func (a Actor) who() string {
	switch {
	case a.Login != "":
		return a.Login
	case a.User != "":
		return a.User
	}
	return "somebody unknown"
}
