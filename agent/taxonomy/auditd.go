package taxonomy

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/effect"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sockaddr"
)

// auditd makes the events of linux/auditd.
func (r *Reader) auditd(e *audit.Event, each func(*event.Event)) {
	last := len(e.Paths)
	c := r.class(e)
	if c != nil {
		if c.used == nil {
			return
		}
		r.used = c.used
		if c.each != nil {
			each = c.each
		}
		if !c.paths {
			last = 0
		}
	}
	r.common(e, c)
	r.syscall(e)
	r.arguments(e)
	r.bytes(fieldCWD, e.CWD)
	r.proctitle(e)
	r.sockaddr(e.Sockaddr)
	for i := range e.Records {
		r.record(e, &e.Records[i])
	}
	first := 0
	if len(e.Argv) > 0 && len(e.Paths) > 0 {
		r.path(e, 0)
		first = 1
	}
	each(&r.event)
	for i := first; i < last; i++ {
		r.event.Reset(Auditd)
		r.text = r.text[:0]
		r.common(e, c)
		r.syscall(e)
		if len(e.Argv) == 0 {
			r.arguments(e)
		}
		r.bytes(fieldCWD, e.CWD)
		r.proctitle(e)
		r.path(e, i)
		each(&r.event)
	}
}

func (r *Reader) proctitle(e *audit.Event) {
	if !r.used[fieldProctitle] || len(e.Proctitle) == 0 {
		return
	}
	from := len(r.text)
	r.text = blanks(append(r.text, e.Proctitle...), from)
	r.put(fieldProctitle, from)
}

// common adds what the event has in common with all of its class, which may be nil.
func (r *Reader) common(e *audit.Event, c *class) {
	if c == nil {
		r.shared(e)
		return
	}
	for i := range c.common {
		r.event.Add(c.common[i].field, c.common[i].text)
	}
}

// types adds the names of all records.
func (r *Reader) types(e *audit.Event) {
	if !r.used[fieldType] {
		return
	}
	last := uint16(0)
	for i := range e.Records {
		if typ := e.Records[i].Type; typ != last {
			r.event.AddString(fieldType, auditlog.Name(typ))
			last = typ
		}
	}
}

func (r *Reader) syscall(e *audit.Event) {
	if !e.HasSyscall {
		return
	}
	if r.used[fieldExit] {
		from := len(r.text)
		r.text = strconv.AppendInt(r.text, e.Exit, 10)
		r.put(fieldExit, from)
	}
	if r.used[fieldArch] {
		r.hexadecimal(fieldArch, uint64(e.Arch))
	}
	r.bytes(fieldExe, e.Exe)
	r.bytes(fieldComm, e.Comm)
	r.bytes(fieldTTY, e.TTY)
	r.number(fieldPID, uint64(e.PID))
	r.number(fieldPPID, uint64(e.PPID))
	r.number(fieldAUID, uint64(e.AUID))
	r.number(fieldUID, uint64(e.UID))
	r.number(fieldGID, uint64(e.GID))
	r.number(fieldEUID, uint64(e.EUID))
	r.number(fieldFSUID, uint64(e.FSUID))
	r.number(fieldSes, uint64(e.Session))
}

func (r *Reader) hexadecimal(f event.Field, n uint64) {
	if r.used[f] {
		from := len(r.text)
		r.text = strconv.AppendUint(r.text, n, 16)
		r.put(f, from)
	}
}

// arguments adds those of an execve, or else those of the system call.
func (r *Reader) arguments(e *audit.Event) {
	if !e.HasSyscall && len(e.Argv) == 0 {
		return
	}
	if len(e.Argv) == 0 {
		for i, a := range e.Args {
			r.hexadecimal(fieldArg0+event.Field(i), a)
		}
		return
	}
	r.number(fieldArgc, uint64(e.Argc))
	for i, arg := range e.Argv {
		if i == maxArgs {
			return
		}
		if arg == nil {
			arg = []byte{}
		}
		r.bytes(fieldArg0+event.Field(i), arg)
	}
}

func (r *Reader) sockaddr(b []byte) {
	a, _ := sockaddr.Parse(b)
	r.string(fieldSaddrFam, family(a.Family))
	if addr, ok := Endpoint(b); ok {
		r.address(fieldLaddr, addr.Addr())
		r.number(fieldLport, uint64(addr.Port()))
		return
	}
	// Only an abstract name goes on after a NUL; rules are about the words before it.
	if name, _, _ := bytes.Cut(a.Path, []byte{0}); len(name) > 0 {
		r.bytes(fieldPath, name)
	}
}

// path adds path i, whose record has the fields of its own.
func (r *Reader) path(e *audit.Event, i int) {
	p := &e.Paths[i]
	if r.used[fieldName] && len(p.Name) > 0 {
		r.event.Add(fieldName, p.Name)
		from := len(r.text)
		if r.text, _ = effect.AppendName(r.text, e, i); string(r.text[from:]) != string(p.Name) {
			r.put(fieldName, from)
		}
		from = len(r.text)
		var found bool
		if r.text, _, found = r.named(r.text, e, i); found {
			r.put(fieldName, from)
		}
	}
	if r.used[fieldNametype] {
		r.event.AddString(fieldNametype, nametype(p.Nametype))
	}
	if r.used[fieldMode] && p.Mode != 0 {
		from := len(r.text)
		r.text = append(r.text, '0')
		r.text = strconv.AppendUint(r.text, uint64(p.Mode), 8)
		r.put(fieldMode, from)
	}
	r.number(fieldOUID, uint64(p.OUID))
	r.number(fieldInode, p.Inode)
	if r.used[fieldDev] {
		from := len(r.text)
		for i, n := range p.Dev {
			if n < 16 {
				r.text = append(r.text, '0')
			}
			r.text = strconv.AppendUint(r.text, uint64(n), 16)
			if i == 0 {
				r.text = append(r.text, ':')
			}
		}
		r.put(fieldDev, from)
	}
}

func nametype(t audit.Nametype) string {
	switch t {
	case audit.NametypeNormal:
		return "NORMAL"
	case audit.NametypeParent:
		return "PARENT"
	case audit.NametypeCreate:
		return "CREATE"
	case audit.NametypeDelete:
		return "DELETE"
	case audit.NametypeUnknown:
	}
	return "UNKNOWN"
}

// record adds what rules ask for of a record that package audit does not decode.
func (r *Reader) record(e *audit.Event, rec *audit.Record) {
	if other(*rec) || r.Taxonomy.wide && (rec.Type == unix.AUDIT_SYSCALL || rec.Type == unix.AUDIT_URINGOP) {
		r.fields(rec.Text, !e.HasSyscall)
	}
}

// other reports whether a record is none of those that package audit decodes.
func other(rec audit.Record) bool {
	switch rec.Type {
	case unix.AUDIT_SYSCALL, unix.AUDIT_URINGOP, unix.AUDIT_PATH, unix.AUDIT_CWD, unix.AUDIT_EXECVE, unix.AUDIT_PROCTITLE, unix.AUDIT_SOCKADDR, unix.AUDIT_EOE:
		return false
	}
	return true
}

// fields adds the fields of a record's text. Those that a SYSCALL record has are taken
// from it, if the event has one.
func (r *Reader) fields(text []byte, alone bool) {
	for range maxFields {
		key, value, rest, ok := audit.NextField(text)
		if !ok {
			return
		}
		text = rest
		if string(key) == "msg" { // what a program told, in single quotes
			if told, found := bytes.CutPrefix(value, []byte("'")); found {
				text = told[:len(told)+len(rest)] // rest follows it in memory
			}
			alone = true
			continue
		}
		f, known := r.field(key, alone)
		if !known || !r.used[f] {
			continue
		}
		value = bytes.TrimSuffix(value, []byte("'"))
		from := len(r.text)
		if coded(key) || len(value) > 0 && value[0] == '"' {
			r.text = audit.AppendText(r.text, value)
		} else {
			r.text = append(r.text, value...)
		}
		r.put(f, from)
	}
}

// maxFields bounds what one record can have.
const maxFields = 64

// field returns the number of a field of another record.
func (r *Reader) field(key []byte, alone bool) (event.Field, bool) {
	if f, ok := r.Taxonomy.rest[string(key)]; ok {
		return f, true
	}
	if !alone && string(key) != "key" && string(key) != "dev" && string(key) != "path" && string(key) != "name" {
		return 0, false
	}
	f, ok := r.Taxonomy.Sources[Auditd].Fields[string(key)]
	return f, ok
}

// coded reports whether a field is text, which is hexadecimal where it has quotes or
// blanks.
func coded(key []byte) bool {
	switch string(key) {
	case "exe", "comm", "key", "acct", "cmd", "cwd", "name", "path", "data", "unit", "proctitle", "hostname", "grp", "new-chardev", "vm":
		return true
	}
	return false
}
