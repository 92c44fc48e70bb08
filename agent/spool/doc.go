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
//   - A lane never takes more than its bound, and does not grow where the file
//     system has less free than [Config.MinFree]. Where it may not grow its oldest
//     segment is removed, whether or not anyone has read it.
//   - What is missing is told with exact ranges: as evicted what made room, as damaged
//     all else. See [Record] and [Reader.Tail].
//   - When an append fails nothing that was durable is touched, the sequence is
//     not used up, and the next append tries again.
//
// # What it cannot tell
//
// The watermark is not synced with each commit. When the newest record is damaged
// and, before the watermark reached the disk, the machine crashes, nothing says that
// the record was durable: its number is used again, in another epoch. Records are
// not signed, since whoever can write the spool is the sensor's user or root, who
// could sign too.
//
// # Files
//
//	DIR/lock                           held with flock(2) by the one writer
//	DIR/LANE/durable                   the watermark
//	DIR/LANE/SEQUENCE-EPOCH.seg        segments
//
// Package segment owns their format, package folder opens them, package reader reads
// a lane, package inspect checks a whole spool. A segment that is damaged stays where
// it is: its other records are good, its name says what should be in it, and the
// bound removes it in its turn. Only what is no file of a spool is set aside.
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
