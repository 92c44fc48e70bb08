package taxonomy

import (
	"maps"

	"seawall/pkg/audit"
	"seawall/pkg/sigma/event"
)

// Most events of linux/auditd match no rule for what a look at them tells: the types of
// their records and their system call. A class is all events that are alike in these.
// Rules are asked once for each class, and of its events only what the rules left ask
// for is made.
type class struct {
	used  []bool // by field; nil: no rule can match
	paths bool   // fields of PATH records are among them
}

// signature names a class.
type signature struct {
	arch  uint32
	call  int32
	uring bool
	types [maxTypes]uint16
}

const (
	maxTypes   = 8   // in an event of a class
	maxClasses = 512 // then they are made anew
)

// class returns the class of an event, nil for one of no class: without a system call
// of its own, every field may be in the text of records.
func (r *Reader) class(e *audit.Event) *class {
	if r.Possible == nil || !e.HasSyscall {
		return nil
	}
	s := signature{arch: e.Arch, call: int32(e.Syscall), uring: e.Uring}
	n, last := 0, uint16(0)
	for i := range e.Records {
		typ := e.Records[i].Type
		if typ == last {
			continue
		}
		if n == maxTypes {
			return nil
		}
		s.types[n], last = typ, typ
		n++
	}
	if r.latest != nil && s == r.signature {
		return r.latest
	}
	c := r.classes[s]
	if c == nil {
		if len(r.classes) == maxClasses {
			r.classes = nil
		}
		if r.classes == nil {
			r.classes = map[signature]*class{}
		}
		c = r.newClass(e)
		r.classes[s] = c
	}
	r.signature, r.latest = s, c
	return c
}

// newClass asks which rules an event of its class can match.
func (r *Reader) newClass(e *audit.Event) *class {
	r.begin(Auditd)
	r.types(e)
	r.call(e)
	rules := r.Possible(&r.event, []event.Field{fieldType, fieldSyscall})
	r.begin(Auditd)
	if len(rules) == 0 {
		return &class{}
	}
	c := &class{used: make([]bool, len(r.Taxonomy.used[Auditd]))}
	for f := range r.Taxonomy.grouped {
		c.used[f] = true
	}
	for _, rule := range rules {
		for f := range r.Taxonomy.ofRule[rule] {
			c.used[f] = true
		}
	}
	for _, f := range []event.Field{fieldName, fieldNametype, fieldMode, fieldOUID, fieldInode, fieldDev} {
		c.paths = c.paths || c.used[f]
	}
	return c
}

// note keeps which fields of linux/auditd a rule asks for.
func (t *Taxonomy) note(rule int, correlation bool, fields map[event.Field]bool) {
	for len(t.ofRule) <= rule {
		t.ofRule = append(t.ofRule, nil)
	}
	t.ofRule[rule] = fields
	if correlation { // of whichever rules it counts
		maps.Copy(t.grouped, fields)
	}
}
