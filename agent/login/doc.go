// Package login knows where login sessions came from: it maps the session number that
// the kernel puts into every audit record (ses) to the remote address of the login.
//
// # Whose word it is
//
// That a session began, by which process and for which login user is the kernel's word:
// the record LOGIN (1006), written when a process sets its login user. The kernel does
// not know of addresses; every address is user space's word, and [actor.Origin] says
// whose. In order of trust:
//
//   - systemd-logind's file of the session, /run/systemd/sessions/N (the one that
//     sd_session_get_remote_host(3) reads). Only root can have it written. Its AUDIT and
//     UID lines must be the session and its login user.
//   - The records USER_LOGIN and USER_START. Their text, msg='…', can be forged by every
//     process with CAP_AUDIT_WRITE, and root in a container has that by Docker's default.
//     It is believed only where what the kernel put before it (pid, ses, auid) names the
//     very process that began the session by the LOGIN record; where that process ran, by
//     the kernel's word (exe of its system calls, /proc/PID/exe), sshd, login, cron or
//     another program that opens sessions; as root; outside of containers and in the
//     first PID namespace; where the text names the same program; and where no field that
//     is used stands in it twice. An address must be one: names are not looked up.
//   - /run/utmp, at start, where logind has no file: a record belongs to the session of
//     its process (/proc/PID/sessionid) and must be of the same user. Whoever is of group
//     utmp can write there, as helpers of terminals let users do, so it is marked.
//
// Not covered: root outside of containers with CAP_AUDIT_CONTROL can begin a session
// under a path like sshd's in a mount namespace of its own, and can change the records
// of logind. USER_AUTH, CRED_ACQ and other records that come before the session have no
// session number and are not read. Without CAP_SYS_PTRACE and without rules for execve
// the sender's program is not known, its record not believed, and logind is what is left.
//
// # Bounds
//
// At most 4,096 sessions; those of cron and others without an address go first, then
// those that ended. A session's origin stays after its end, for what was left running.
// Files are at most 16 KiB, 4,096 of them, /run/utmp 8 MiB. A session that logind has no
// file of is asked for four times, a second apart.
package login
