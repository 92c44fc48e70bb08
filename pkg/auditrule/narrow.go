package auditrule

import (
	"encoding/binary"
	"slices"

	"github.com/elastic/go-libaudit/v2/auparse"
	"golang.org/x/sys/unix"
)

// Narrow returns rules that report the same events as r and cost less: a rule for all
// below a directory that names no system calls is looked at when any of them ends, though
// what it asks of (-F perm) can only be done by some. It returns r alone where it names
// calls already, or where nothing can be said.
func Narrow(r Rule) []Rule {
	perm, fits := r.wide()
	if !fits {
		return []Rule{r}
	}
	var rules []Rule
	for _, arch := range architectures() {
		n, err := r.narrowed(arch, perm)
		if err != nil {
			return []Rule{r}
		}
		rules = append(rules, n)
	}
	if rules == nil {
		return []Rule{r}
	}
	return rules
}

// wide reports whether the rule names no system calls though it could, and what it asks
// of.
func (r Rule) wide() (perm uint32, ok bool) {
	if !r.OfExit() || r.mask() != nil || word(r.Wire, 8) >= words {
		return 0, false
	}
	dir := false
	for _, f := range r.fields() {
		switch f.kind {
		case fieldArch:
			return 0, false
		case fieldDir:
			dir = f.op == opEqual
		case fieldPerm:
			perm = f.value
			ok = f.op == opEqual
		}
	}
	return perm, ok && dir
}

// mask returns the numbers of the system calls that the rule names, nil when it names
// all.
func (r Rule) mask() []int {
	calls, all := []int{}, true
	for n := range maxSyscall {
		if word(r.Wire, maskAt+4*(n/32))&(1<<(n%32)) != 0 {
			calls = append(calls, n)
		} else {
			all = false
		}
	}
	if all {
		return nil
	}
	return calls
}

// narrowed is the rule for one architecture and the calls that can do perm.
func (r Rule) narrowed(arch architecture, perm uint32) (Rule, error) {
	number := map[string]int{}
	for n, name := range auparse.AuditSyscalls[arch.table] {
		number[name] = n
	}
	wire := slices.Clone(r.Wire)
	clear(wire[maskAt:fieldsAt])
	for _, name := range arch.calls(perm) {
		if n, ok := number[name]; ok && n < maxSyscall {
			at := maskAt + 4*(n/32)
			binary.NativeEndian.PutUint32(wire[at:], word(wire, at)|1<<(n%32))
		}
	}
	// The architecture goes first, as auditctl asks for.
	n := int(word(wire, 8))
	for _, at := range []int{fieldsAt, valuesAt, opsAt} {
		copy(wire[at+4:at+4*(n+1)], r.Wire[at:at+4*n])
	}
	binary.NativeEndian.PutUint32(wire[fieldsAt:], fieldArch)
	binary.NativeEndian.PutUint32(wire[opsAt:], opEqual)
	binary.NativeEndian.PutUint32(wire[valuesAt:], archNumbers()[arch.table])
	binary.NativeEndian.PutUint32(wire[8:], uint32(n+1))
	return FromWire(wire)
}

// archNumbers are the kernel's, by go-libaudit's names.
func archNumbers() map[string]uint32 {
	return map[string]uint32{
		"x86_64": unix.AUDIT_ARCH_X86_64, "i386": unix.AUDIT_ARCH_I386,
		"aarch64": unix.AUDIT_ARCH_AARCH64, "arm": unix.AUDIT_ARCH_ARM,
	}
}
