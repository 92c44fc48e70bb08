// Package calls tells which system calls make, change or end processes, on each machine
// whose events are read: x86-64 with its x32, i386, arm and arm64.
package calls

import "seawall/pkg/syscallname"

// Kind is what a system call does to processes.
type Kind uint8

// The kinds. Exit ends a thread, ExitGroup a process.
const (
	Other Kind = iota
	Exec
	Fork
	Clone
	Clone3
	Exit
	ExitGroup
)

// Flags of clone(2), in its first argument on all of these machines.
const (
	CloneParent = 0x00008000
	CloneThread = 0x00010000
	CloneNewPID = 0x20000000
)

// The machines, as linux/audit.h numbers them (AUDIT_ARCH_…).
const (
	I386  = 0x40000003
	X8664 = 0xc000003e
	ARM   = 0x40000028
	ARM64 = 0xc00000b7
)

const (
	numbers = 512 // system calls that are looked at
	x32     = 0x40000000
)

// Table knows the kinds by machine and number.
type Table map[uint32]*[numbers]Kind

// New makes the table.
func New() Table {
	names := map[string]Kind{
		"execve": Exec, "execveat": Exec,
		"fork": Fork, "vfork": Fork, "clone": Clone, "clone3": Clone3,
		"exit": Exit, "exit_group": ExitGroup,
	}
	all := Table{}
	for _, arch := range []uint32{I386, X8664, ARM, ARM64} {
		table := new([numbers]Kind)
		for n := range table {
			table[n] = names[syscallname.Name(arch, n)]
		}
		table[435] = Clone3 // the same everywhere, and newer than some tables
		all[arch] = table
	}
	return all
}

// Of returns what a system call does.
func (t Table) Of(arch uint32, number int) Kind {
	n := number &^ x32
	if table := t[arch]; table != nil && n >= 0 && n < numbers {
		return table[n]
	}
	return Other
}
