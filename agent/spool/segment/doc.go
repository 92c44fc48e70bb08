// Package segment owns the format of a spool: what its files are called and what
// stands in them. It opens no file and decides nothing: when to write, to sync or
// to skip is for the packages that use it.
//
// # Files
//
//	DIR/lock                           held with flock(2) by the one writer
//	DIR/LANE/durable                   the watermark
//	DIR/LANE/SEQUENCE-EPOCH.seg        segments, both numbers 16 hex digits
//	DIR/LANE/*.bad                     what only had the name of one of these
//
// LANE is 1 to 12 letters a-z. Directories have mode 0750, files 0640. The name
// of a segment says the sequence of its first record and its epoch, so a damaged
// segment header loses nothing. Sequences are less than 2^63. Other names are left
// alone.
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
// The watermark file holds the newest durable position and the newest sequence that
// was evicted, twice, in two slots of 40 bytes written with one pwrite(2):
//
//	 0  4  "SWD2"
//	 4  8  epoch
//	12  8  sequence
//	20  8  newest sequence evicted, 0 for none
//	28  8  Unix nanoseconds
//	36  4  checksum of bytes 0 to 35
//
// It is written after fdatasync(2) of the segment returned, and before a segment is
// evicted. For the first it is not synced: after a crash of the machine it may be
// old or gone, and the writer recomputes it. Readers take the newer good slot;
// changes of this file are what they wait for.
package segment
