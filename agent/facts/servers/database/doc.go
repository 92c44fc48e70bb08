// Package database answers for databases and caches: who reaches one from the
// network and needs no password, and where any local user is any database user.
//
// Redis, Valkey: bind, protected-mode, requirepass, ACLs of the user default.
// MongoDB: net.bindIp, security.authorization. Memcached: -l, -s, -S, -Y.
// Elasticsearch: network.host, xpack.security.enabled, whose default changed with
// release 8 (the release is that of its library). OpenSearch: plugins.security.disabled.
// PostgreSQL: listen_addresses (of postgresql.conf, what it includes, and what ALTER
// SYSTEM wrote), and the first line of pg_hba.conf that is for a stranger, whatever
// database and user he names. MariaDB, MySQL: skip-grant-tables.
//
// Passwords in these files are not kept.
package database
