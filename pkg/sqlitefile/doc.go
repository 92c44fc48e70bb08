// Package sqlitefile reads tables of SQLite 3 database files without SQLite: no
// driver, no SQL, no locks, and nothing is created, changed or removed beside the
// file, which opening it with the library would do even for reading.
//
// It reads rows of ordinary tables in the order of their row numbers, columns by
// name. It does not read indexes, views, virtual tables, tables WITHOUT ROWID or
// with generated columns, or databases in UTF-16; a column that was added after a
// row was written is NULL in it, whatever its default.
//
// # Write-ahead log
//
// What others have committed may stand only in the write-ahead log (-wal) beside
// the file. [Open] reads that log as recovery does: frames with the salts of the
// log's header and a right running checksum count up to the last one that commits;
// a page in such a frame replaces the file's. Frames of earlier rounds and of
// transactions that are not committed are not seen.
//
// # Consistency
//
// Nothing holds writers off. The caller compares what stat(2) says of both files
// before and after, and reads again if it differs. A rollback journal (-journal)
// with content is not read: it says that the file may be in the middle of a
// change.
//
// # Hostile files
//
// Each page is visited at most once for a tree, row numbers ascend, all leaves are
// as deep as the first, lengths are checked against the size of the file before
// they are used, and at most one page for each level is held in memory, beside the
// values asked for. Damage is [ErrDamaged]. A change within a value cannot be
// seen: the format has no checksums outside the log.
//
// The format is that of https://www.sqlite.org/fileformat2.html; details where it
// is silent follow btree.c, pager.c and wal.c of SQLite 3.40.
package sqlitefile
