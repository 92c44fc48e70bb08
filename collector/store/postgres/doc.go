// Package postgres opens a PostgreSQL database (15 or newer) for one writer and many
// readers, and keeps other collectors away from it.
//
// # One writer
//
// The writer's connection holds an advisory lock of the session for as long as it
// lives. So the lock cannot be lost without the connection that writes, and what a
// collector that lost it had begun is rolled back by the server. The next transaction
// connects anew and takes the lock again; where another collector has it, that is
// [ErrLocked], and the process ends. After each new connection the database may be
// another (a replica that was promoted), and what the writer remembers of rows is
// worth nothing: [Writer.Begin] says so.
//
// The writer needs the server itself. Readers may go through a pool of connections in
// transaction mode: they prepare nothing and set nothing on a session.
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
