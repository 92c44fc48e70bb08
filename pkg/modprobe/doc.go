// Package modprobe says what the configuration of modprobe(8) does to a module,
// and which modules the installed kernels have.
//
// # What is read
//
// The files *.conf and *.alias of /etc/modprobe.d, /run/modprobe.d,
// /usr/local/lib/modprobe.d, /usr/lib/modprobe.d and /lib/modprobe.d, in the order
// of their names whatever the directory; of equal names the one in the first
// directory counts (modprobe.d(5), libkmod's libkmod-config.c). Of their lines
// those that keep a module out:
//
//	blacklist NAME         it is not loaded for a device's or a file system's alias, but by its name
//	install NAME COMMAND   the command is run in its place; the first that matches counts
//
// and the words modprobe.blacklist= and module_blacklist= of the kernel's command
// line. A line that ends in a backslash goes on in the next, and a line is a
// comment only if "#" is its first character. A name's "-" and "_" are the same,
// and an install line's name is a pattern.
//
// Of each kernel below /lib/modules, modules.dep (what can be loaded) and
// modules.builtin (what is in the image).
//
// # Not done here
//
// Aliases, options, softdep and remove lines. Whether a module is loaded is
// /proc/modules', and insmod(8) heeds none of this.
package modprobe
