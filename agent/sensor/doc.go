// Package sensor is the daemon that watches a host: it turns what the kernel says
// of changed files into checks that run again at once, and results that differ
// into records of the spool.
//
// # One loop
//
// Two sources tell of changes: kernel audit (who opened, renamed, changed the
// mode of or deleted a file, at the time of the system call) and inotify (a
// writer closed the file; there is new content to read). Both only put names
// into a bounded queue. One goroutine owns everything else: it gathers names for
// Config.Coalesce, asks facts.Reader which groups of facts they make stale, reads
// those again, evaluates the checks that need them, and appends what differs to
// the spool. A queue that overflows makes every group stale: nothing is missed,
// only names of who did it.
//
// A group that costs much is read less often: but for a few times in a row it rests four
// times what a reading took (package pace), so that a storm of changes costs a fifth of
// one CPU at the most. Host.Spacing holds groups apart whose files change
// again and again for a while, such as the package database during an upgrade: its
// counts are then told now and then, and not a hundred times.
//
// Groups that change without a file changing are looked at with heartbeats, each as
// often as Host.Clocked says: what somebody changes in the kernel with each, what
// grows old by days now and then, and never all of these with one heartbeat.
//
// # Causes
//
// For each changed name the last audit events that touched it are kept (eight of
// each of 1,024 names, ten minutes). A result that differs is explained by an event
// of a name that its evidence points to, else of any name that made its facts
// stale: the newest since the look before and until this one began; else the
// first during it; else an older one, of a file that was opened then and written
// now. A result that changed on its own, by the clock or in the kernel, has no
// cause.
//
// # What is emitted
//
// At start: the static text of the checks (Pack) and the whole state, in parts
// with a digest. Then only changes, and the whole state again each
// Config.StateInterval, and when the spool has evicted the last one: after any loss
// the collector's picture is right again with the next whole state. Heartbeats go into a lane of their own. What could not be
// appended (a full disk) stays different from what the spool was told, and is
// tried again with backoff: a change is never dropped, though two changes of one
// result may become one.
//
// A check that cannot be evaluated leaves what was told of its resources: they are
// not gone because nobody can say. That holds for the whole state, too, of a sensor
// that starts while a check cannot be evaluated; the first time that it can the whole
// state is told again, for nobody here knows what was told before.
//
// Detections go into a lane of their own, made durable as they come, by a goroutine
// that the loop never holds up. They wait where they were found (package sentry) while
// the disk is slow or full; at the end the last of them are waited for.
//
// The sensor reads nothing that the uplink or the collector wrote.
package sensor
