// Package effect tells what the system call of an audit event did to files: which it
// wrote, created, renamed, removed, linked or mounted, or whose attributes it changed.
//
// The kernel says which paths a call named and what each was to it (audit.Nametype),
// but neither what the call does nor, for a call that opens, whether it was to write.
// That is told here from the call's name and arguments. What cannot be known counts as
// a change, so that none goes unseen: an open through io_uring, whose flags are not
// reported, is one to write.
//
// A name is made absolute where the event has the directory that it is relative to:
// the working directory, when the call says so. Links are not resolved.
package effect
