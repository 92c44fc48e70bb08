// Package audit turns the records of the Linux kernel's audit system into events.
//
// One event is one or more records with the same serial. The kernel sends each
// record in its own netlink message; what arrives here is the message's type,
// from the netlink header, and its text:
//
//	audit(1795289500.540:4829366): arch=c000003e syscall=257 success=yes …
//
// [Assembler] collects the records by serial and hands out a typed [Event] when
// the kernel's end-of-event record (1320) arrives, at once for record types that
// stand alone, or after a time, by the caller's clock, for an event whose end was
// lost. Records of different events interleave and serials are not monotonic.
// Memory is bounded: at most [MaxOpen] open events and 8 MiB of text, the
// oldest event being handed out unfinished when more is needed. An event that
// lacks records is marked Partial, one whose text was cut Truncated.
//
// # Trust
//
// Strings in records come from hostile processes. The kernel writes each as a
// quoted string, or as hexadecimal when it holds a quote, a space, a control or a
// byte above 0x7e; both forms are decoded to the same bytes, losslessly. Type is
// taken from the netlink header and never from text. Of records that user space
// sends (types 1005, 1100–1199, 2100–2999) only what stands before msg= is the
// kernel's; the rest can be forged by any process with CAP_AUDIT_WRITE and is
// kept as opaque bytes in [Event.Message].
//
// # Loss
//
// A serial that is never seen is counted as a gap. Neither the kernel's lost
// counter nor an error on the socket can replace this: multicast loss and the
// kernel's retry queue drop records without a word. A serial counts as missing
// once newer ones were seen and the time for late ones has passed.
//
// The package reads no socket and no clock, and allocates nothing per record.
package audit
