// Package boot reads how a host boots and who may have a say in it: the kernel's
// command line now and in every boot entry, GRUB's password, the files below
// /boot, and the ways to a shell before anybody logs in.
//
// # Command lines
//
// They are package bootcfg's: /proc/cmdline and every entry of GRUB or of the Boot
// Loader Specification. A word counts as the kernel takes it: of a name that stands
// several times the last, "-" and "_" being the same, nothing after "--". Words are
// sorted by what they switch off (kernel-parameters.txt, initramfs-tools(7),
// dracut.cmdline(7), systemd(1)).
//
// # GRUB's password
//
// The superusers and passwords of /boot/grub/grub.cfg or /boot/grub2/grub.cfg, with
// GRUB2_PASSWORD of user.cfg, which Red Hat's configuration reads. What is
// conditional there counts as set, but for a password that is an empty variable.
// Neither hash nor password is kept.
//
// # Not done here
//
// Whether the boot loader itself is genuine, what stands in an initrd, and a
// firmware's password. Lists have bounds; one that is cut says so (Meta.Partial).
package boot
