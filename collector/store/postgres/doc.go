// Package postgres opens a PostgreSQL database (15 or newer) for a collector's one writer
// and many readers, beside other collectors.
//
// # One after another
//
// Each transaction that writes begins with an advisory lock, and has it until it ends.
// So transactions of several collectors never overlap, and what one reads it can rely
// on. A session has no lock, so that writers, too, may go through a pool of connections
// in transaction mode. After each new connection the database may be another (a replica
// that was promoted), and what the writer remembers of rows is worth nothing:
// [Writer.Begin] says so. Whoever holds the lock and says nothing is rolled back by the
// server soon.
//
// Behind a pool of connections nothing is prepared, and notifications do not come. It is
// known by the number of the process that answers, which is not the greeted one's.
//
// # Many rows
//
// Rows that a transaction adds to a table, events and results above all, wait until it
// ends or a statement names the table, and then go there by COPY. Where they are few,
// they are inserted with the statements that go anyway.
//
// # Durable
//
// A commit is on disk when it returns, as synchronous_commit says, and on the standby
// too where synchronous_standby_names asks for it. Only then is nothing lost that a
// host was told to forget when the primary dies: with an asynchronous standby, the last
// moments are.
//
// # Statements
//
// They are those of SQLite, see package db, and the connection rewrites them:
// question marks become numbered parameters, ifnull coalesce, and a CROSS JOIN, by
// which SQLite keeps the order of tables, a join. What stands in a comment that begins
// with "postgres" is for PostgreSQL alone. No text is made from data, so each is
// rewritten once. Text cannot hold a NUL here; it is kept as U+FFFD.
package postgres
