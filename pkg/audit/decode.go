package audit

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// decoder fills an Event from its records. Text is decoded into the arena, so
// that one event costs no allocation once the arena has grown.
type decoder struct {
	arena []byte
	args  []span // of execve arguments in arena
	arg   int    // number of the argument that args ends with
}

// span is a piece of the arena, which may move while it grows.
type span struct{ from, to int }

// begin starts an event whose records have n bytes together.
func (d *decoder) begin(n int) {
	if cap(d.arena) < n {
		d.arena = make([]byte, 0, n+n/4)
	}
	d.arena = d.arena[:0]
	d.args = d.args[:0]
	d.arg = -1
}

// text decodes value into the arena. Decoded text is not longer than its
// encoding, for which begin made room; were the arena to move nonetheless, what
// was handed out keeps the old one.
func (d *decoder) text(value []byte) []byte {
	if len(value) == 0 || null(value) {
		return nil
	}
	from := len(d.arena)
	d.arena = AppendText(d.arena, value)
	return d.arena[from:len(d.arena):len(d.arena)]
}

// record adds what the record says to e.
func (d *decoder) record(e *Event, r Record) {
	switch r.Type {
	case unix.AUDIT_SYSCALL:
		d.syscall(e, r.Text)
	case unix.AUDIT_URINGOP:
		e.Uring = true
		d.syscall(e, r.Text)
	case unix.AUDIT_CWD:
		if key, value, _, ok := NextField(r.Text); ok && string(key) == "cwd" {
			e.CWD = d.text(value)
		}
	case unix.AUDIT_PATH:
		e.Paths = append(e.Paths, d.path(r.Text))
	case unix.AUDIT_EXECVE:
		d.execve(e, r.Text)
	case unix.AUDIT_PROCTITLE:
		if key, value, _, ok := NextField(r.Text); ok && string(key) == "proctitle" {
			e.Proctitle = d.text(value)
		}
	case unix.AUDIT_SOCKADDR:
		if key, value, _, ok := NextField(r.Text); ok && string(key) == "saddr" {
			e.Sockaddr = d.text(value)
		}
	case unix.AUDIT_OPENAT2:
		d.openat2(e, r.Text)
	default:
		if userspace(r.Type) {
			d.user(e, r.Text)
		} else if r.Type == unix.AUDIT_LOGIN || r.Type == unix.AUDIT_CONFIG_CHANGE {
			d.identity(e, r.Text)
		}
	}
}

func (d *decoder) syscall(e *Event, text []byte) {
	e.HasSyscall = true
	for {
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		text = rest
		switch string(key) {
		case "arch":
			e.Arch = uint32(hexadecimal(value))
		case "syscall", "uring_op":
			e.Syscall = int(decimal(value))
		case "success":
			e.Success = string(value) == "yes"
		case "exit":
			e.Exit = signed(value)
		case "a0", "a1", "a2", "a3":
			e.Args[key[1]-'0'] = hexadecimal(value)
		case "ppid":
			e.PPID = uint32(decimal(value))
		case "gid":
			e.GID = id(value)
		case "fsuid":
			e.FSUID = id(value)
		case "tty":
			e.TTY = d.text(value)
		case "comm":
			e.Comm = d.text(value)
		case "exe":
			e.Exe = d.text(value)
		case "key":
			e.Key = d.text(value)
		default:
			who(e, key, value)
		}
	}
}

// who takes the fields that say who it was, which syscall records and the
// kernel's part of others share.
func who(e *Event, key, value []byte) {
	switch string(key) {
	case "pid":
		e.PID = uint32(decimal(value))
	case "auid":
		e.AUID = id(value)
	case "uid":
		e.UID = id(value)
	case "euid":
		e.EUID = id(value)
	case "ses":
		e.Session = id(value)
	}
}

// identity reads a record that the kernel alone wrote.
func (d *decoder) identity(e *Event, text []byte) {
	for {
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		text = rest
		if string(key) == "tty" && e.TTY == nil {
			e.TTY = d.text(value)
			continue
		}
		if string(key) == "key" && e.Key == nil {
			e.Key = d.text(value)
			continue
		}
		if !e.HasSyscall {
			who(e, key, value)
		}
	}
}

// user reads the kernel's prefix of a user-space record and stops where the
// sender's own text begins.
func (d *decoder) user(e *Event, text []byte) {
	for {
		for len(text) > 0 && text[0] == ' ' {
			text = text[1:]
		}
		if bytes.HasPrefix(text, []byte("msg=")) {
			e.Message = text[len("msg="):]
			return
		}
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		who(e, key, value)
		text = rest
	}
}

func (d *decoder) path(text []byte) (p Path) {
	p.OUID = Unset
	for {
		key, value, rest, ok := NextField(text)
		if !ok {
			return p
		}
		text = rest
		switch string(key) {
		case "item":
			p.Item = int(decimal(value))
		case "name":
			p.Name = d.text(value)
		case "inode":
			p.Inode = decimal(value)
		case "dev":
			if major, minor, ok := bytes.Cut(value, []byte{':'}); ok {
				p.Dev = [2]uint32{uint32(hexadecimal(major)), uint32(hexadecimal(minor))}
			}
		case "mode":
			p.Mode = octal(value)
		case "ouid":
			p.OUID = id(value)
		case "nametype":
			p.Nametype = nametype(value)
			return p // what follows are capabilities
		}
	}
}

func nametype(value []byte) Nametype {
	switch string(value) {
	case "NORMAL":
		return NametypeNormal
	case "PARENT":
		return NametypeParent
	case "CREATE":
		return NametypeCreate
	case "DELETE":
		return NametypeDelete
	}
	return NametypeUnknown
}

func (d *decoder) openat2(e *Event, text []byte) {
	for {
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		text = rest
		if string(key) == "oflag" {
			// The kernel writes it in octal with a leading 0.
			e.OpenFlags, e.HasOpenFlags = uint64(octal(value)), true
		}
	}
}

// execve collects arguments. A long one is split over records as
// a1_len=20000 a1[0]=… a1[1]=…; the pieces arrive in order and are joined.
func (d *decoder) execve(e *Event, text []byte) {
	for {
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		text = rest
		if string(key) == "argc" {
			e.Argc = int(min(decimal(value), 1<<24))
			continue
		}
		n, split, ok := argument(key)
		if !ok {
			continue
		}
		from := len(d.arena)
		if split && d.arg == n && len(d.args) > 0 {
			last := &d.args[len(d.args)-1]
			if last.to != from { // another record came between
				d.arena = append(d.arena, d.arena[last.from:last.to]...)
				last.from = from
			}
			d.arena = AppendText(d.arena, value)
			last.to = len(d.arena)
			continue
		}
		d.arena = AppendText(d.arena, value)
		d.args = append(d.args, span{from, len(d.arena)})
		d.arg = n
	}
}

// argument reads the number in "a12" or "a12[3]". "a12_len" is no argument.
func argument(key []byte) (n int, split, ok bool) {
	if len(key) < 2 || key[0] != 'a' {
		return 0, false, false
	}
	for i, c := range key[1:] {
		switch {
		case c >= '0' && c <= '9' && i < 8:
			n = n*10 + int(c-'0')
		case c == '[' && i > 0:
			return n, true, true
		default:
			return 0, false, false
		}
	}
	return n, false, true
}

// end closes the event.
func (d *decoder) end(e *Event) {
	for _, s := range d.args {
		e.Argv = append(e.Argv, d.arena[s.from:s.to:s.to])
	}
	if len(e.Argv) < e.Argc {
		e.Partial = true
	}
}

// userspace reports whether a process, and not the kernel, wrote the record's
// text. Types 1200–1299 are auditd's own and never come from the kernel.
func userspace(typ uint16) bool {
	return typ == unix.AUDIT_USER || typ >= 1100 && typ <= 1199 || typ >= 2100 && typ <= 2999
}

// alone reports whether a record of the type is always a whole event.
func alone(typ uint16) bool { return userspace(typ) || typ == unix.AUDIT_KERNEL }
