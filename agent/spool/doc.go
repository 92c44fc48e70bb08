// Package spool is the only way out of the sensor: a ring of files on disk that
// one process writes and another, without privileges, reads while it is written.
//
// It carries opaque payloads of at most 64 KiB in lanes that cannot evict one
// another. It is bounded in bytes, survives crashes, full disks and damaged
// blocks, and accounts for what it loses: sequence numbers rise by one, so every
// step of more than one is a loss with an exact range. It knows nothing of what
// is inside a payload, of the network, or of what has been sent.
//
// # Promises
//
//   - A record is durable when [Spool.AppendSync] or [Spool.Sync] has returned
//     without error, and at the latest [Config.Interval] after its append while
//     the disk works. A record that is not durable is never given to a reader, so
//     a crash cannot make a reader see two records of one position.
//   - (lane, epoch, sequence) names one record for ever. The epoch is drawn anew
//     each time a spool is opened for writing, the sequence goes on.
//   - A reader returns the bytes that were appended or nothing: every byte of a
//     record but its padding is covered by a checksum that also covers epoch and
//     sequence. One damaged record costs that record and no other.
//   - A lane never takes more than its bound. When it is full, its oldest segment
//     is removed, whether or not anyone has read it.
//   - When an append fails nothing that was durable is touched, the sequence is
//     not used up, and the next append tries again.
//
// # Files
//
//	DIR/lock                           held with flock(2) by the one writer
//	DIR/LANE/durable                   the watermark
//	DIR/LANE/SEQUENCE-EPOCH.seg        segments, both numbers 16 hex digits
//
// LANE is 1 to 12 letters a-z. Directories have mode 0750, files 0640. The name
// of a segment says the sequence of its first record and its epoch, so a damaged
// segment header loses nothing. Other names are left alone. A segment name that
// is not a plain file with one link is renamed to *.bad by the writer and refused
// by readers.
//
// All integers are little-endian, all checksums CRC-32C (Castagnoli).
//
// A segment starts with a header of 64 bytes:
//
//	 0  8  magic "SWSPOOL\n"
//	 8  2  format version, 1
//	10  2  header size, 64
//	12  4  zero
//	16  8  epoch
//	24  8  sequence of the first record
//	32  8  wall clock at creation, Unix nanoseconds
//	40  8  CLOCK_BOOTTIME at creation, nanoseconds
//	48 12  lane, padded with zeros
//	60  4  checksum of bytes 0 to 59
//
// A reader that finds a good header of another version skips the segment. Records
// follow, each at a multiple of 8 bytes:
//
//	 0  4  marker FF FE 57 53, which is in no UTF-8 text
//	 4  4  length of the payload, at most 65536
//	 8  8  sequence
//	16  4  flags, zero
//	20  4  checksum of the epoch and bytes 0 to 19
//	24  n  payload
//	    4  checksum of epoch, sequence and payload
//	       zeros up to a multiple of 8
//
// The header has its own checksum, so that a length can be trusted before it is
// used: a damaged payload skips one record, a damaged header makes the reader
// look for the next marker with a good header. What follows the last good record
// of a segment, zeros or half a record, is not part of it.
//
// The watermark file holds the newest durable position twice, in two slots of 32
// bytes written with one pwrite(2) after fdatasync(2) of the segment returned:
//
//	 0  4  "SWD1"
//	 4  8  epoch
//	12  8  sequence
//	20  8  Unix nanoseconds
//	28  4  checksum of bytes 0 to 27
//
// The file itself is not synced: after a crash of the machine it may be old or
// gone, and the writer recomputes it. Readers take the newer good slot; changes
// of this file are what they wait for.
//
// # Writing
//
// An append writes its record at once, so that it survives the death of the
// process, and keeps a copy until fdatasync has returned. When fdatasync fails it
// is never asked about that file again: the copies go to a new segment. A writer
// never appends to a segment of an earlier one. At open it reads the last segment
// of each lane to find where the sequence goes on, and makes that tail durable.
// Nothing runs and no timer is set while nothing is pending.
package spool
