// Package kaudit speaks to the Linux kernel's audit system over netlink.
//
// [Conn] receives records. In [Unicast] mode it registers this process as the
// audit daemon, of which the kernel has one; the kernel then sends records to us
// instead of printing them to its log, waits for us when its queue is full, and
// asks with an AUDIT_REPLACE record (1329) when another daemon wants our place.
// In [Multicast] mode it listens beside the daemon; that needs CAP_AUDIT_READ, and
// the kernel drops what does not fit into the socket's buffer. A drop shows as
// ENOBUFS, which is counted ([Conn.Overruns]) and never ends the reading, and as a
// gap in the serials, which package audit counts; the kernel's lost counter does
// not show it.
//
// A process that makes a record while the kernel's queue is full (backlog_limit) sleeps in
// audit_log_start() for up to backlog_wait_time, a minute as the kernel comes, and for each
// record of a system call anew: until a reader that stands still goes on, or all of it, where
// the kernel's wake-up comes between its look at the queue and its falling asleep. With a
// wait of 0 it does not sleep, and the record counts as lost; an event whose first record is
// lost has no serial. One jiffy is no middle way: at 250 a second a call of six records
// takes up to 60 ms. Package listen sets 0 as long as this process is the audit daemon.
//
// When another process asks for the daemon's place, the kernel sends AUDIT_REPLACE to the one
// there is, looks at once whether it is still there and answers EEXIST, all of it holding the
// lock that giving the place up takes: whoever leaves upon AUDIT_REPLACE is always too late
// for that request, and in time for the next.
//
// [Control] asks for the status and the rules and changes them; package auditwatch holds
// rules of our own in the kernel.
//
// Reading is non-blocking on the runtime's poller with recvmmsg(2) into buffers
// that are used again: a blocking read costs two to three times the CPU at
// ordinary rates. Waking up costs more than what an event does, so where records come
// often they are left to gather for up to 40 ms, as long as the socket's buffer has room
// for any flood meanwhile; one that comes after a pause is read at once. Every message's sender is checked to be the kernel. Nothing
// here waits for the kernel without a limit, and closing a registered connection
// reads what is queued so that the kernel never waits for us.
package kaudit
