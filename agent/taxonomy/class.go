package taxonomy

import (
	"bytes"
	"maps"
	"slices"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
)

// Most events of linux/auditd match no rule for what a look at them tells: the types of
// their records, their system call, whether it succeeded, and the keys of the audit
// rules that reported it. A class is all events that are alike in these. Rules are asked
// once for each class, and of its events only what the rules left ask for is made.
type class struct {
	used  []bool // by field; nil: no rule can match
	paths bool   // fields of PATH records are among them
	// common is what all of them have.
	common []common
	each   func(*event.Event) // takes them, instead of what takes all others; or nil
}

type common struct {
	field event.Field
	text  []byte
}

// signature names a class.
type signature struct {
	arch    uint32
	call    int32
	uring   bool
	success bool
	keyed   int8 // bytes of key
	key     [maxKey]byte
	types   [maxTypes]uint16
}

// Bounds. An event that has more of it is of no class.
const (
	maxTypes   = 8
	maxKey     = 40
	maxClasses = 256 // then they are made anew
)

// sign returns the signature of an event; ok is false for one of no class: without a
// system call of its own every field may be in the text of records.
func sign(e *audit.Event) (s signature, ok bool) {
	if !e.HasSyscall || len(e.Key) > maxKey {
		return s, false
	}
	s = signature{arch: e.Arch, call: int32(e.Syscall), uring: e.Uring, success: e.Success, keyed: int8(len(e.Key))}
	copy(s.key[:], e.Key)
	n, last := 0, uint16(0)
	for i := range e.Records {
		typ := e.Records[i].Type
		if typ == last {
			continue
		}
		if n == maxTypes {
			return s, false
		}
		s.types[n], last = typ, typ
		n++
	}
	return s, true
}

// class returns the class of an event, nil for one of no class.
func (r *Reader) class(e *audit.Event) *class {
	if r.Possible == nil {
		return nil
	}
	s, ok := sign(e)
	if !ok {
		return nil
	}
	if r.latest != nil && s == r.signature {
		return r.latest
	}
	c := r.classes[s]
	if c == nil {
		if r.classes == nil || len(r.classes) == maxClasses {
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
	r.shared(e)
	c := &class{}
	for i := range r.event.Len() {
		f, text := r.event.At(i)
		c.common = append(c.common, common{f, bytes.Clone(text)})
	}
	known := []event.Field{fieldType, fieldSyscall, fieldSuccess}
	if !slices.ContainsFunc(e.Records, other) {
		known = append(known, fieldKey) // which other records may have too
	}
	rules, each := r.Possible(&r.event, known)
	r.begin(Auditd)
	if len(rules) == 0 {
		return c
	}
	c.used, c.each = make([]bool, len(r.Taxonomy.used[Auditd])), each
	for _, rule := range rules {
		for f := range r.Taxonomy.ofRule[rule] {
			c.used[f] = true
		}
		if r.Taxonomy.counted[rule] {
			for f := range r.Taxonomy.grouped {
				c.used[f] = true
			}
		}
	}
	c.common = slices.DeleteFunc(c.common, func(x common) bool { return !c.used[x.field] })
	for _, f := range []event.Field{fieldName, fieldNametype, fieldMode, fieldOUID, fieldInode, fieldDev} {
		c.paths = c.paths || c.used[f]
	}
	return c
}

// shared adds what all events of one class have in common.
func (r *Reader) shared(e *audit.Event) {
	r.types(e)
	if !e.HasSyscall {
		return
	}
	if r.used[fieldSyscall] {
		r.string(fieldSyscall, effect.Call(e))
		r.number(fieldSyscall, uint64(e.Syscall))
	}
	if r.used[fieldSuccess] {
		r.string(fieldSuccess, map[bool]string{true: "yes", false: "no"}[e.Success])
	}
	if r.used[fieldKey] {
		for rest := e.Key; len(rest) > 0; {
			var key []byte
			key, rest, _ = bytes.Cut(rest, []byte{1})
			r.event.Add(fieldKey, key)
		}
	}
}

// note keeps which fields of linux/auditd rules ask for.
func (t *Taxonomy) note(rules []sigma.Rule) {
	t.ofRule, t.counted = make([]map[event.Field]bool, len(rules)), make([]bool, len(rules))
	var names []string
	for i := range rules {
		t.ofRule[i] = t.asked(Auditd, &rules[i])
		if c := rules[i].Correlation; c != nil {
			names = append(names, c.Rules...)
			maps.Copy(t.grouped, t.ofRule[i])
		}
	}
	for i := range rules {
		t.counted[i] = slices.Contains(names, rules[i].Name) || slices.Contains(names, rules[i].ID)
	}
}
