// Package watch shows people what happens on a host while it happens: the command
// "seawall watch".
//
// Results that change and detections come from the sensor's spool, which is followed
// without disturbing anybody: what is shown is what the collector will be told. Changes
// of files and raw events come from the kernel's audit, to which anybody with
// CAP_AUDIT_READ may listen beside whoever reads it (the multicast group of audit
// netlink, so the sensor and auditd notice nothing). What kernel audit does not report
// at present, since no rule asks for it, is not seen there either, and listening adds no
// rule. A reader that is too slow loses events, which is said where it happens.
//
// Command lines are shown without secrets, as package redact knows them; so are the
// texts of records that programs wrote. With JSON there is one object to a line:
// history.Record of the spool, [Event] of the kernel.
package watch
