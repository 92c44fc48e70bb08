// Package unitfile reads systemd's unit files as they lie on disk: whether a unit
// is masked, whether anything starts it at boot, and what its fragment and its
// drop-ins set. It works for an image as for the running system and asks nobody.
//
// # What is read
//
// The directories of systemd.unit(5) for the system manager, the strongest first:
// /etc, /run, /usr/local/lib and /usr/lib (or /lib). The first fragment counts; an
// empty one, or a link to /dev/null, masks the unit. A link in any directory whose
// name ends in ".wants", ".requires" or ".upholds" starts it, unless a stronger
// directory holds a link of the same place to /dev/null. Drop-ins (NAME.d and
// TYPE.d, *.conf) come after the fragment in the order of their names; of equal
// names the one in the strongest directory counts.
//
// The configuration of systemd's own programs (journald.conf) is put together of a
// main file and drop-ins in the same way, in directories of its own.
//
// # Not done here
//
// Generators, transient units, presets that have not been applied yet, templates
// and aliases of other names. What the running systemd says of a unit (a timer
// that was stopped by hand) is in no file.
package unitfile
