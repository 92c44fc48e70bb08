// Package kernel reads how the kernel is set and what it is: the settings of
// sysctl(8) now and after the next boot, modules, core dumps, what it says of the
// CPU's vulnerabilities, and the mandatory access control that is on.
//
// # Settings
//
// The running value is that of /proc/sys. After the next boot it is what the
// configuration sets (package sysctlconf, ufw's own file after it where ufw is
// enabled), or else what the kernel starts with: a constant of its source, an
// option of /boot/config-RELEASE, or a patch of the distribution that is known
// here. A setting whose start is not known that way is not known after the next
// boot unless a file sets it. Settings of /proc/sys/net belong to the network
// namespace that asks: a reader in another one than process 1's does not know
// them, and neither does one in a container's, of those that the kernel keeps for
// its own.
//
// # Modules
//
// Whether it is loaded (/proc/modules), whether any installed kernel has a file of
// it, and what modprobe's configuration does (package modprobe). Under systemd's
// ProtectKernelModules the files are hidden: FilesKnown is false then.
//
// # The rest
//
// /sys/devices/system/cpu/vulnerabilities, /proc/sys/kernel/tainted and the flags
// of /proc/modules; AppArmor's profiles from its file system in securityfs and
// processes from /proc/PID/attr; SELinux from /sys/fs/selinux and
// /etc/selinux/config; core dumps from limits.conf(5), coredump.conf(5) and
// kernel.core_pattern. In a container all of this is the host's, which Container
// says.
package kernel
