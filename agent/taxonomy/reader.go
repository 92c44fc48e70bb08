package taxonomy

import (
	"encoding/binary"
	"strconv"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/sigma/event"
)

// Config is what a Reader needs beside events.
type Config struct {
	Taxonomy *Taxonomy
	// Parent tells of the parent of the process at hand; nil: parents are missing.
	Parent func() Program
	// User names a user, or returns "".
	User func(uid uint32) string
	// Place names a file by device and inode, or returns ""; needed says that it has no
	// absolute name without. It may be nil: then names are as processes gave them, and
	// relative where they opened a directory before.
	Place func(dev [2]uint32, inode uint64, needed bool) string
	// Possible returns the rules that an event may match of which only the values of
	// these fields are known, and what is to take events that are alike in them, or nil.
	// Without it all rules are.
	Possible func(ev *event.Event, known []event.Field) (rules []int, each func(*event.Event))
}

// Program is what a process runs: its executable, absolute, and its arguments, which NUL
// separates; each is empty where it is not known.
type Program struct{ Image, Argv string }

// Reader turns audit events into Sigma's. It belongs to one goroutine.
type Reader struct {
	Config
	event event.Event
	// text holds what is made of an event; it grows to the largest and no further
	// than keepText.
	text []byte
	used []bool // of the kind that is being made

	classes   map[signature]*class
	signature signature // of latest
	latest    *class
}

const keepText = 256 << 10

// NewReader returns a Reader.
func NewReader(cfg Config) *Reader { return &Reader{Config: cfg} }

// Read gives the Sigma events of an audit event to each, which must not keep them. p
// is what the event's process is known to run.
func (r *Reader) Read(e *audit.Event, p Program, each func(*event.Event)) {
	if r.begin(Auditd) {
		r.auditd(e, each)
	}
	if !e.HasSyscall {
		return
	}
	if len(e.Argv) > 0 && e.Success && r.begin(ProcessCreation) {
		r.creation(e)
		each(&r.event)
	}
	for i := range e.Paths {
		if kind, ok := fileKind(e, i); ok && r.begin(kind) {
			r.file(e, p, i, each)
		}
	}
	if len(e.Sockaddr) > 0 && r.begin(NetworkConnection) && r.connection(e) {
		r.who(e, p)
		each(&r.event)
	}
}

// fileKind returns the kind of event that became of path i, if one did: what a rename
// takes away is a deletion too.
func fileKind(e *audit.Event, i int) (kind int, ok bool) {
	switch effect.Did(e, i) {
	case effect.Create, effect.Write, effect.Link, effect.Rename:
		if e.Paths[i].Nametype == audit.NametypeDelete {
			return FileDelete, true
		}
		return FileEvent, true
	case effect.Delete:
		return FileDelete, true
	}
	return 0, false
}

// begin starts an event of a kind, if rules are about it.
func (r *Reader) begin(kind int) bool {
	if !r.Taxonomy.Uses(kind) {
		return false
	}
	r.used = r.Taxonomy.used[kind]
	r.event.Reset(kind)
	if cap(r.text) > keepText {
		r.text = nil
	}
	r.text = r.text[:0]
	return true
}

// put adds what was appended to r.text since from.
func (r *Reader) put(f event.Field, from int) {
	r.event.Add(f, r.text[from:len(r.text):len(r.text)])
}

func (r *Reader) bytes(f event.Field, b []byte) {
	if r.used[f] && b != nil {
		r.event.Add(f, b)
	}
}

func (r *Reader) string(f event.Field, s string) {
	if r.used[f] && s != "" {
		r.event.AddString(f, s)
	}
}

func (r *Reader) number(f event.Field, n uint64) {
	if r.used[f] {
		from := len(r.text)
		r.text = strconv.AppendUint(r.text, n, 10)
		r.put(f, from)
	}
}

// words adds arguments that NUL separates, with blanks between.
func (r *Reader) words(f event.Field, s string) {
	from := len(r.text)
	r.text = blanks(append(r.text, s...), from)
	r.put(f, from)
}

func (r *Reader) creation(e *audit.Event) {
	r.bytes(fieldImage, e.Exe)
	r.executed(e)
	if r.used[fieldCommandLine] {
		from := len(r.text)
		for i, arg := range e.Argv {
			if i > 0 {
				r.text = append(r.text, ' ')
			}
			r.text = append(r.text, arg...)
		}
		r.put(fieldCommandLine, from)
	}
	r.bytes(fieldCurrentDirectory, e.CWD)
	r.ids(e)
}

// executed adds the name by which a program was started where that is another than the
// kernel's for it: of a link, or a script.
func (r *Reader) executed(e *audit.Event) {
	if !r.used[fieldImage] || len(e.Paths) == 0 || len(e.Paths[0].Name) == 0 {
		return
	}
	from := len(r.text)
	var ok bool
	if r.text, ok = effect.AppendName(r.text, e, 0); ok && string(r.text[from:]) != string(e.Exe) {
		r.put(fieldImage, from)
	}
}

// who adds the process that acted, which is not a new one.
func (r *Reader) who(e *audit.Event, p Program) {
	switch {
	case e.Exe != nil:
		r.bytes(fieldImage, e.Exe)
	default:
		r.string(fieldImage, p.Image)
	}
	if r.used[fieldCommandLine] {
		switch {
		case p.Argv != "":
			r.words(fieldCommandLine, p.Argv)
		case len(e.Proctitle) > 0:
			from := len(r.text)
			r.text = blanks(append(r.text, e.Proctitle...), from)
			r.put(fieldCommandLine, from)
		}
	}
	r.ids(e)
}

// blanks makes the NULs of b[from:] blanks.
func blanks(b []byte, from int) []byte {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	p := b[from:]
	for ; len(p) >= 8; p = p[8:] {
		// Most eight bytes have none.
		if x := binary.LittleEndian.Uint64(p); (x-ones)&^x&highs != 0 {
			blank(p[:8])
		}
	}
	blank(p)
	return b
}

func blank(p []byte) {
	for i := range p {
		if p[i] == 0 {
			p[i] = ' '
		}
	}
}

func (r *Reader) ids(e *audit.Event) {
	r.number(fieldProcessID, uint64(e.PID))
	r.number(fieldParentProcessID, uint64(e.PPID))
	if r.used[fieldUser] {
		name := ""
		if r.User != nil {
			name = r.User(e.EUID)
		}
		if name != "" {
			r.event.AddString(fieldUser, name)
		} else {
			r.number(fieldUser, uint64(e.EUID))
		}
	}
	if e.Session != audit.Unset {
		r.number(fieldLogonID, uint64(e.Session))
	}
	if r.Parent == nil || !r.used[fieldParentImage] && !r.used[fieldParentCommandLine] {
		return
	}
	parent := r.Parent()
	r.string(fieldParentImage, parent.Image)
	if r.used[fieldParentCommandLine] && parent.Argv != "" {
		r.words(fieldParentCommandLine, parent.Argv)
	}
}

// file makes the event of path i.
func (r *Reader) file(e *audit.Event, p Program, i int, each func(*event.Event)) {
	if !r.name(fieldTargetFilename, e, i) {
		return // a file without a name
	}
	if r.used[fieldSourceFilename] && e.Paths[i].Nametype == audit.NametypeCreate {
		for j := range e.Paths {
			if e.Paths[j].Nametype == audit.NametypeDelete {
				r.name(fieldSourceFilename, e, j)
				break
			}
		}
	}
	r.who(e, p)
	each(&r.event)
}

// name adds the name of path i as the process gave it, unless that is relative, and by its
// place where this is another.
func (r *Reader) name(f event.Field, e *audit.Event, i int) bool {
	from := len(r.text)
	var found bool
	if r.text, _, found = r.named(r.text, e, i); len(r.text) == from {
		return false
	}
	r.put(f, from)
	if !found {
		return true
	}
	from = len(r.text)
	var absolute bool
	if r.text, absolute = effect.AppendName(r.text, e, i); absolute {
		r.put(f, from)
	}
	return true
}
