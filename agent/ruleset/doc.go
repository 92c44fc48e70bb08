// Package ruleset says which audit rules Seawall wants besides the watches that its
// checks need: those of a profile, and a user's own.
//
// # Profiles
//
//	drift   none: the watches of what checks depend on are all (the default)
//	detect  what the detections need to see: programs that start, connections, what is
//	        written to the system (agent/detect/rules/detect.rules)
//	cis     the rules of the CIS benchmarks for Linux, section "Configure auditd rules"
//
// # A user's own
//
// Files named *.rules in /etc/seawall/audit.d, in the order of their names, hold one rule
// a line as auditctl takes it (-a, -A, -w); empty lines and lines that begin with # are
// passed over. Each rule gets the key seawall-local beside its own, by which it is known
// as Seawall's in the kernel. Only rules of the list exit can have a key, so others, and
// options that set the kernel's audit system up (-b, -e, -f, -r, -D), are refused with
// file and line: they belong to auditd's own rules, which Seawall never touches. A rule
// that is wrong does not keep the others from being loaded.
package ruleset
