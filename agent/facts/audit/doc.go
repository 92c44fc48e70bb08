// Package audit reads the facts about kernel audit and auditd: the kernel's own
// status and rules, the daemon's presence, the kernel command lines of this and
// of the next boot, auditd.conf and the rules files.
//
// Each part says for itself whether it is known: an image has no kernel to ask,
// a container may not, and a host without D-Bus cannot say what runs. Nothing
// unknown is ever given as a value. Reading changes nothing in the kernel.
package audit
