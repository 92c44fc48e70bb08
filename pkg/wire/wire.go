package wire

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"seawall/pkg/finding"
)

// MaxRecord is the largest encoded record, in bytes. It is also the spool's.
const MaxRecord = 64 << 10

// Record is one record of a spool; its type belongs to the vocabulary.
type Record = finding.Record

// Error says which field of a record breaks which rule. Callers tell a bad record
// from other errors by it.
type Error struct {
	Field string // path from the record, such as change.result.check
	Rule  string
}

// Error returns "record field FIELD: RULE".
func (e *Error) Error() string {
	if e.Field == "" {
		return "record: " + e.Rule
	}
	return "record field " + e.Field + ": " + e.Rule
}

// in puts the name of the enclosing message before the field's.
func in(name string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Field == "" {
		return &Error{name, e.Rule}
	}
	return &Error{name + "." + e.Field, e.Rule}
}

func broken(format string, args ...any) error {
	return &Error{Rule: fmt.Sprintf(format, args...)}
}

// Encode returns the record's bytes. A record beyond the package's limits is an
// [*Error]; evidence and a detection's lists beyond them are shortened.
func Encode(r Record) ([]byte, error) {
	if n := bodies(&r); n != 1 {
		return nil, broken("%d bodies, want 1", n)
	}
	r = fitted(r)
	b, err := appendFields(nil, recordFields(&r))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxRecord {
		return nil, broken("%d bytes, limit %d", len(b), MaxRecord)
	}
	if err := check(&r); err != nil {
		return nil, err
	}
	return b, nil
}

// Decode reads a record. The result shares no memory with b. Bytes that are not a
// record within the package's limits are an [*Error].
func Decode(b []byte) (Record, error) {
	if len(b) > MaxRecord {
		return Record{}, broken("%d bytes, limit %d", len(b), MaxRecord)
	}
	var r Record
	if err := readFields(b, recordFields(&r)); err != nil {
		return Record{}, err
	}
	if n := bodies(&r); n != 1 {
		return Record{}, broken("%d bodies, want 1", n)
	}
	if err := check(&r); err != nil {
		return Record{}, err
	}
	return r, nil
}

func bodies(r *Record) int {
	n := 0
	for _, has := range []bool{r.Change != nil, r.State != nil, r.Heartbeat != nil, r.Pack != nil, r.Detection != nil} {
		if has {
			n++
		}
	}
	return n
}

// check holds the rules that single fields cannot.
func check(r *Record) error {
	switch {
	case r.Change != nil:
		if err := checkResult(&r.Change.Result); err != nil {
			return in("change", in("result", err))
		}
	case r.State != nil:
		return in("state_part", checkPart(r.State))
	case r.Detection != nil:
		return in("detection", checkDetection(r.Detection))
	case r.Pack != nil:
		for i := range r.Pack.Checks {
			if !validID(r.Pack.Checks[i].ID) {
				return in("pack", in("checks", in("id", broken("not a check id"))))
			}
		}
	}
	return nil
}

func checkResult(r *finding.Result) error {
	if !validID(r.Check) {
		return in("check", broken("not a check id"))
	}
	if r.Status == finding.StatusUnspecified {
		return in("status", broken("unspecified"))
	}
	if len(r.Group) > finding.MaxGroup {
		return in("group", broken("%d bytes, limit %d", len(r.Group), finding.MaxGroup))
	}
	return nil
}

func checkPart(p *finding.StatePart) error {
	switch {
	case p.Parts < 1 || p.Parts > maxParts:
		return in("parts", broken("%d is not within 1 and %d", p.Parts, maxParts))
	case p.Part >= p.Parts:
		return in("part", broken("%d of %d", p.Part, p.Parts))
	case p.Total > maxParts*maxResults || int(p.Total) < len(p.Results):
		return in("total", broken("%d with %d in this part", p.Total, len(p.Results)))
	}
	for i := range p.Results {
		if err := checkResult(&p.Results[i]); err != nil {
			return in("results", err)
		}
	}
	return nil
}

func checkDetection(d *finding.Detection) error {
	switch {
	case !validStorm(d.ID):
		return in("id", broken("not 1 to 32 hexadecimal digits"))
	case len(d.Rule) < 1 || len(d.Rule) > 64:
		return in("rule", broken("%d bytes, not within 1 and 64", len(d.Rule)))
	case d.Count < 1:
		return in("count", broken("no event"))
	}
	return nil
}

// validStorm reports whether s is 1 to 32 of 0-9 and a-f.
func validStorm(s string) bool {
	return len(s) >= 1 && len(s) <= 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// validID reports whether s is 1 to 64 of a-z, 0-9 and "-".
func validID(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func size(fields []field) int {
	b, err := appendFields(nil, fields)
	if err != nil {
		return 0
	}
	return protowire.SizeBytes(len(b)) + 1
}
