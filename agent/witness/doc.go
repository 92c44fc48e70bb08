// Package witness reads kernel audit: it says who changed a file, shows each event to
// whoever asks, and keeps account of what it did not see.
//
// A [Source] is told which names matter ([Source.Watch]) and keeps watch rules for
// them in the kernel, under a key of its own, with those of a profile and a user's own
// (package ruleset), beside auditd's rules and without touching them. It looks every 15
// seconds, and a second after somebody changed the kernel's rules, whether ours are all
// there. A rule that auditd has already is not loaded a second time; what a wider rule
// reports is not watched besides. Of every audit event that it sees, from whichever rule,
// it offers the changes of names that matter. What the process was called and how it was
// started is the kernel's word, decoded and with secrets taken out (package redact); the
// msg= part of user-space records is never read.
//
// # Modes
//
// Where an audit daemon runs, the Source listens beside it (multicast). Where none
// runs it registers as the daemon (unicast), since the kernel else prints every
// record to its log, and switches kernel audit on if it was off. It moves at once when
//
//   - auditd is started: the kernel tells that its program is opened to be executed
//     (package execwatch), and an event does, milliseconds before it asks for its place; that is
//     then free for a minute. Where we come too late the kernel asks us (AUDIT_REPLACE) and
//     refuses it in the same breath, under the lock that giving up would need: auditd's
//     start has then failed, and the place is free for five minutes, for somebody or
//     systemd to start it again;
//   - auditd ends or is killed (CONFIG_CHANGE with audit_pid=, and its pidfd): after ten
//     seconds, since a restart ends it first. Nothing is missed meanwhile: we listen.
//
// The connection that follows is opened before the one there was ends, what is queued in
// that is read to its end, and what both gave is taken once.
//
// When Run returns, our rules are gone and kernel audit is on or off as it was. A
// sensor that is killed leaves a mark in its state directory, by which the next
// one knows that it was us who switched audit on. In unicast mode its socket is with
// systemd: the kernel queues there, and the next sensor reads on. One that ends to be
// started again leaves rules, registration and socket as they are.
//
// # Truth about loss
//
// Every serial that is never seen is an event that was missed (package gaps). It is waited
// for four seconds. Beside auditd it is then read from auditd's log (package refill) and
// goes the same way as any other event, with Filled set, its own time and out of order; so
// is an event of which some records are missing. What the log does not have after half a
// minute, and in unicast mode all that is missing, is told to Config.Gap, with its serials,
// times and cause. The kernel's own count of what it lost before it gave a serial is a gap
// too. Which events were handed to Config.Observe outlives the process (package gaps): what
// was made while no sensor ran, or was read and not handed out, is the next one's first gap,
// and nothing else is. Config.Gap is told at least once of each: one that was killed may
// have told what the next tells again. The account is the ledger.
//
// Nothing on a disk is waited for between the kernel's socket and Config.Observe.
//
// # What is not seen
//
// An event is made when a file is opened for writing, not when it is written; a
// process that changes a file through a descriptor that it was given shows with
// the program that opened it. Rules that are locked (enabled 2) keep ours out: the
// counters say so, and changes are then seen without who made them.
package witness
