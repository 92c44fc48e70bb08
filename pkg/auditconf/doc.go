// Package auditconf reads the files of the audit daemon's package: auditd.conf
// and the rules files that auditctl loads.
//
// auditd.conf is read as auditd 3 reads it, for a file that auditd refuses is a
// host without an audit log: one "keyword = value" a line, with white space around
// the equal sign required; keywords and most values without regard to case; the
// last of several settings wins; a line of 160 characters or more is skipped; an
// unknown keyword, a word too many, a value that is none of the keyword's, or
// limits that contradict each other stop the daemon.
//
// Rules files hold auditctl's options, one command a line. augenrules makes
// /etc/audit/audit.rules of the files in /etc/audit/rules.d; [Generate] does the
// same, so that a difference between the two can be told.
//
// Nothing here opens a file.
package auditconf
