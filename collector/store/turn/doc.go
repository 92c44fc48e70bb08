// Package turn is how collectors that share a database know what the others did: the
// table turn.
//
// A transaction that changes something takes a turn: a number, one more than the last,
// and a row with it that says what it changed. Who has the database's lock may take it,
// so numbers have no holes, and are in the order in which transactions were committed.
//
// # What is remembered
//
// Between its own transactions a collector remembers rows of hosts. When it begins one,
// it reads the newest number together with the lock. Where that is its own last one,
// nothing has changed. Else the rows in between name the hosts of which something has,
// and these alone are forgotten: collectors that are busy with hosts of their own do
// not take them out of each other's memory (with batches of one record each, two take
// 1.6 times as many as when all are forgotten). Where a row is missing (they go after a
// while, and a replica that was promoted may not have had the newest), all are.
//
// # News
//
// A [Watch] follows the rows of others and has live pages, rosters and caches know of
// them. It is woken by a notification, or looks several times a second where a pool of
// connections keeps those away. What it cannot tell in full it tells as lost.
//
// A database that a newer program has migrated is left alone: each transaction looks at
// the schema's version.
package turn
