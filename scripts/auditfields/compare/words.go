package compare

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/sockaddr"
	"seawall/pkg/syscallname"
)

// names remembers users' and groups' names.
type names struct{ users, groups map[string]string }

func newNames() *names { return &names{map[string]string{}, map[string]string{}} }

func (n *names) user(id string) string {
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

func (n *names) group(id string) string {
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

// in returns the words in which ausearch says f, any of which will do; symbol says that
// it may also have words of its own.
func (n *names) in(r *record, f *field) (words []string, symbol bool) {
	switch {
	case users[f.key]:
		return []string{n.user(f.text)}, false
	case groups[f.key]:
		return []string{n.group(f.text)}, false
	case f.key == "exit":
		return exit(f.text), false
	case f.key == "mode" && r.typ == unix.AUDIT_PATH:
		return []string{mode(f.text)}, false
	case f.key == "saddr":
		return addresses(f.text)
	}
	if word := known(r, f); word != "" {
		return []string{word}, false
	}
	switch {
	case f.null:
		return []string{f.raw}, symbolic[f.key]
	case f.key == "proctitle":
		return []string{escape(strings.ReplaceAll(strings.TrimRight(f.text, "\x00"), "\x00", " "))}, false
	case f.key == "key": // of each of a rule's keys it makes a field
		return []string{strings.ReplaceAll(escape(strings.ReplaceAll(f.text, "\x01", "\x7f")), "\x7f", " key=")}, false
	case encoded(r.typ, f.key):
		return []string{escape(f.text)}, false
	case r.typ == unix.AUDIT_SYSCALL && len(f.key) == 2 && f.key[0] == 'a':
		return []string{"0x" + f.text}, true
	}
	return []string{f.text}, symbolic[f.key] || f.key == "mode"
}

// known is the one word of a field that has one, or "".
func known(r *record, f *field) string {
	switch f.key {
	case "ses":
		if f.text == "4294967295" {
			return "unset"
		}
	case "arch":
		return machine(f.text)
	case "syscall":
		return callName(r, f)
	case "res", "result":
		switch {
		case f.text == "1" && !f.told:
			return "yes"
		case f.text == "0" && !f.told:
			return "no"
		}
	}
	return ""
}

// The fields that are users and groups.
var (
	users = map[string]bool{
		"auid": true, "uid": true, "euid": true, "suid": true, "fsuid": true, "ouid": true, "oauid": true, "old-auid": true,
		"id": true, "sauid": true, "iuid": true, "inode_uid": true,
	}
	groups = map[string]bool{
		"gid": true, "egid": true, "sgid": true, "fsgid": true, "ogid": true, "igid": true, "inode_gid": true, "new_gid": true,
	}
)

// symbolic are the fields for which ausearch has words that are not here.
var symbolic = map[string]bool{
	"list": true, "sig": true, "code": true, "oflag": true, "flags": true, "prot": true, "resolve": true, "perm": true,
	"cap_fp": true, "cap_fi": true, "cap_fe": true, "fp": true, "fi": true, "fe": true, "pp": true, "pi": true, "pe": true, "pa": true,
	"old_pp": true, "old_pi": true, "old_pe": true, "old_pa": true, "cap_pi": true, "cap_pe": true, "cap_pp": true, "cap_pa": true,
	"family": true, "uring_op": true, "inode": false, "op": false, "nl-mcgrp": true, "sigev_signo": true, "audit_enabled": true,
	"audit_failure": true, "proto": true, "macproto": true, "hook": true, "action": true, "resrc": true, "prom": true, "old_prom": true,
}

// callName names the system call that f is the number of.
func callName(r *record, f *field) string {
	number, err := strconv.Atoi(f.text)
	if err != nil {
		return ""
	}
	for i := range r.fields {
		if r.fields[i].key == "arch" {
			arch, _ := strconv.ParseUint(r.fields[i].text, 16, 32)
			return syscallname.Name(uint32(arch), number)
		}
	}
	return ""
}

// exit says an error by its name; what follows in ausearch is what the C library has to
// say of it, which is compared by its beginning.
func exit(text string) []string {
	n, err := strconv.Atoi(text)
	if err != nil || n >= 0 {
		return []string{text}
	}
	if name := unix.ErrnoName(unix.Errno(-n)); name != "" {
		return []string{name + "("}
	}
	return []string{text}
}

// machine names an architecture of those that programs here can be of.
func machine(arch string) string {
	switch arch {
	case "c000003e":
		return "x86_64"
	case "40000003":
		return "i386"
	}
	return ""
}

// mode says a file's kind and rights.
func mode(text string) string {
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

// escape is how ausearch writes bytes to a terminal; it stops at a NUL.
func escape(s string) string {
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

// addresses says an address. Of families that are not read here equal bytes must have
// equal words.
func addresses(text string) (words []string, symbol bool) {
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
		return []string{"{ saddr_fam=local path=" + path + " }", "{ saddr_fam=local path=" + escape(path) + " }"}, false
	case a.Family == unix.AF_NETLINK:
		return []string{fmt.Sprintf("{ saddr_fam=netlink nlnk-fam=%d nlnk-pid=%d }", a.Family, a.Port)}, false
	}
	return []string{fmt.Sprintf("{ saddr_fam=vsock cid=%d port=%d }", a.Number, a.Port)}, false
}
