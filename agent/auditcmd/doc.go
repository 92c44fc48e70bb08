// Package auditcmd is the command "seawall audit": how kernel audit is read, by which
// rules, what was missed, and what one event says.
//
// It asks the kernel itself, which needs CAP_AUDIT_CONTROL, and reads what the sensor
// keeps in the directory of its spool (package gaps). It changes nothing.
package auditcmd
