// Package meaning says what the fields of audit records mean, in words for people: who a
// number is, which call, what an address. What it is given comes from hostile processes
// and is not escaped here; secrets of command lines are hidden (package redact).
package meaning

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/names"
	"seawall/pkg/redact"
	"seawall/pkg/sockaddr"
	"seawall/pkg/syscallname"
)

// Field is one field of a record: as the kernel wrote it and as people read it.
type Field struct {
	Name    string `json:"name"`
	Raw     string `json:"raw"`
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
}

// Namer names numbers as a host does. The zero Namer knows no names.
type Namer struct{ Known *names.Names }

// User names a user, "" where it has no name.
func (n *Namer) User(uid uint32) string {
	if n.Known == nil {
		return ""
	}
	name, _ := n.Known.User(int(uid))
	return name
}

// Account says a user's name and number.
func Account(name string, id uint32) string {
	switch {
	case id == audit.Unset:
		return "nobody"
	case name == "":
		return fmt.Sprintf("user %d", id)
	}
	return fmt.Sprintf("%s (%d)", name, id)
}

// Who says whose rights were used, and who had logged in.
func (n *Namer) Who(e *audit.Event) string {
	s := Account(n.User(e.UID), e.UID)
	if e.EUID != e.UID && e.EUID != audit.Unset {
		s += " with the rights of " + Account(n.User(e.EUID), e.EUID)
	}
	if e.AUID == audit.Unset {
		s += ", not in a login session"
	} else {
		s += ", logged in as " + Account(n.User(e.AUID), e.AUID)
	}
	if e.Session != audit.Unset {
		s += fmt.Sprintf(", session %d", e.Session)
	}
	if tty := string(e.TTY); tty != "" && tty != "(none)" && tty != "?" {
		s += ", terminal " + tty
	}
	return s
}

// Program says which program acted, as which process.
func (n *Namer) Program(e *audit.Event) string {
	s := fmt.Sprintf("process %d", e.PID)
	if e.PPID != 0 {
		s += fmt.Sprintf(", started by %d", e.PPID)
	}
	if len(e.Exe) > 0 {
		s = fmt.Sprintf("%s (%s)", e.Exe, s)
	}
	return s
}

// Fields splits a record's text, and says what each field means. An argument of a
// command can be a secret: it is shown as the whole command line has it.
func (n *Namer) Fields(e *audit.Event, r audit.Record) []Field {
	var fields []Field
	args := hidden(e)
	for name, raw := range pairs(string(r.Text)) {
		f := Field{Name: name, Raw: raw, Value: plain(r.Type, name, raw)}
		f.Meaning = n.meaning(e, r.Type, name, f.Value)
		switch {
		case r.Type == unix.AUDIT_EXECVE && strings.HasPrefix(name, "a") && name != "argc":
			i, err := strconv.Atoi(name[1:])
			switch {
			case err != nil: // a part of a long argument
				f.Value, f.Raw = "…", ""
			case i < len(args):
				f.Value, f.Raw = args[i], ""
			default:
				f.Value, f.Raw = "…", ""
			}
		case name == "proctitle" || name == "cmd" || name == "data":
			f.Value, f.Raw = redact.Command([]byte(strings.ReplaceAll(f.Value, " ", "\x00"))), ""
		}
		fields = append(fields, f)
	}
	return fields
}

// hidden returns the arguments without secrets, which only all of them together tell.
func hidden(e *audit.Event) []string {
	args := make([]string, 0, len(e.Argv))
	for i := range e.Argv {
		// What an argument hides depends on those before it.
		whole := redact.Command(join(e.Argv[:i+1]))
		before := redact.Command(join(e.Argv[:i]))
		args = append(args, strings.TrimPrefix(strings.TrimPrefix(whole, before), " "))
		if i == 63 {
			break
		}
	}
	return args
}

func join(args [][]byte) (b []byte) {
	for i, a := range args {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, a...)
	}
	return b
}

// pairs yields name and value of each field. The part of a program's record that it told
// itself, msg='…', is taken apart too.
func pairs(text string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for text != "" {
			text = strings.TrimLeft(text, " '")
			name, rest, ok := strings.Cut(text, "=")
			if !ok {
				return
			}
			if i := strings.LastIndexByte(name, ' '); i >= 0 {
				name = name[i+1:]
			}
			if name == "msg" && strings.HasPrefix(rest, "'") {
				text = rest[1:]
				continue
			}
			value := ""
			if strings.HasPrefix(rest, `"`) {
				value, text, _ = strings.Cut(rest[1:], `"`)
				value = `"` + value + `"`
			} else {
				value, text, _ = strings.Cut(rest, " ")
				value = strings.TrimSuffix(value, "'")
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// encoded are the fields whose text is hexadecimal when it has odd bytes.
const encoded = " exe comm name cwd key tty proctitle path acct cmd data dir vm ocomm old new-disk old-disk device cgroup watch grp "

// plain undoes the kernel's quotes and hexadecimal.
func plain(typ uint16, name, raw string) string {
	if n := len(raw); n >= 2 && raw[0] == '"' && raw[n-1] == '"' {
		return raw[1 : n-1]
	}
	argument := typ == unix.AUDIT_EXECVE && len(name) > 1 && name[0] == 'a' && name[1] >= '0' && name[1] <= '9'
	if strings.Contains(encoded, " "+name+" ") || argument {
		if b, err := hex.DecodeString(raw); err == nil && len(raw) > 0 {
			return string(b)
		}
	}
	return raw
}

// meaning says what a value stands for; what speaks for itself has none.
func (n *Namer) meaning(e *audit.Event, typ uint16, name, value string) string {
	switch name {
	case "uid", "euid", "suid", "fsuid", "auid", "ouid", "oauid", "old-auid", "new-auid", "sauid", "iuid", "id":
		return n.account(name, value)
	case "gid", "egid", "sgid", "fsgid", "ogid":
		return n.group(value)
	case "ses":
		if value == "4294967295" || value == "-1" {
			return "no login session"
		}
	case "arch":
		return arch(value)
	case "syscall":
		if number, err := strconv.Atoi(value); err == nil {
			return syscallname.Name(e.Arch, number)
		}
	case "exit":
		if number, err := strconv.ParseInt(value, 10, 64); err == nil && number < 0 {
			return Errno(number)
		}
	case "mode":
		return mode(value)
	case "nametype":
		return map[string]string{
			"NORMAL": "was there", "PARENT": "the directory", "CREATE": "was made", "DELETE": "was removed",
		}[value]
	case "saddr":
		return address(value)
	case "key":
		if value == "(null)" {
			return "reported without a key"
		}
	case "items":
		return "PATH records"
	}
	if typ == unix.AUDIT_CONFIG_CHANGE {
		return map[string]string{"audit_pid": "the audit daemon's process", "list": "of rules: 4 is exit", "res": "1 is done"}[name]
	}
	return words()[name]
}

// words says what the names of some fields stand for.
func words() map[string]string {
	return map[string]string{
		"ppid": "the parent process", "subj": "security label", "a0": "", "success": "", "comm": "the thread's name",
		"exe": "the program's file", "cwd": "the working directory", "argc": "arguments", "inode": "of the file",
		"dev": "of the file system, major:minor", "rdev": "the device, if it is one", "cap_fp": "capabilities of the file, permitted",
		"cap_fi": "capabilities of the file, inheritable", "cap_fe": "effective bit", "tty": "the terminal", "proctitle": "the command as the process shows it",
	}
}

func (n *Namer) account(name, value string) string {
	id, err := strconv.ParseUint(value, 10, 32)
	switch {
	case err != nil:
		return ""
	case uint32(id) == audit.Unset && strings.Contains(name, "auid"):
		return "nobody logged in"
	case uint32(id) == audit.Unset:
		return "none"
	}
	return n.User(uint32(id))
}

func (n *Namer) group(value string) string {
	id, err := strconv.Atoi(value)
	if err != nil || n.Known == nil {
		return ""
	}
	name, _ := n.Known.Group(id)
	return name
}

func arch(value string) string {
	number, err := strconv.ParseUint(value, 16, 32)
	if err != nil {
		return ""
	}
	return map[uint64]string{
		unix.AUDIT_ARCH_X86_64: "x86-64", unix.AUDIT_ARCH_I386: "32-bit x86", unix.AUDIT_ARCH_AARCH64: "arm64", unix.AUDIT_ARCH_ARM: "32-bit arm",
	}[number]
}

// mode says what kind of file it is and its permissions.
func mode(value string) string {
	m, err := strconv.ParseUint(value, 8, 32)
	if err != nil {
		return ""
	}
	kind := map[uint64]string{
		unix.S_IFREG: "file", unix.S_IFDIR: "directory", unix.S_IFLNK: "link", unix.S_IFCHR: "character device",
		unix.S_IFBLK: "block device", unix.S_IFIFO: "FIFO", unix.S_IFSOCK: "socket",
	}[m&unix.S_IFMT]
	b := []byte("rwxrwxrwx")
	for i := range b {
		if m&(1<<(8-i)) == 0 {
			b[i] = '-'
		}
	}
	s := strings.TrimSpace(kind + " " + string(b))
	for bit, word := range map[uint64]string{unix.S_ISUID: ", set-user-ID", unix.S_ISGID: ", set-group-ID", unix.S_ISVTX: ", sticky"} {
		if m&bit != 0 {
			s += word
		}
	}
	return s
}

func address(value string) string {
	b, err := hex.DecodeString(value)
	if err != nil {
		return ""
	}
	a, ok := sockaddr.Parse(b)
	if !ok {
		return ""
	}
	return a.String()
}

// Type says what a type of records is about.
func Type(typ string) string {
	return map[string]string{
		"SYSCALL": "the system call and who made it", "PATH": "a file that it named", "CWD": "where relative names begin",
		"EXECVE": "the arguments of the program that it started", "PROCTITLE": "the command", "SOCKADDR": "the address that it named",
		"CONFIG_CHANGE": "kernel audit was set up anew", "EOE": "the end of the event", "LOGIN": "a login session began",
		"USER_CMD": "told by a program: a command was run", "USER_AUTH": "told by a program: somebody proved who they are",
		"USER_LOGIN": "told by a program: a login", "USER_START": "told by a program: a session began", "USER_END": "told by a program: a session ended",
		"MMAP": "memory was mapped", "OPENAT2": "how it opened", "SECCOMP": "a filter of system calls spoke", "AVC": "the security module spoke",
		"BPRM_FCAPS": "capabilities of the program's file, and the process's before and after", "BPF": "a program for the kernel", "KERN_MODULE": "a kernel module", "NETFILTER_CFG": "the packet filter was changed",
	}[typ]
}

// Errno says what the result of a call that failed means.
func Errno(exit int64) string {
	n := unix.Errno(-exit)
	if name := unix.ErrnoName(n); name != "" {
		return fmt.Sprintf("%s (%s)", name, n.Error())
	}
	return fmt.Sprint(exit)
}

// Did says the call of an event, and its result.
func Did(e *audit.Event) string {
	call := effect.Call(e)
	switch {
	case e.Success && e.Exit == 0:
		return call + ": done"
	case e.Success:
		return fmt.Sprintf("%s: done, result %d", call, e.Exit)
	}
	return fmt.Sprintf("%s: failed, %s", call, Errno(e.Exit))
}
