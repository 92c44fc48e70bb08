// Package words says values of audit records as ausearch -i does.
package words

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/sockaddr"
)

// Names remembers users' and groups' names.
type Names struct{ users, groups map[string]string }

// New returns Names that knows none yet.
func New() *Names { return &Names{map[string]string{}, map[string]string{}} }

// User says a user by its number.
func (n *Names) User(id string) string {
	if id == "4294967295" || id == "-1" {
		return "unset"
	}
	if name, ok := n.users[id]; ok {
		return name
	}
	name := "unknown(" + id + ")"
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	n.users[id] = name
	return name
}

// Group says a group by its number.
func (n *Names) Group(id string) string {
	if id == "4294967295" || id == "-1" {
		return "unset"
	}
	if name, ok := n.groups[id]; ok {
		return name
	}
	name := "unknown(" + id + ")"
	if g, err := user.LookupGroupId(id); err == nil {
		name = g.Name
	}
	n.groups[id] = name
	return name
}

// Exit says an error by its name; what follows in ausearch is what the C library has to
// say of it, which is compared by its beginning.
func Exit(text string) []string {
	n, err := strconv.Atoi(text)
	if err != nil || n >= 0 {
		return []string{text}
	}
	if name := unix.ErrnoName(unix.Errno(-n)); name != "" {
		return []string{name + "("}
	}
	return []string{text}
}

// Machine names an architecture of those that programs here can be of.
func Machine(arch string) string {
	switch arch {
	case "c000003e":
		return "x86_64"
	case "40000003":
		return "i386"
	}
	return ""
}

// Mode says a file's kind and rights.
func Mode(text string) string {
	m, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		return text
	}
	var parts []string
	if kind, ok := fileKinds[m&unix.S_IFMT]; ok {
		parts = append(parts, kind)
	} else {
		parts = append(parts, fmt.Sprintf("%03o", (m&unix.S_IFMT)/(1<<9)))
	}
	for _, s := range []struct {
		bit  uint64
		name string
	}{{unix.S_ISUID, "suid"}, {unix.S_ISGID, "sgid"}, {unix.S_ISVTX, "sticky"}} {
		if m&s.bit != 0 {
			parts = append(parts, s.name)
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("%03o", m&0o777)), ",")
}

var fileKinds = map[uint64]string{
	unix.S_IFREG: "file", unix.S_IFDIR: "dir", unix.S_IFCHR: "character", unix.S_IFBLK: "block",
	unix.S_IFIFO: "fifo", unix.S_IFLNK: "link", unix.S_IFSOCK: "socket",
}

// Escape is how ausearch writes bytes to a terminal; it stops at a NUL.
func Escape(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' }) < 0 {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Addresses says an address. Of families that are not read here equal bytes must have
// equal words.
func Addresses(text string) (words []string, symbol bool) {
	a, ok := sockaddr.Parse([]byte(text))
	switch {
	case !ok || a.Family == unix.AF_PACKET:
		return []string{fmt.Sprintf("unknown-family(%d)", a.Family)}, true
	case a.Family == unix.AF_INET:
		return []string{fmt.Sprintf("{ saddr_fam=inet laddr=%s lport=%d }", a.IP, a.Port)}, false
	case a.Family == unix.AF_INET6:
		return []string{fmt.Sprintf("{ saddr_fam=inet6 laddr=%s lport=%d }", a.IP, a.Port)}, false
	case a.Family == unix.AF_UNIX:
		path := string(a.Path)
		if a.Abstract { // it ends at a NUL
			path, _, _ = strings.Cut(path, "\x00")
		}
		return []string{"{ saddr_fam=local path=" + path + " }", "{ saddr_fam=local path=" + Escape(path) + " }"}, false
	case a.Family == unix.AF_NETLINK:
		return []string{fmt.Sprintf("{ saddr_fam=netlink nlnk-fam=%d nlnk-pid=%d }", a.Family, a.Port)}, false
	}
	return []string{fmt.Sprintf("{ saddr_fam=vsock cid=%d port=%d }", a.Number, a.Port)}, false
}
