// Package inventory walks the local file systems of a host once and lists what
// stands out: programs with the set-user-id bit or file capabilities and the
// package that each comes from, what everybody may write, what nobody owns,
// devices outside /dev, system files that others than root own, names that hide.
//
// # What is known of a program
//
// dpkg's lists of files say which package a file belongs to, and not with which
// mode it came. So a program is expected to have its bits if its package is known to
// ship it so (a table of Debian's and Ubuntu's), or if the administrator registered
// it (dpkg-statoverride). Where rpm keeps the packages neither is known: the files
// of rpm's headers are not read.
//
// # Limits
//
// A walk ends after [MaxEntries] or [MaxTime], and says so: then nothing that it
// did not find counts as absent. Of each kind at most [MaxListed] are listed and
// all are counted. What another mount hides from this process (the sensor has a
// /tmp of its own) is in Hidden.
package inventory
