// Package cover says what audit rules record and what they do not.
//
// Benchmarks ask for lines of text ("-w /etc/passwd -p wa"), and tools look for
// those. The same can be written in many ways, a line in its place can be undone by
// one before it, and a rule for one architecture leaves the other open. So each
// theme here is a list of events, such as "the settimeofday of somebody who logged
// in, by a 32-bit program", and the rules are asked about each as the kernel would
// (auditrule.Judge). A theme's gaps are the events that no rule records.
//
// # Themes
//
// Those of CIS Debian 12 6.2.3, Ubuntu 24.04 6.2.3 and RHEL 9 6.3.3, and a few that
// the benchmarks lack. People who logged in have a login number from UID_MIN on, and
// are looked at as themselves and as root. Files are asked for where the host has
// them. System calls are those that the benchmarks name: newer kernels have more
// ways to do the same (openat2, renameat2).
//
// # Not done here
//
// Rules of the lists filesystem and io_uring. A rule that asks for more than an
// event has (an object's label, a parent process) counts neither for nor against.
package cover
