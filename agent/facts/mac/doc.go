// Package mac reads the mandatory access control of the running kernel, for the
// group of the kernel's facts: AppArmor's profiles from its part of securityfs
// (package apparmor), the processes that run without the one for their program
// from /proc/PID/attr/current and /proc/PID/exe, and SELinux from
// /sys/fs/selinux/enforce and /etc/selinux/config.
//
// In an image and in a container the kernel is not asked. Which program a process
// of another user runs is for root to see, or for CAP_SYS_PTRACE. What stands in
// /etc/apparmor.d and is not loaded, SELinux's booleans, its permissive domains and
// its file labels are not read.
package mac
