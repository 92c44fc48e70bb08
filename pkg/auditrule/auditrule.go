package auditrule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"
)

// ErrUnsupported is returned for a rule in a list that cannot be translated.
var ErrUnsupported = errors.New("rule list cannot be compared")

// Rule is one audit rule.
type Rule struct {
	Text string // as auditctl -l prints it
	Wire []byte // struct audit_rule_data
}

const (
	maskAt   = 12
	words    = 64 // of the mask, and fields
	fieldsAt = maskAt + 4*words
	valuesAt = fieldsAt + 4*words
	opsAt    = valuesAt + 4*words
	buflenAt = opsAt + 4*words
	headSize = buflenAt + 4

	flagPrepend = 0x10 // AUDIT_FILTER_PREPEND, an order and not part of the rule
	fieldArch   = 11
	fieldPerm   = 106
	fieldKey    = 210
	// maxSyscall bounds the mask, whose last 16 bits are the kernel's classes.
	maxSyscall = 32*words - 16
)

// Parse reads a rule in auditctl's language: -a, -A or -w with their options.
func Parse(text string) (Rule, error) {
	for _, list := range []string{"filesystem", "io_uring"} {
		if strings.Contains(text, ","+list) || strings.Contains(text, list+",") {
			return Rule{}, fmt.Errorf("%w: list %s", ErrUnsupported, list)
		}
	}
	parsed, err := flags.Parse(text)
	if err != nil {
		return Rule{}, fmt.Errorf("parse audit rule: %w", err)
	}
	// The parser ends at a word that is neither an option nor its value, and says nothing of what it
	// left: then not even one more key is seen.
	more, err := flags.Parse(text + " -k more")
	if err != nil || len(keys(more)) != len(keys(parsed))+1 {
		return Rule{}, errors.New("parse audit rule: a word in it is neither an option nor an option's value")
	}
	return build(parsed)
}

func keys(parsed rule.Rule) []string {
	switch r := parsed.(type) {
	case *rule.DeleteAllRule:
		return r.Keys
	case *rule.FileWatchRule:
		return r.Keys
	case *rule.SyscallRule:
		return r.Keys
	}
	return nil
}

func build(parsed rule.Rule) (Rule, error) {
	if r, ok := parsed.(*rule.SyscallRule); ok {
		for _, s := range r.Syscalls {
			if n, err := strconv.Atoi(s); err == nil && (n < 0 || n >= maxSyscall) {
				return Rule{}, fmt.Errorf("build audit rule: no system call has number %d", n)
			}
		}
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		return Rule{}, fmt.Errorf("build audit rule: %w", err)
	}
	return FromWire(wire)
}

// FromWire reads a rule as the kernel lists it. A rule that has no text form is
// no error: its Text then says so.
func FromWire(wire []byte) (Rule, error) {
	if err := check(wire); err != nil {
		return Rule{}, fmt.Errorf("read audit rule: %w", err)
	}
	text, err := rule.ToCommandLine(wire, false)
	if err != nil {
		text = fmt.Sprintf("(rule of list %d, not shown: %v)", word(wire, 0), err)
	}
	// Several keys are one string in the kernel.
	option := " -F key="
	if strings.HasPrefix(text, "-w") {
		option = " -k "
	}
	text = strings.ReplaceAll(text, "\x01", option)
	return Rule{Text: text, Wire: slices.Clone(wire)}, nil
}

// check bounds the counts in a wire rule, so that everything behind may rely on
// them.
func check(wire []byte) error {
	if len(wire) < headSize {
		return fmt.Errorf("%d bytes are no rule", len(wire))
	}
	if n := word(wire, 8); n > words {
		return fmt.Errorf("%d fields", n)
	}
	if n := word(wire, buflenAt); uint64(n) > uint64(len(wire)-headSize) {
		return fmt.Errorf("strings of %d bytes in %d", n, len(wire)-headSize)
	}
	// go-libaudit adds the lengths in 32 bits, where they may come round.
	var strings uint64
	for i := range int(word(wire, 8)) {
		if textual(word(wire, fieldsAt+4*i)) {
			strings += uint64(word(wire, valuesAt+4*i))
		}
	}
	if n := word(wire, buflenAt); strings > uint64(n) {
		return fmt.Errorf("strings of %d bytes in %d", strings, n)
	}
	return nil
}

func word(wire []byte, at int) uint32 { return binary.NativeEndian.Uint32(wire[at:]) }

// field is one condition of a rule.
type field struct {
	kind, op, value uint32
	text            string
}

func (r Rule) fields() []field {
	if check(r.Wire) != nil {
		return nil
	}
	buf := r.Wire[headSize:][:word(r.Wire, buflenAt)]
	fields := make([]field, 0, word(r.Wire, 8))
	for i := range int(word(r.Wire, 8)) {
		f := field{word(r.Wire, fieldsAt+4*i), word(r.Wire, opsAt+4*i), word(r.Wire, valuesAt+4*i), ""}
		if textual(f.kind) {
			n := min(int(f.value), len(buf))
			f.text, buf = string(buf[:n]), buf[n:]
		}
		fields = append(fields, f)
	}
	return fields
}

// textual reports whether a field's value is a string: the parts of security
// labels, paths, the executable and the key.
func textual(kind uint32) bool {
	return kind >= 13 && kind <= 17 || kind >= 19 && kind <= 23 ||
		kind == 105 || kind == 107 || kind == 112 || kind == fieldKey
}

// Keys returns the rule's keys.
func (r Rule) Keys() []string {
	var keys []string
	for _, f := range r.fields() {
		if f.kind == fieldKey {
			keys = append(keys, strings.Split(f.text, "\x01")...)
		}
	}
	return keys
}

// ID returns the same text for rules that do the same: list, action, system
// calls, and fields in any order. Whether a rule with a perm field names its
// system calls is left out, for auditctl derives them from the field, and some
// versions write them.
func (r Rule) ID() string {
	if check(r.Wire) != nil {
		return ""
	}
	return r.identity(r.fields())
}

func (r Rule) identity(fields []field) string {
	parts := make([]string, 0, len(fields)+1)
	perm := false
	for _, f := range fields {
		perm = perm || f.kind == fieldPerm
		parts = append(parts, f.identity())
	}
	slices.Sort(parts)
	if !perm {
		mask := slices.Clone(r.Wire[maskAt:fieldsAt])
		binary.NativeEndian.PutUint32(mask[len(mask)-4:], word(mask, len(mask)-4)&0xffff)
		parts = append(parts, fmt.Sprintf("mask %x", mask))
	}
	return fmt.Sprintf("%d %d ", word(r.Wire, 0)&^flagPrepend, word(r.Wire, 4)) + strings.Join(parts, "; ")
}
