// Package process keeps a table of the host's processes, so that an audit event can be
// told with who started what: the chain of parents, the command lines, the unit and the
// container.
//
// # What it is made of
//
// Every event with a process adds to it; events of execve, fork, vfork, clone, clone3 and
// exit_group are understood whatever the machine (x86-64, i386, x32, arm64, arm), and none
// of them is needed: with rules for execve alone, or for files alone, a process appears
// with its first event and its parent is the one that the event names. What no event told
// is read of /proc/PID (stat, status, cmdline, loginuid, sessionid, exe, cgroup): of all
// processes by [Table.Scan] at start, of parents that are not known, and of the cgroup
// when somebody asks ([Table.Locate]).
//
// Process numbers of events are those of the first PID namespace, and so must be those of
// /proc. What fork returns is the number in the caller's own namespace: it is taken for a
// child's only where the caller's NSpid line in /proc/PID/status has one number, and is
// otherwise, as that of clone3, which may have made a thread, a hint that the child's own
// event has to confirm.
//
// # Which process a number means
//
// Numbers are used again. A process is its number and its start, which /proc/PID/stat
// tells to 10 ms. An entry is held against it when an event does not fit (another parent,
// another program without an execve, another session, an execve), when it was not looked
// at for ten seconds, and as a parent when it was not seen for a second: a process that
// began after the entry was last seen is another. Where /proc does not say (the process is
// gone, or /proc is mounted with hidepid), what the event tells must fit the entry. Old
// holders of a number are kept, so that [Table.Lookup] answers by time and an event that
// comes late is its own process's. State follows the serials, which the kernel gives out
// when a call ends; the time of an event is when its call began.
//
// Two processes that hold one number within 10 ms are one here. So are they when the
// second is of the same parent, program and session, and does nothing but what its
// predecessor was reported for, for up to ten seconds.
//
// # Bounds
//
// At most 100,000 processes, 10,000 that ended, for ten minutes, and 16 MiB of text; the
// longest unseen go first. Ends that no event tells are found by listing /proc, at most
// every ten seconds and when the table has grown by half. Of a command line 1 KiB is kept,
// as the process wrote it: it must be redacted before it leaves the host. Reads of /proc
// are bounded in size, at most 2,000 a second, and counted. A host with 10,000 processes
// costs some 5 MB, one with 100,000 at most 50 MB.
//
// # Not trusted
//
// Comm and the arguments are what the process says of itself. Exe is the kernel's word;
// of processes that were there before us it is known only with CAP_SYS_PTRACE. A process
// that is gone before its cgroup was read is said to be where its parent was.
package process
