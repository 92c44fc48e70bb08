// Package lane keeps what of a host's lanes is committed: the tables position and
// gap.
//
// A record is named by (lane, epoch, sequence). Of every epoch everything from first
// to last is accounted for: it came, or it is in a range of the table gap. So a name
// tells by itself whether a record is new, fills a hole, or was had before. Sequences
// go on over epochs, so what is missing between two is known, too; a sequence that
// went back is a spool that began anew or was set back.
//
// # Missing records
//
// A range is missing because the host says so, with a reason, or because the
// sequence steps over it: then it is unexplained. What is told explains steps, it
// does not add to them: a record is counted as missing once, whichever way it is
// known, and never while it is there. A record that was missing and comes after all
// is taken out of its range.
//
// Hosts name their sequences, so ranges are bounded: beyond maxRanges rows of one
// host the newest row of the epoch is widened. It then has fewer records than its
// range holds, and a record within it that comes late is not taken: it stays
// counted as lost, and nothing can be taken twice.
//
// # In memory
//
// A [Set] keeps the newest epoch of each lane between transactions. It says what the
// tables say only as long as every transaction that used it was committed: after a
// failed one it must be forgotten.
package lane
