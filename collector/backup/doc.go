// Package backup keeps copies of all that a collector knows, and puts them back: the
// commands migrate, backup and restore. How a database is copied and verified is package
// move's.
//
// # The folder
//
// A backup is a folder, mode 0700, which is made under another name and renamed when all
// of it is on disk:
//
//	collector.db  the database, a file of SQLite whatever it was copied from
//	ca/           the authority's keys, where the collector keeps them in its folder
//	backup.json   when it was made, by which version, and the digest of each table and file
//
// Several may lie in one folder, each named by its time in UTC. After a backup that is
// whole, never before, the oldest beyond a number are removed; what was cut off is
// removed by the next run, and what is no backup is left alone.
//
// A collector may run meanwhile. The database is as it was at one moment. The authority
// may be newer than that, which does no harm: a key that nobody knows is not used.
//
// A collector on PostgreSQL keeps the authority in the database, sealed. The key to that,
// seal.key, is in no backup: who has a copy of the database shall not be able to sign
// certificates. Keep it elsewhere; without it all hosts have to enrol again.
//
// # Restoring
//
// It is restored into a database that is empty or not there, of either kind, and into a
// state folder without an authority. Each table and file has to have the digest that
// backup.json says, or nothing is restored. The keys come first: a collector that finds a
// database without them would make new ones, and lock all hosts out. Keys that are there
// already and are the same were put there by a try that was cut off.
package backup
