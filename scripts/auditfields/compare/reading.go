package compare

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
)

// field is one field of a record as we read it.
type field struct {
	key string
	raw string // as the record has it
	// text is what we make of it: decimal or hexadecimal of a number, the bytes of a text.
	text string
	null bool // the kernel wrote that there is none
	told bool // by the sender of a record, not by the kernel
}

// record is one record.
type record struct {
	typ    uint16
	line   string // of the record, without what auditd added
	fields []field
	sent   bool // by a program: it has a message
}

// event is one event.
type event struct {
	serial  uint32
	time    time.Time
	arch    uint32
	call    int
	argv    []string
	records []record
}

// read reads a log. Events with the same serial are one: a late record makes two.
func read(name string) (events []*event, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer f.Close()
	return readFrom(f)
}

func readFrom(r io.Reader) (events []*event, err error) {
	bySerial := map[uint32]*event{}
	a := audit.NewAssembler(0, func(e *audit.Event) {
		ours := bySerial[e.Serial]
		if ours == nil {
			ours = &event{serial: e.Serial, time: e.Time}
			bySerial[e.Serial] = ours
			events = append(events, ours)
		}
		ours.add(e)
	})
	// Records carry their own time; ours does not pass, so that none times out.
	now := time.Now()
	if _, err := auditlog.Read(r, func(typ uint16, payload []byte) { a.Push(typ, payload, now) }); err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	a.Close()
	if s := a.Stats(); s.Malformed > 0 {
		return nil, fmt.Errorf("read log: %d records malformed", s.Malformed)
	}
	return events, nil
}

func (o *event) add(e *audit.Event) {
	if e.HasSyscall {
		o.arch, o.call = e.Arch, e.Syscall
	}
	for _, arg := range e.Argv {
		o.argv = append(o.argv, string(arg))
	}
	paths := 0
	for _, r := range e.Records {
		rec := record{typ: r.Type, line: string(r.Text), sent: e.Message != nil}
		text, told := r.Text, false
		for {
			key, value, rest, ok := audit.NextField(text)
			if !ok {
				break
			}
			if string(key) == "msg" && e.Message != nil && !told {
				told = true
				text = message(e.Message)
				continue
			}
			text = rest
			f := field{key: string(key), raw: string(value), told: told}
			f.null = f.raw == "(null)" || f.raw == "(none)" || f.raw == "?"
			f.text = meant(e, r.Type, paths, &f)
			rec.fields = append(rec.fields, f)
		}
		if r.Type == unix.AUDIT_PATH {
			paths++
		}
		o.records = append(o.records, rec)
	}
}

// meant is the text of a field: what Event has of it, else what its record has.
func meant(e *audit.Event, typ uint16, path int, f *field) string {
	if !f.told {
		if text, known := typed(e, typ, path, f.key); known {
			return text
		}
	}
	if encoded(typ, f.key) {
		return string(audit.AppendText(nil, []byte(f.raw)))
	}
	return f.raw
}

// message is what stands between the quotes of msg='…'.
func message(m []byte) []byte {
	m = bytes.TrimPrefix(m, []byte("'"))
	return bytes.TrimSuffix(bytes.TrimRight(m, " "), []byte("'"))
}

// encoded reports whether the kernel, or by convention a program, encodes the field.
func encoded(typ uint16, key string) bool {
	switch key {
	case "comm", "exe", "name", "cwd", "path", "key", "proctitle", "ocomm", "acct", "cmd", "data", "dir", "watch", "new-disk",
		"old-disk", "vm", "file":
		return true
	case "dev":
		return typ == unix.AUDIT_ANOM_PROMISCUOUS
	}
	return typ == unix.AUDIT_EXECVE && key != "argc" && key[0] == 'a' && key[len(key)-1] != 'n'
}

// typed is what Event says of a field: of path number n, if it is a path's.
func typed(e *audit.Event, typ uint16, n int, key string) (text string, ok bool) {
	switch typ {
	case unix.AUDIT_PATH:
		return typedPath(&e.Paths[n], key)
	case unix.AUDIT_CWD:
		return string(e.CWD), key == "cwd"
	case unix.AUDIT_PROCTITLE:
		return string(e.Proctitle), key == "proctitle"
	case unix.AUDIT_SOCKADDR:
		return string(e.Sockaddr), key == "saddr"
	case unix.AUDIT_EXECVE:
		if key == "argc" {
			return strconv.Itoa(e.Argc), true
		}
		if i, err := strconv.Atoi(key[1:]); err == nil && key[0] == 'a' && i < len(e.Argv) {
			return string(e.Argv[i]), true
		}
		return "", false
	case unix.AUDIT_SYSCALL, unix.AUDIT_URINGOP:
		if text, ok := typedCall(e, key); ok {
			return text, true
		}
	default:
		if e.HasSyscall {
			return "", false
		}
	}
	return typedWho(e, key)
}

// typedWho is what Event says of who it was.
func typedWho(e *audit.Event, key string) (text string, ok bool) {
	dec := func(v uint32) (string, bool) { return strconv.FormatUint(uint64(v), 10), true }
	switch key {
	case "pid":
		return dec(e.PID)
	case "ppid":
		return dec(e.PPID)
	case "auid":
		return dec(e.AUID)
	case "uid":
		return dec(e.UID)
	case "gid":
		return dec(e.GID)
	case "euid":
		return dec(e.EUID)
	case "fsuid":
		return dec(e.FSUID)
	case "ses":
		return dec(e.Session)
	case "tty":
		return string(e.TTY), true
	case "comm":
		return string(e.Comm), true
	case "exe":
		return string(e.Exe), true
	case "key":
		return string(e.Key), true
	}
	return "", false
}

func typedCall(e *audit.Event, key string) (string, bool) {
	if e.Uring && (key == "syscall" || key == "uring_op" || key == "success" || key == "exit") {
		return "", false // of several records in one event
	}
	switch key {
	case "arch":
		return strconv.FormatUint(uint64(e.Arch), 16), true
	case "syscall", "uring_op":
		return strconv.Itoa(e.Syscall), true
	case "success":
		if e.Success {
			return "yes", true
		}
		return "no", true
	case "exit":
		return strconv.FormatInt(e.Exit, 10), true
	case "a0", "a1", "a2", "a3":
		return strconv.FormatUint(e.Args[key[1]-'0'], 16), true
	}
	return "", false
}

func typedPath(p *audit.Path, key string) (string, bool) {
	switch key {
	case "item":
		return strconv.Itoa(p.Item), true
	case "name":
		return string(p.Name), true
	case "inode":
		return strconv.FormatUint(p.Inode, 10), true
	case "dev":
		pad := func(n uint32) string {
			return strings.Repeat("0", min(max(0, 2-len(strconv.FormatUint(uint64(n), 16))), 1)) + strconv.FormatUint(uint64(n), 16)
		}
		return pad(p.Dev[0]) + ":" + pad(p.Dev[1]), true
	case "mode":
		return "0" + strconv.FormatUint(uint64(p.Mode), 8), true
	case "ouid":
		return strconv.FormatUint(uint64(p.OUID), 10), true
	case "nametype":
		return [...]string{
			audit.NametypeUnknown: "UNKNOWN", audit.NametypeNormal: "NORMAL", audit.NametypeParent: "PARENT",
			audit.NametypeCreate: "CREATE", audit.NametypeDelete: "DELETE",
		}[p.Nametype], true
	}
	return "", false
}
