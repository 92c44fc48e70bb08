package process

import "seawall/pkg/syscallname"

// call is a system call that makes, changes or ends processes.
type call uint8

const (
	callOther call = iota
	callExec
	callFork
	callClone
	callClone3
	callExit
	callExitGroup
)

const (
	numbers = 512 // system calls that are looked at
	x32     = 0x40000000

	archI386  = 0x40000003
	archX8664 = 0xc000003e
	archARM   = 0x40000028
	archARM64 = 0xc00000b7
)

// Flags of clone(2), in its first argument on all of these machines.
const (
	cloneParent = 0x00008000
	cloneThread = 0x00010000
	cloneNewPID = 0x20000000
)

// calls returns what system calls mean here, by architecture and number.
func calls() map[uint32]*[numbers]call {
	names := map[string]call{
		"execve": callExec, "execveat": callExec,
		"fork": callFork, "vfork": callFork, "clone": callClone, "clone3": callClone3,
		"exit": callExit, "exit_group": callExitGroup,
	}
	all := map[uint32]*[numbers]call{}
	for _, arch := range []uint32{archI386, archX8664, archARM, archARM64} {
		table := new([numbers]call)
		for n := range table {
			table[n] = names[syscallname.Name(arch, n)]
		}
		table[435] = callClone3 // the same everywhere, and newer than some tables
		all[arch] = table
	}
	return all
}
