// Package units reads which of a list of services a host has installed, starts at
// boot and runs.
//
// # What is read
//
// Packages from the database of dpkg or rpm, as the versions of a listed set of
// names. Units from their files (package unitfile) and, of those that exist, what
// the running systemd says. Scripts of System V (/etc/init.d) that have no unit
// count by their links in /etc/rc?.d, as systemd-sysv-generator(8) takes them.
// Super-servers from inetd.conf(5) and xinetd.conf(5).
//
// # When a service is in use
//
// A unit of it starts at boot or is active. A unit that starts at boot and whose
// ConditionPathExists= does not hold is not (Debian's rsync without rsyncd.conf). A
// service that is only installed listens to nobody.
//
// # Not done here
//
// Programs that were installed past the package manager and have no unit; containers;
// units of users. What listens on which address is of the group sockets.
package units
