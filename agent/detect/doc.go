// Package detect tells from kernel audit's events what somebody should look at: events
// in, detections out.
//
// Rules are Sigma's (package sigma), over the events that package taxonomy makes. A
// finding.Detection says which rule, how grave, which ATT&CK techniques, who acted and by what
// processes, which file or address, and has the records. Nothing else is kept of events
// than what rules ask for.
//
// # One storm, one detection
//
// What one rule says of one login user and one program is one detection as long as it
// goes on. It is reported when it begins, and again with its count, first and last time
// and up to five samples, half a minute after it grew, then every five minutes, and when
// it was quiet for ten minutes, which ends it. finding.Detection.ID stays the same. At most 1,024
// are open, of one rule at most 64: what else matches that rule is counted in one more
// without a program. Where there is no room the one quiet for longest is ended; samples
// of all together are at most some 8 MiB.
//
// The count of an ID only grows, so the newest report stands for those before it. While
// there is no room for reports (Config.Full), detections wait and grow; one that ends
// meanwhile is counted in Stats.Lost. Detector.Close reports the rest of each, and a
// detector that begins anew knows none of them: the same storm then has another ID and
// counts from there, so that no match is told twice. What a killed process had counted
// and not reported, five minutes' growth at most, is lost.
//
// # Allow lists
//
// What is known and wanted is allowed by a file of YAML:
//
//	allow:
//	  - rule: 3f6c…              # id of the rule
//	    where:                   # fields of the rule's events, as a selection of Sigma has them
//	      Image: /usr/bin/borg
//	      TargetFilename|startswith: /etc/
//	    owner: ann@example.com
//	    reason: The nightly backup reads everything.
//	    expires: 2027-03-31      # the last day, UTC; at most a year ahead
//
// Without where, the rule is silent altogether. What is allowed is counted, and does not
// count for correlations. An allowance past its last day allows nothing and is told of by
// Detector.Expired.
//
// # Secrets
//
// A command line is redacted (package redact) when a sample is made: EXECVE and PROCTITLE
// records are never part of one, and what programs told (USER_CMD and others) is redacted
// field by field.
//
// # Not trusted
//
// Fields of linux/auditd that come from user-space records can be forged by any process
// with CAP_AUDIT_WRITE; Sample.Claimed says that an event was such a record.
package detect
