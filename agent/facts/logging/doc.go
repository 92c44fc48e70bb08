// Package logging reads what keeps the logs: journald, rsyslog, logrotate, and who
// may read and write the files below /var/log.
//
// # What is read
//
// The journal's configuration as systemd merges it. Where a key is not set the
// default counts, which distributions change when they build it: the lines in
// comments of the main file name it ("#ForwardToSyslog=yes").
//
// rsyslog's configuration with its includes, in all its languages (rsyslogconf).
// Conditions are not evaluated: an input or an output counts wherever it stands. A
// new log file has the mode FileCreateMode of its action, or the default of its
// language, less the umask of the configuration or of the unit.
//
// logrotate's configuration, and when it last wrote its state.
//
// Below /var/log every name is looked at, to a bound, and those are kept whose mode
// is wider than a log needs. No log is read. Lists have bounds; one that is cut says so
// (Meta.Partial), and nothing passes for it.
//
// # Not done here
//
// The configuration of syslog-ng and of other loggers: that one is there is told.
package logging
