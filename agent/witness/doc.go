// Package witness reads kernel audit to say who changed a file: login user, user,
// session, terminal, program, command line, time and audit serial.
//
// A [Source] is told which names matter ([Source.Watch]) and keeps watch rules for
// them in the kernel, under a key of its own, beside the user's rules and without
// touching them. Of every audit event that it sees, from whichever rule, it offers
// the changes of names that matter. What the process was called and how it was
// started is the kernel's word, decoded and with secrets taken out (package
// redact); the msg= part of user-space records is never read.
//
// # Modes
//
// Where an audit daemon runs, the Source listens beside it (multicast). Where none
// runs it registers as the daemon (unicast), since the kernel else prints every
// record to its log, and switches kernel audit on if it was off. It looks every 15
// seconds whether that still fits, and gives its place up at once when another
// daemon asks for it, leaving it free for five minutes: that daemon's own start
// has failed by then, and somebody has to start it again.
//
// When Run returns, our rules are gone and kernel audit is on or off as it was. A
// sensor that is killed leaves a mark in its state directory, by which the next
// one knows that it was us who switched audit on.
//
// # What is not seen
//
// An event is made when a file is opened for writing, not when it is written; a
// process that changes a file through a descriptor that it was given shows with
// the program that opened it. Rules that are locked (enabled 2) keep ours out: the
// counters say so, and changes are then seen without who made them.
package witness
