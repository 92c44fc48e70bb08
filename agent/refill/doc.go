// Package refill reads audit events that were missed from the log of the audit daemon
// that got them.
//
// Beside an audit daemon the kernel gives each record to both, and drops ours alone where
// our socket has no room. auditd has written it: log_file in /etc/audit/auditd.conf, and
// the files log_file.1, log_file.2 and so on that it made of it, of which the one with the
// highest number is the oldest. Both formats are read (package auditlog).
//
// # How little is read
//
// Nothing is read before something is missing. Where the missing events can stand is found
// by their time: each file is searched by halves, since auditd writes in the order in
// which it receives, within some seconds. From there it is read once, forward; what is
// appended later is read from where the reading ended, in the same file, recognized by its
// inode when it was rotated meanwhile. One [Job] reads at most [MaxBytes].
//
// # Exactly once
//
// A record is taken when its serial is one of those wanted and its time is within some
// seconds of the gap's: serials begin anew with each boot of the kernel, and the log goes
// back further. auditd leaves out the end of an event, so it ends with PROCTITLE, which
// the kernel writes last, with a record that is a second younger, or with the job. An
// event that was handed out is not handed out again, however often the log is read.
//
// What auditd itself did not get or has discarded stays missing.
package refill
