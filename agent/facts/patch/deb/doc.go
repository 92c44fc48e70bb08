// Package deb reads the patch level of hosts with dpkg and apt, from their own files
// and without them.
//
// # Rule
//
// A package is pending when the newest version of it in any security pocket is
// newer than the installed one, whatever version apt would install (the
// candidate). What counts as a security pocket is package apt's decision
// (apt.Release.Security). Fixes that reach Debian only with a point release are in
// no security pocket; they are among Facts.OtherPending, whose count is all that is
// claimed of them.
//
// What is installed is dpkg's status with its journal (/var/lib/dpkg/updates) on
// top, so that an upgrade that runs, or was interrupted, is seen as dpkg sees it.
//
// # Whole lists
//
// apt checks a list when it fetches it, and never again. A Release file names its
// lists with their sizes: a security list that is named there and is missing (for
// an architecture that packages have), or has another size, makes the answer
// unknown or an error, for a list that breaks off between two entries looks like
// one of fewer fixes. Of other sources it stands in Facts.Sources.
//
// # Labels
//
// The candidate is what package pin finds with apt's preferences, Default-Release
// and the archives' own priorities. Phasing is computed as apt computes it, from
// the machine's id and apt.conf; apt never defers an update when a version of a
// suite "…-security" lies between it and the installed one, so a fix is deferred
// only where it is itself rolled out in steps, and alone. Tests hold all of this
// against libapt on generated hosts (go test -roots 1000).
//
// # What is not read
//
// Places that apt.conf moves elsewhere (Dir::State::lists and its kin) make the
// answer unknown. Include and Exclude of sources (apt 3.1), and local changes of a
// package that keep its version, are not looked at.
//
// # Order
//
// The security pockets are read first and settle what is pending; the other lists
// give candidates and labels. A list is read only where today's sources name it.
package deb
