package auditrule

import "strings"

// Event is a system call that somebody made on a file or on nothing, as far as
// rules can ask for it.
type Event struct {
	Arch    uint32 // AUDIT_ARCH_ of linux/audit.h
	Syscall int
	Exit    int32 // below 0 an error
	// AUID is who logged in, the others whose rights the process has.
	AUID, UID, EUID uint32
	// Paths are the names of the file, when it has several; the first is its own.
	Paths []string
	Perm  uint32 // what is done to the file: PermExec and its kin
	Exe   string // the program, where it is known
	Args  [4]uint32
}

// What is done to a file: the bits of -F perm.
const (
	PermExec  = 1
	PermWrite = 2
	PermRead  = 4
	PermAttr  = 8
)

// Verdict is what rules do with an event.
type Verdict int

// The verdicts. Nothing is said of an event that no rule matches.
const (
	Unmatched Verdict = iota
	Recorded
	Suppressed
)

// The lists, actions, fields and comparisons of linux/audit.h.
const (
	listTask = 1
	listExit = 4
	listType = 5

	actionNever = 0

	fieldUID, fieldEUID, fieldSUID, fieldFSUID = 1, 2, 3, 4
	fieldAUID, fieldMsgType, fieldAUIDSet      = 9, 12, 24
	fieldExit, fieldSuccess, fieldPath         = 103, 104, 105
	fieldDir, fieldCompare, fieldExe           = 107, 111, 112
	fieldArg0, fieldArg3                       = 200, 203

	opEqual, opNotEqual         = 0x40000000, 0x30000000
	opLess, opLessEqual         = 0x10000000, 0x50000000
	opGreater, opGreaterEqual   = 0x20000000, 0x60000000
	opMask, opTest              = 0x08000000, 0x48000000
	compareUIDAUID, compareUIDs = 10, 11 // uid with auid, with euid
	compareAUIDEUID             = 16
)

// Set is a list of rules in the order in which the kernel has them, made ready to be
// asked about many events.
type Set struct {
	rules []decoded
	off   int // the rule that switches all of it off, or -1
}

type decoded struct {
	mask   []byte
	action uint32
	fields []field
	exit   bool // of the exit list
}

// NewSet makes rules ready.
func NewSet(rules []Rule) *Set {
	s := &Set{off: -1}
	for i, r := range rules {
		if s.off < 0 && r.SwitchesOff() {
			s.off = i
		}
		var d decoded
		if check(r.Wire) == nil {
			d = decoded{r.Wire[maskAt:fieldsAt], word(r.Wire, 4), r.fields(), word(r.Wire, 0)&^flagPrepend == listExit}
		}
		s.rules = append(s.rules, d)
	}
	return s
}

// Judge says what the rules do with an event, and which of them decided, -1 for none:
// the first of the exit list that matches does. A rule that asks for something that
// Event does not have (an object's label, a parent) is taken for one that does not
// match: it speaks of fewer events than this.
func (s *Set) Judge(e Event) (Verdict, int) {
	if s.off >= 0 {
		return Suppressed, s.off
	}
	for i := range s.rules {
		if !s.rules[i].matches(e) {
			continue
		}
		if s.rules[i].action == actionNever {
			return Suppressed, i
		}
		return Recorded, i
	}
	return Unmatched, -1
}

// SwitchesOff reports whether the rule keeps every system call from being recorded,
// whatever other rules say: "-a never,task", or SYSCALL in the list exclude.
func (r Rule) SwitchesOff() bool {
	if check(r.Wire) != nil {
		return false
	}
	fields := r.fields()
	switch word(r.Wire, 0) &^ flagPrepend {
	case listTask:
		for _, f := range fields {
			if f.kind != fieldKey {
				return false
			}
		}
		return word(r.Wire, 4) == actionNever
	case listType:
		const messageSyscall = 1300
		for _, f := range fields {
			if f.kind != fieldMsgType && f.kind != fieldKey || f.kind == fieldMsgType && !compare(messageSyscall, f.op, f.value) {
				return false
			}
		}
		return len(fields) > 0
	}
	return false
}

// matches reports whether a rule of the exit list is about an event.
func (d *decoded) matches(e Event) bool {
	if !d.exit || e.Syscall < 0 || e.Syscall >= maxSyscall || word(d.mask, 4*(e.Syscall/32))&(1<<(e.Syscall%32)) == 0 {
		return false
	}
	for i := range d.fields {
		if !d.fields[i].matches(e) {
			return false
		}
	}
	return true
}

func (f *field) matches(e Event) bool {
	switch f.kind {
	case fieldKey:
		return true
	case fieldArch:
		return compare(e.Arch, f.op, f.value)
	case fieldUID:
		return compare(e.UID, f.op, f.value)
	case fieldEUID, fieldSUID, fieldFSUID:
		return compare(e.EUID, f.op, f.value)
	case fieldAUID:
		return compare(e.AUID, f.op, f.value)
	case fieldAUIDSet:
		return compare(number(e.AUID != unset), f.op, f.value)
	case fieldExit:
		return compare(uint32(e.Exit), f.op, f.value)
	case fieldSuccess:
		return compare(number(e.Exit >= 0), f.op, number(f.value != 0))
	case fieldPerm:
		return e.Perm&f.value != 0
	case fieldPath, fieldDir, fieldExe:
		return f.matchesName(e) == (f.op == opEqual)
	case fieldCompare:
		return f.matchesPair(e)
	}
	if f.kind >= fieldArg0 && f.kind <= fieldArg3 {
		return compare(e.Args[f.kind-fieldArg0], f.op, f.value)
	}
	return false
}

// unset is the login of a process that nobody logged in for.
const unset = 1<<32 - 1

func number(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func (f *field) matchesName(e Event) bool {
	if f.kind == fieldExe {
		return e.Exe != "" && e.Exe == f.text
	}
	for _, name := range e.Paths {
		if name == f.text || f.kind == fieldDir && strings.HasPrefix(name, strings.TrimRight(f.text, "/")+"/") {
			return true
		}
	}
	return false
}

// matchesPair compares two of the event's own numbers (-C).
func (f *field) matchesPair(e Event) bool {
	same := false
	switch f.value {
	case compareUIDAUID:
		same = e.UID == e.AUID
	case compareUIDs:
		same = e.UID == e.EUID
	case compareAUIDEUID:
		same = e.AUID == e.EUID
	default:
		return false
	}
	return same == (f.op == opEqual)
}

// compare is audit_comparator() of the kernel.
func compare(left, op, right uint32) bool {
	switch op {
	case opEqual:
		return left == right
	case opNotEqual:
		return left != right
	case opLess:
		return left < right
	case opLessEqual:
		return left <= right
	case opGreater:
		return left > right
	case opGreaterEqual:
		return left >= right
	case opMask:
		return left&right != 0
	case opTest:
		return left&right == right
	}
	return false
}

// Place is a file, or a directory with everything below it.
type Place struct {
	Name string
	Dir  bool
}

// Places are the files and directories that the rule is about.
func (r Rule) Places() []Place {
	var places []Place
	for _, f := range r.fields() {
		if f.op == opEqual && (f.kind == fieldPath || f.kind == fieldDir) {
			places = append(places, Place{f.text, f.kind == fieldDir})
		}
	}
	return places
}
