// Package replay runs detections over kept records, and the examples of rules.
//
// # Records
//
// What package auditlog reads: the text of auditd, RAW or ENRICHED, and of ausearch
// with --raw; with gzip around it or not. The host that they are of is not looked at:
// processes and sessions are those that the records themselves tell of, and a parent
// that no record tells of is not known. Time is that of the records.
//
// # Examples
//
// A rule may carry examples, which Sigma allows as a field of its own:
//
//	examples:
//	  - name: a key is added      # optional
//	    fires: true               # or false
//	    event: {TargetFilename: /root/.ssh/authorized_keys, Image: /usr/bin/tee}
//	  - fires: false
//	    log: |                    # records, as auditd writes them
//	      type=SYSCALL msg=audit(1795289500.540:4829366): …
//	  - fires: true
//	    capture: sshd-config      # in testdata/captures.gz beside the file
//
// event is one Sigma event of the rule's logsource; a list of texts is a field with
// several values. It cannot be an example of a correlation, which needs records.
//
// testdata/captures.gz is text with gzip around it: a line "-- NAME --", then lines of
// records.
//
// # Bounds
//
// An event that does not end is given up after two seconds of the records' time; 10,000
// detections are kept, the first ones; a captures.gz is at most 64 MiB of text.
package replay
