// Package store keeps what hosts said, durable, in one database: a file of SQLite, or
// a database of PostgreSQL. What is said of the disk and the log is about SQLite; package
// postgres says what is so there, and one suite of tests runs on both.
//
// # Exactly once
//
// A record is named by (host, lane, epoch, sequence). Of every lane and epoch the
// store knows the range that it has and the holes in it; what it has already is
// ignored. Records, the position and all rollups change in one transaction, and
// [Store.Apply] returns after the transaction is on disk. So a batch that is sent
// again after a crash on either side changes nothing, and what was acknowledged is
// never lost. What [Store.Positions] tells a host is on disk, too: it forgets that.
// Where the disk refuses what was written, nothing is acknowledged any more and
// [Store.Run] ends. The log stays: only a new start tells what is left of it.
//
// A record that comes after newer ones of its lane (a hole filled late) enters the
// timeline, but does not touch the standing state, which is newer.
//
// A whole state that replaces another is compared with it: what differs enters the
// timeline, too, each difference once, since nobody told of it when it happened.
//
// # Detections
//
// A storm (one detection that a host reports again while it grows) is one row, named
// by the host and the host's id for it. Its newest report stands: one with a smaller
// count says nothing new, whether it was sent again, came late or comes under another
// name, and what has ended does not go on. The hosts' times are theirs, but never in
// the future; the order of lists is that of receipt. A host has at most
// Config.MaxDetections; beyond that the least severe go first, and are counted.
//
// # Nothing vanishes unseen
//
// Records that never came are ranges in the table gap and a count of the host, and
// each range is an event of the timeline: told by the host, with its reason, or seen
// from the sequence alone.
// Records that came and could not be taken (not decodable, beyond the host's
// limits, a whole state with a wrong digest) are rows of the table rejected and a
// count. They do not stop the stream: a host must not be able to block itself.
//
// # Members, silence and the archive
//
// Only members deliver; [Store.Update] is how they are admitted, and package
// membership has the tables. A host that is offline is told once in its timeline, and
// its return, too. After Config.ArchiveAfter of silence, or by a person, it is
// archived: its rows stay, its results leave the counts over the fleet, and with the
// next record that it sends it is back in the same transaction. Time during which the
// collector itself was away is no host's silence.
//
// # Writing and reading
//
// One goroutine writes. It takes what all streams have ready into one transaction
// (group commit) and commits at once when it is idle, so that latency is one disk
// write. What people and the collector itself write comes before what hosts say, and of
// that a transaction takes only so much that others need not wait long. Where answers
// are far away, what the hosts' changes need of the tables is read at once, see
// [host.Batch.Foresee]. Another goroutine brings commits to disk, several at once, and answers,
// while the writer is at the next; a third copies the log to the database. A change
// costs one statement for the state, and a row at the timeline's end: no index over
// all hosts is touched (events of a host or a check are chains), unless a check goes
// bad on a host or is good again. Rows and positions of hosts that have spoken stay in memory, some hundred
// bytes each, and are written back once for each transaction. Readers use a pool of
// their own, which cannot write, and see the last commit. Counts that pages show are kept
// as rollups in the same transaction.
//
// Applying a record is bounded in time and space by limits per host: number of
// standing results, of checks, of detections, of bytes in incomplete whole states.
//
// The timeline is kept for Config.Retention, and detections for as long after their
// last report; what is older is deleted in small steps and counted. Standing state stays as long as its host.
//
// # Several collectors
//
// A file is one collector's: a second process is refused by a lock on PATH.lock. A
// database of PostgreSQL may have several. Their transactions come one after another,
// and each has the others know what it changed (package turn): what is remembered of a
// host is forgotten when another collector wrote of it, and [Store.Subscribe] and
// [Store.Elsewhere] tell of that, too. So a host may speak to any of them, and to
// another the next moment: what it sends again is known by its name. What must run once
// at a time is run by [Store.Once].
//
// When the connection that writes breaks, nothing that is remembered of rows counts any
// more, and the next transaction begins on a new one, on whichever server is the primary
// then. Until there is one, records are not acknowledged, and hosts keep them.
package store
