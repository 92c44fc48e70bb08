// Package move copies a whole database of the collector into an empty one: a file of
// SQLite or a database of PostgreSQL into either of both.
//
// # What is copied
//
// All tables of the schema but migration, which the target gets by being migrated: to
// the version that the source has, which may be older than this program and not newer.
// The source is not changed here (package moved marks it afterwards). Its tables are those that the same migrations make, name by
// name and column by column, or nothing is copied.
//
// # As a whole, or not at all
//
// On PostgreSQL everything happens in one transaction, the making of the tables too; a
// file of SQLite is filled under another name and linked to its own at the end, when it
// is on disk. So a copy that was killed, or for which there was no room, leaves an empty
// database or no file, and is begun again; the other name's file goes with the next try.
//
// Locks keep collectors out of the target, and out of the source unless it is copied
// [Config.Live]: then what is copied is of one moment, and a collector may go on.
//
// # The form of a table
//
// Between the two, a table is what PostgreSQL's COPY writes in its binary format: rows in
// the order of the primary key, columns in that of their names. A row is the same bytes
// whichever database wrote it: there are no types but 64-bit integers, text and bytes. The
// sum of the rows' SHA-256, numbers of 256 bits, is the table's digest. It is taken of
// what the source gives, and again of what the target gives back, and they have to be
// equal. It tells of what went wrong, not of a forger, who could make both.
//
// Text is UTF-8 without NUL, as PostgreSQL has it. SQLite would keep other bytes; they
// become U+FFFD, and rows in which that happened are counted. Where such text is part of a
// key, random digits follow, the same in all tables of a copy: no host can choose names
// that are two in a file and one on a server, which would keep everything from being moved.
package move
