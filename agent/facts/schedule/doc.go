// Package schedule reads what runs by the clock: cron, at, and systemd's timers, with
// the programs that their jobs run and who else could change those.
//
// # What is read
//
// /etc/crontab, /etc/cron.d and /etc/anacrontab; the programs in cron.hourly and its
// kin; users' crontabs in /var/spool/cron (cronie) and /var/spool/cron/crontabs
// (Debian). The timers that timers.target and others want, with the commands of their
// services. Modes and owners of all of it, and the lists of who may use crontab(1)
// and at(1).
//
// A program is looked for as cron does, by the crontab's PATH or /usr/bin:/bin. It is
// weak where somebody other than root (or the job's own user) can change it, or can
// put another in its place: each directory on the way and each link is looked at.
// Commands are split into words without a shell (crontab.Programs): what only a shell
// could tell is left out. Secrets in command lines are hidden, and of long ones the
// start is shown. Lists have bounds; one that is cut says so (Meta.Partial).
//
// # Not done here
//
// Jobs of at(1), of which the queue holds the environment of who made them; timers
// of users' own systemd; templates' instances.
package schedule
