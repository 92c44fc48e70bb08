// Package patch holds the patch level of a host: which security updates its
// vendor has published, and the host has been told of, but has not installed.
//
// Here are the types that all package managers share, the [Reader] that picks the
// manager and keeps its answer, and the [Ledger] of when a package was first seen
// pending. Packages deb and rpm read one manager each; they are given to
// [NewReader], so that this package imports neither.
//
// # Rule
//
// A package is pending when the vendor's newest security fix of it is newer than
// what is installed, whatever the package manager would install (the candidate).
// The candidate only gives the label: see [Package]. What counts as a security fix
// is the manager's own rule, in the documentation of its package.
//
// # Never zero from ignorance
//
// No metadata, no security source among those configured, a vendor that publishes
// no advisories: Meta.State is unknown with the reason. Only a set that was really
// computed is known. What is wrong with sources that give candidates and labels
// only stands with them in Facts.Sources.
//
// # The last good answer
//
// A file that is damaged, or half-written while an upgrade runs, makes a reading
// fail. A Reader that had a good answer gives that one again, with its age and
// what went wrong in [Stale]; without one the state is error or unknown. Files
// that change while they are read are read again, a few times at most.
//
// # How old the answer is
//
// The answer can be no newer than the metadata. [Freshness] tells two ages apart:
// the signed date of the security source (how old the vendor's word is), and the
// last refresh that succeeded (when this host last asked).
//
// # Cost
//
// No child process, no lock, no network, nothing written but the ledger, and that
// by the sensor alone. An answer is kept as long as nothing it was read from has
// changed (device, inode, size, mtime and ctime of every file and directory).
package patch
