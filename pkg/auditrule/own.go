package auditrule

import (
	"fmt"
	"slices"
	"strings"
)

// Key is the key of the rules that Seawall makes of names of files. Others of its own have
// keys that begin with it and "-".
const Key = "seawall"

// Owned reports whether the rule is Seawall's: Key is its only key, or one of its keys
// begins with Key and "-".
func (r Rule) Owned() bool {
	keys := r.Keys()
	return len(keys) == 1 && keys[0] == Key || slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, Key+"-") })
}

// OfExit reports whether the rule is of the list exit, of which alone an event has a key.
func (r Rule) OfExit() bool { return check(r.Wire) == nil && word(r.Wire, 0)&^flagPrepend == listExit }

// Never reports whether the rule keeps events from being recorded.
func (r Rule) Never() bool { return check(r.Wire) == nil && word(r.Wire, 4) == actionNever }

// Body returns the same text for rules that report the same events: as ID does, without
// the keys.
func (r Rule) Body() string {
	if check(r.Wire) != nil {
		return ""
	}
	fields := r.fields()
	fields = slices.DeleteFunc(fields, func(f field) bool { return f.kind == fieldKey })
	return r.identity(fields)
}

// Covers returns the directory below which the rule reports every write and change of
// attributes, whoever makes it, "" where it does not.
func (r Rule) Covers() string {
	if !r.OfExit() || r.Never() {
		return ""
	}
	dir, perm := "", uint32(0)
	for _, f := range r.fields() {
		switch {
		case f.kind == fieldKey:
		case f.kind == fieldDir && f.op == opEqual:
			dir = f.text
		case f.kind == fieldPerm && f.op == opEqual:
			perm = f.value
		default:
			return ""
		}
	}
	// Nothing but its classes chooses among the system calls: all are in the mask.
	for at := maskAt; at < fieldsAt-4; at += 4 {
		if word(r.Wire, at) != 1<<32-1 {
			return ""
		}
	}
	if perm&(PermWrite|PermAttr) != PermWrite|PermAttr {
		return ""
	}
	return strings.TrimSuffix(dir, "/")
}

func (f *field) identity() string {
	if textual(f.kind) {
		return fmt.Sprintf("%d %d %q", f.kind, f.op, f.text)
	}
	return fmt.Sprintf("%d %d %d", f.kind, f.op, f.value)
}
