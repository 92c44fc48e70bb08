// Package mounts reads tables of file systems: what is mounted, as the kernel
// tells it in /proc/PID/mountinfo, and what is to be mounted, in /etc/fstab, and
// /etc/crypttab beside it. It mounts nothing and asks nobody.
//
// # mountinfo
//
// A line is "ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [TAGS…] - TYPE SOURCE
// SUPEROPTIONS" (proc(5)). Blanks in names are octal escapes. Later mounts on a
// path lie over earlier ones.
//
// A mount shows the directory ROOT of its device. So it is known what a process in
// a mount namespace of its own sees elsewhere than another process: [Hidden].
//
// # fstab and crypttab
//
// Lines of fields between blanks, as libmount (libmount/src/tab_parse.c) and
// systemd-cryptsetup-generator take them apart: at least three fields of fstab and
// two of crypttab, comments only at the beginning of a line. Of options that
// contradict each other the last counts, and user, users, owner and group set
// others (mount(8)).
package mounts
