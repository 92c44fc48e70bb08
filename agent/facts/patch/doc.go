// Package patch reads the patch level of a host: which security updates its
// vendor has published, and the host has been told of, but has not installed.
//
// # Rule
//
// A package is pending when the newest version of it in any security pocket is
// newer than the installed one, whatever version apt would install (the
// candidate). The candidate only gives the label: see [Package]. What counts as
// a security pocket is package apt's decision (apt.Release.Security). Fixes that
// reach Debian only with a point release are in no security pocket; they are
// among Facts.OtherPending, whose count is all that is claimed of them.
//
// # Never zero from ignorance
//
// No package lists, no security source among those configured, or one whose list
// is not there or in a compression that is not read: Meta.State is unknown with
// the reason. A damaged status file, security list or configuration is state error
// with the file and line. Only a set that was really computed is known. What is
// wrong with the lists of other sources stands with them in Facts.Sources; they
// give candidates and labels only.
//
// # How old the answer is
//
// The answer can be no newer than the lists. [Freshness] tells two ages apart:
// the signed Date of the security source's Release file (how old the vendor's
// word is), and the last refresh that succeeded (when this host last asked).
//
// # Cost
//
// No child process, no lock, no network, nothing written. The security pockets
// are read first and settle what is pending; the other lists give candidates and
// labels. A [Reader] keeps its answer as long as nothing it read has changed
// (device, inode, size, mtime and ctime of every file and directory).
package patch
