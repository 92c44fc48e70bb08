// Package sysctlconf says what the sysctl configuration of a host sets at boot,
// and which file and line does.
//
// # What is read
//
// The files *.conf of /etc/sysctl.d, /run/sysctl.d, /usr/local/lib/sysctl.d,
// /usr/lib/sysctl.d and /lib/sysctl.d, in the order of their names whatever the
// directory; of equal names the one in the first directory counts, and an empty
// file or a link to /dev/null there hides the others (sysctl.d(5)).
// /etc/sysctl.conf is not among them: systemd-sysctl(8), which sets them at boot,
// reads it only through a link in one of these directories, such as Debian's and
// Red Hat's 99-sysctl.conf, which Debian 13 has no more. sysctl(8) --system reads
// it last; a host whose file is read by that alone loses it at the next boot.
//
// # How a line counts
//
// As src/sysctl/sysctl.c of systemd does it: "key = value", with "-" before the
// key where an error does not matter; "-key" alone takes the key out of what
// patterns set; "#" and ";" begin a comment. Of a key that begins with a dotted
// word the dots are slashes and the slashes dots ("net.ipv4.conf.eth0/1.rp_filter").
// A later line replaces an earlier one of the same key. A pattern (glob(7), with
// braces) sets what no line names, wherever it stands; of several patterns the
// last counts.
//
// # Not done here
//
// What the kernel makes of a value, and which keys it has: a pattern is matched
// with the key that is asked for. Lines of more than 1 MiB end a file, as there.
// Values that the running system was given by hand, by a kernel parameter
// (sysctl.KEY=), or by another program are in no file.
package sysctlconf
