// Package taxonomy makes Sigma's events of kernel audit's, so that rules written for
// auditd and for Sysmon for Linux read the same.
//
// # One audit event, several of Sigma's
//
// Each audit event is one event of linux/auditd (and one more for every PATH record
// but the first of an execve); one of linux/process_creation if it is an execve that
// succeeded; one of linux/file_event for every file that it created, opened for writing,
// linked or renamed to; one of linux/file_delete for every file that it removed, or
// renamed from; one of linux/network_connection if it is a connect, a datagram to an
// address, or an accept, over IPv4 or IPv6.
//
// # linux/auditd
//
// Rules for auditd are about records, and only one record has each field. Here the
// records of an event are one event, so that a rule may also join them:
//
//	type                the names of all records: SYSCALL, EXECVE, PATH, …
//	syscall             the name and the number
//	success exit arch   as written: yes, -13, c000003e
//	a0 a1 a2 …          arguments of an execve, decoded; of another system call those four, hexadecimal
//	argc                of an execve
//	exe comm tty key    decoded; key several times for several keys
//	pid ppid auid uid gid euid fsuid ses     numbers
//	cwd                 decoded
//	name                as the process named it, and again as absolute path, and by its place, where these differ
//	nametype            NORMAL, PARENT, CREATE, DELETE, UNKNOWN
//	mode ouid inode dev of a PATH record, as written: 0100644, 0, 1234, 08:01
//	proctitle           decoded, blanks between arguments
//	saddr_fam laddr lport path   of a SOCKADDR record: inet, inet6, local; address, port; socket's name
//	acct exe hostname addr terminal res op unit id cmd grantors comm
//	                    of what a program told (USER_*, SERVICE_*, …): can be forged, see audit.Event.Message
//	any other           of any record, as written, text without quotes or hexadecimal: dev, prom, op, list, table, family, old
//
// # linux/process_creation
//
//	Image               exe: what the kernel runs, of a script its interpreter; and the name it was
//	                    started by where that differs: /usr/bin/pgrep and /usr/bin/pkill, a link to it;
//	                    /usr/bin/perl and /usr/sbin/adduser, a script
//	CommandLine         arguments with blanks between, not quoted
//	CurrentDirectory    cwd
//	ProcessId ParentProcessId
//	ParentImage ParentCommandLine   of the process table, missing where not known
//	User                name of the effective user, its number where it has none
//	LogonId             the audit session (ses); missing outside of logins
//	TerminalSessionId   the same
//
// OriginalFileName, Product, Company, IntegrityLevel, Hashes and the GUIDs are of
// Windows, or would need the file read: they are missing.
//
// # linux/file_event, linux/file_delete
//
//	TargetFilename      absolute and clean; by the inode of its directory, or by its own, where that
//	                    has another name than the process used (Config.Place): a descriptor of a
//	                    directory was given, or a link was gone through. Then that which was used is a
//	                    second value, if it is absolute. Relative where neither is known.
//	SourceFilename      file_event by rename: what it was called before
//	Image CommandLine ParentImage ParentCommandLine ProcessId ParentProcessId User LogonId   of who did it
//
// # linux/network_connection
//
//	Initiated           true; false for an accept
//	DestinationIp DestinationPort         where to; missing for an accept
//	DestinationIsIpv6   true, false
//	SourceIp SourcePort                   where from, for an accept; missing else
//	Protocol            udp where a datagram was sent to an address; missing else
//	Image …             as above
//
// DestinationHostname is missing: the kernel connects to addresses. A connect counts
// if it succeeded, is on its way, was refused, timed out or found no way: a scan is seen
// by what it did not find. One to port 0 does not count, for with it the C library only
// asks which way there would be.
//
// # Cost
//
// Only fields that rules use are made (Taxonomy). Of linux/auditd they are those of the
// rules that events of the same record types, system call, outcome and keys can match
// (class.go): most events there match none, and none is made. Reading an event allocates
// nothing.
package taxonomy
