// Auditfields compares, field by field, what this project's packages read from audit
// records with what ausearch(8) and go-libaudit read from the same.
//
//	auditfields log FILE...           compare records that there are (audit.log)
//	auditfields live [-chunks N] [-calls N]   make records and compare them
//	auditfields capture FILE          write a netlink capture as auditd would have
//
// live starts auditd with rules for a login user of its own, runs program load (beside
// this) built for 64 and for 32 bits, and some of the machine's own programs that write
// records: su, sudo, nft, auditctl. It needs root, the audit packages and a kernel that
// nobody else audits with: it takes the lock of all tests that use kernel audit, for each
// chunk anew.
//
// # What is compared
//
// Each event of ours, read by packages auditlog and audit, with the event of the same
// serial in ausearch -i: its records in their order, their types and times, and each
// field of each. What Event has is taken from Event (numbers, users, arguments, paths,
// names, keys), the rest from the record's text by NextField and AppendText. ausearch
// says users, calls, modes, errors, addresses, results in words: ours are put in the same
// words. For what it says in words that nothing here has a use for (flags, access modes,
// capabilities, arguments of calls), equal numbers must have equal words in all of a run.
//
// With go-libaudit: each field of each record (auparse), and of events the arguments
// (aucoalesce).
//
// A difference is counted in a class. Those that are known have a reason, printed with
// them; any other ends the program with 1.
package main
