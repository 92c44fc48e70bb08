// Package fault injects the faults that Seawall must survive into the programs as
// they are built for use, and looks at what they do. It has tests only.
//
// A fault is a function: it injects, waits for what is expected, and returns what
// was seen in a line. TestFaults runs the whole list and prints it; TestRounds
// throws kills, partitions and full disks at a continuous stream of findings and
// then compares what the spool took with what the store holds. The faults that
// cannot be had without a machine of one's own stand in the list with the reason.
//
// Faults are injected from outside: signals, small file systems, strace at chosen
// system calls, network namespaces with packet filters, relays that cut, stall
// and drop, false servers and false hosts. Nothing waits for a time to pass; what
// is awaited has a limit.
//
// The tests need root. The host is not changed: the test binary runs itself again
// in a mount namespace of its own, hosts and networks are namespaces and folders
// below one place in /tmp, and the kernel's audit, which cannot be private, is
// taken under the lock /tmp/seawall-audit.lock and left as it was found.
package fault
