package login

import (
	"bytes"
	"net/netip"

	"seawall/pkg/audit"
)

// claim is what the text of a user-space record claims.
type claim struct {
	exe, hostname, addr, terminal, res []byte
}

const maxMessage = 8 << 10

// parseClaim reads the msg='…' of a user-space record, as libaudit's
// audit_log_user_message writes it:
//
//	'op=PAM:session_open … acct="alice" exe="/usr/sbin/sshd" hostname=192.0.2.1 addr=192.0.2.1 terminal=ssh res=success'
//
// libaudit writes in hexadecimal what has blanks, quotes or controls, so a text with a
// control byte, or with one of the fields twice, is none of its and ok is false.
func parseClaim(msg []byte) (c claim, ok bool) {
	if len(msg) > maxMessage || len(msg) < 2 || msg[0] != '\'' {
		return claim{}, false
	}
	end := bytes.LastIndexByte(msg, '\'')
	if end == 0 {
		return claim{}, false
	}
	for _, b := range msg[1:end] {
		if b < ' ' || b == 0x7f {
			return claim{}, false
		}
	}
	for rest := msg[1:end]; len(rest) > 0; {
		var word []byte
		word, rest = nextWord(rest)
		key, value, found := bytes.Cut(word, []byte{'='})
		if !found {
			continue
		}
		field := c.field(key)
		if field == nil {
			continue
		}
		if *field != nil {
			return claim{}, false
		}
		*field = unquote(value)
	}
	return c, true
}

func (c *claim) field(key []byte) *[]byte {
	switch string(key) {
	case "exe":
		return &c.exe
	case "hostname":
		return &c.hostname
	case "addr":
		return &c.addr
	case "terminal":
		return &c.terminal
	case "res":
		return &c.res
	}
	return nil
}

// nextWord splits the first word off b; blanks between quotes are part of it.
func nextWord(b []byte) (word, rest []byte) {
	b = bytes.TrimLeft(b, " ")
	quoted := false
	for i, c := range b {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// unquote takes the quotes off a value; it never returns nil.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	if b == nil {
		return []byte{}
	}
	return b
}

// success reports whether what the record tells of came about.
func (c *claim) success() bool { return string(c.res) == "success" || string(c.res) == "1" }

// address returns the address that the claim has, if it is one.
func (c *claim) address() netip.Addr {
	for _, text := range [][]byte{c.addr, c.hostname} {
		if a := parseAddr(string(text)); a.IsValid() {
			return a
		}
	}
	return netip.Addr{}
}

// parseAddr returns the address that s is, without a zone.
func parseAddr(s string) netip.Addr {
	const longest = 64
	if len(s) > longest {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// begun is what the kernel's LOGIN record tells.
type begun struct {
	pid, uid, auid, session, old uint32
}

// parseLogin reads the text of a LOGIN record; ok says that it has all and that the
// login user was set:
//
//	pid=812 uid=0 subj=unconfined old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1
func parseLogin(text []byte) (l begun, ok bool) {
	l = begun{pid: audit.Unset, uid: audit.Unset, auid: audit.Unset, session: audit.Unset, old: audit.Unset}
	for len(text) > 0 {
		var word []byte
		word, text = nextWord(text)
		key, value, _ := bytes.Cut(word, []byte{'='})
		switch string(key) {
		case "pid":
			l.pid = number(value)
		case "uid":
			l.uid = number(value)
		case "auid":
			l.auid = number(value)
		case "ses":
			l.session = number(value)
		case "old-ses":
			l.old = number(value)
		case "res":
			ok = string(value) == "1"
		}
	}
	return l, ok && l.pid != audit.Unset && l.auid != audit.Unset && l.session != audit.Unset
}

// number reads a number of 32 bits; anything else is Unset.
func number(b []byte) uint32 {
	const digits = 10
	if len(b) == 0 || len(b) > digits {
		return audit.Unset
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return audit.Unset
		}
		n = n*10 + uint64(c-'0')
	}
	if n > uint64(audit.Unset) {
		return audit.Unset
	}
	return uint32(n)
}
