package audit

import (
	"bytes"
	"cmp"
	"slices"

	"golang.org/x/sys/unix"
)

// decoder fills an Event from its records. Text is decoded into the arena, so
// that one event costs no allocation once the arena has grown.
type decoder struct {
	arena []byte
	args  []piece
	// lengths are those of the arguments that came in pieces, as the kernel told.
	lengths []length
	items   int // how many paths the call named, as the kernel told
	op      operation
}

// operation is what an event's io_uring records say.
type operation struct {
	seen    bool
	number  int
	success bool
	exit    int64
}

// piece is one of the pieces of an execve argument: a part of the arena, which may move
// while it grows.
type piece struct{ arg, number, from, to int }

// length is the a1_len of an argument: of its encoding, which may be hexadecimal.
type length struct{ arg, bytes int }

// begin starts an event whose records have n bytes together.
func (d *decoder) begin(n int) {
	if cap(d.arena) < n {
		d.arena = make([]byte, 0, n+n/4)
	}
	d.arena = d.arena[:0]
	d.args, d.lengths = d.args[:0], d.lengths[:0]
	d.items, d.op = 0, operation{}
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

// plain copies value, of a field that the kernel does not encode, into the arena.
func (d *decoder) plain(value []byte) []byte {
	if len(value) == 0 || null(value) {
		return nil
	}
	from := len(d.arena)
	d.arena = append(d.arena, value...)
	return d.arena[from:len(d.arena):len(d.arena)]
}

// record adds what the record says to e.
func (d *decoder) record(e *Event, r Record) {
	switch r.Type {
	case unix.AUDIT_SYSCALL:
		d.syscall(e, r.Text)
	case unix.AUDIT_URINGOP:
		d.uring(e, r.Text)
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
		} else {
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
		case "items":
			d.items = max(d.items, int(min(decimal(value), 1<<16)))
		case "tty":
			e.TTY = d.plain(value)
		case "comm":
			e.Comm = d.text(value)
		case "exe":
			e.Exe = d.text(value)
		case "key":
			if key := d.text(value); key != nil {
				e.Key = key
			}
		case "subj":
			// A label is not encoded and may hold anything: what follows it is the key.
			if i := bytes.LastIndex(rest, []byte(" key=")); i > 0 {
				text = rest[i:]
			}
		default:
			who(e, key, value)
		}
	}
}

// uring reads an io_uring operation. The call within which the kernel did it has its own
// record, before or behind: of that stays who called.
func (d *decoder) uring(e *Event, text []byte) {
	d.syscall(e, text)
	op := operation{true, e.Syscall, e.Success, e.Exit}
	if d.op.seen {
		op.success = op.success || d.op.success
		if op.number != d.op.number {
			op.number = -1
		}
	}
	d.op = op
}

// who takes the fields that say who it was, which syscall records and the
// kernel's part of others share.
func who(e *Event, key, value []byte) {
	switch string(key) {
	case "pid":
		e.PID = uint32(decimal(value))
	case "ppid":
		e.PPID = uint32(decimal(value))
	case "gid":
		e.GID = id(value)
	case "fsuid":
		e.FSUID = id(value)
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

// identity reads who it was from any other record that the kernel wrote: one that ends
// a process, an access denied, a login, a change of rules. A system call's own record
// says it better.
func (d *decoder) identity(e *Event, text []byte) {
	for {
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		text = rest
		switch {
		case string(key) == "key" && e.Key == nil:
			e.Key = d.text(value)
		case e.HasSyscall:
		case string(key) == "tty" && e.TTY == nil:
			e.TTY = d.plain(value)
		case string(key) == "comm" && e.Comm == nil:
			e.Comm = d.text(value)
		case string(key) == "exe" && e.Exe == nil:
			e.Exe = d.text(value)
		default:
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
		for _, name := range [...]string{"msg=", "data="} { // data= is of a terminal's input
			if bytes.HasPrefix(text, []byte(name)) {
				e.Message = text[len(name):]
				return
			}
		}
		key, value, rest, ok := NextField(text)
		if !ok {
			return
		}
		if string(key) == "subj" { // not encoded, it may hold anything
			if i := bytes.Index(rest, []byte(" msg=")); i >= 0 {
				text = rest[i:]
				continue
			}
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
// a1_len=20000 a1[0]=… a1[1]=….
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
		p, isLength, ok := argument(key)
		if !ok {
			continue
		}
		if isLength {
			d.lengths = append(d.lengths, length{p.arg, int(min(decimal(value), 1<<30))})
			continue
		}
		p.from = len(d.arena)
		d.arena = AppendText(d.arena, value)
		p.to = len(d.arena)
		d.args = append(d.args, p)
	}
}

// argument reads "a12", "a12[3]" and "a12_len".
func argument(key []byte) (p piece, isLength, ok bool) {
	if len(key) < 2 || key[0] != 'a' {
		return p, false, false
	}
	n, rest := leading(key[1:])
	if len(rest) == len(key)-1 {
		return p, false, false
	}
	p.arg = n
	switch {
	case len(rest) == 0:
		return p, false, true
	case string(rest) == "_len":
		return p, true, true
	case rest[0] != '[' || rest[len(rest)-1] != ']':
		return p, false, false
	}
	p.number, rest = leading(rest[1:])
	return p, false, len(rest) == 1
}

// leading reads the decimal that b begins with, of eight digits at most.
func leading(b []byte) (n int, rest []byte) {
	i := 0
	for ; i < len(b) && i < 8 && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + int(b[i]-'0')
	}
	return n, b[i:]
}

// end closes the event.
func (d *decoder) end(e *Event) {
	d.argv(e)
	if d.op.seen {
		e.Uring, e.Syscall, e.Success, e.Exit = true, d.op.number, d.op.success, d.op.exit
	}
	// All paths may be missing because a rule excludes their type.
	if len(e.Paths) > 0 && len(e.Paths) < d.items {
		e.Partial = true
	}
}

// argv joins the pieces of arguments. Records may have come in another order, twice, or
// not at all.
func (d *decoder) argv(e *Event) {
	byPlace := func(a, b piece) int { return cmp.Or(cmp.Compare(a.arg, b.arg), cmp.Compare(a.number, b.number)) }
	if !slices.IsSortedFunc(d.args, byPlace) {
		slices.SortStableFunc(d.args, byPlace)
	}
	last := piece{arg: -1}
	for _, p := range d.args {
		switch {
		case p.arg == last.arg && p.number == last.number: // the same again
		case p.arg == last.arg:
			if p.number != last.number+1 {
				e.Partial = true
			}
			d.join(&last, p)
			e.Argv[len(e.Argv)-1] = d.arena[last.from:last.to:last.to]
		default:
			if p.arg != last.arg+1 || p.number != 0 {
				e.Partial = true
			}
			e.Argv = append(e.Argv, d.arena[p.from:p.to:p.to])
			last = p
		}
	}
	for _, l := range d.lengths {
		if l.arg >= len(e.Argv) || len(e.Argv[l.arg]) != l.bytes && 2*len(e.Argv[l.arg]) != l.bytes {
			e.Partial = true
		}
	}
	if len(e.Argv) < e.Argc {
		e.Partial = true
	}
}

// join puts p behind to, which moves to the end of the arena if something else stands
// between them, and only once.
func (d *decoder) join(to *piece, p piece) {
	to.number = p.number
	if to.to == p.from {
		to.to = p.to
		return
	}
	if to.to != len(d.arena) {
		from := len(d.arena)
		d.arena = append(d.arena, d.arena[to.from:to.to]...)
		to.from = from
	}
	d.arena = append(d.arena, d.arena[p.from:p.to]...)
	to.to = len(d.arena)
}

// userspace reports whether a process, and not the kernel, wrote the record's
// text. Types 1200–1299 are auditd's own and never come from the kernel.
func userspace(typ uint16) bool {
	return typ == unix.AUDIT_USER || typ >= 1100 && typ <= 1199 || typ >= 2100 && typ <= 2999
}

// alone reports whether a record of the type is always a whole event.
func alone(typ uint16) bool { return userspace(typ) || typ == unix.AUDIT_KERNEL }
