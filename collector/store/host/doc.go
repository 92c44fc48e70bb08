// Package host applies to the tables of one host what the host sent, within a
// transaction of the store's writer.
//
// A [Batch] is one transaction. It opens hosts from memory, where [Known] keeps
// their rows and positions between transactions, and writes them back once at its
// end: what many streams sent at once costs one write of a row per host. The results
// that stand are not kept in memory, so a host costs some hundred bytes there.
//
// # What becomes of a record
//
// Package lane says by a record's name whether it is new. A change becomes the
// standing result and an event of the timeline. A late one enters the timeline
// alone, since what stands is newer. A whole state that is complete and has its
// digest is compared with what stands: what differs enters the timeline, too. A
// detection becomes a row, or what its row says from then on. What
// cannot be taken is a row of the table rejected and a count.
//
// # What the collector says itself
//
// Some events no host sent: records lost, silence and return, archiving, and what
// happened to an identity. They have no lane and are numbered by themselves, except
// for lost records, which stand under the name of the first of them.
package host
