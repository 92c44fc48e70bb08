// Program benign records what a web and database server does in a week that nothing is
// wrong with, for detections to be silent about.
//
//	go run ./scripts/benign -tree DIR -out week.gz [-step NAME] [-steps FILE]
//	go run ./scripts/benign -shorten week.gz -out testdata/benign.gz
//	seawall replay week.gz
//
// DIR is the file system of a Debian 12 with systemd, nginx, cron, rsyslog, OpenSSH,
// unattended-upgrades and ufw. machine.sh runs it in a container over an overlay, with a
// network of its own that reaches Debian's mirror; nothing of it remains. It needs root
// and takes the lock of all tests that use kernel audit, for a minute at most at a time.
//
// # The week
//
// The steps are in week.txtar, each a script that a person runs in a login by ssh: people
// who look around and administrate, packages installed, upgraded and removed, builds by make,
// gcc and go, git, nginx under load, PostgreSQL and pgbench, backups by tar, rsync and
// pg_dump, certificates renewed, logs rotated, and the jobs of cron and of systemd's timers,
// those of days run in minutes. The start and the end of the machine are steps too.
//
// # What is recorded
//
// The profile "detect" of audit rules, with the machine's directories put before the
// names of files, for the login users of the machine alone. Processes that no one logged
// in for have a login user there too, 4242, so that they are told from those of the rest
// of this computer; in what is written it is none again, as it would be.
//
// # Shortened
//
// With -shorten, of records that say the same but for numbers and names of files in one
// directory only the first three events are kept: a test replays these.
package main
