// Package bootcfg reads the kernel command lines of a host: the running one and
// those of every boot entry that can be booted next.
//
// Sources, all below a [hostfs.Root]: /proc/cmdline; GRUB's generated grub.cfg
// with its variables and grubenv; Boot Loader Specification entries
// (/boot/loader/entries, /efi, /boot/efi), which GRUB's blscfg and systemd-boot
// share; and /etc/default/grub with grub.d, from which grub.cfg is made. A GRUB
// script is not run: only linux commands of menu entries and plain "set"
// assignments are understood, which is what grub-mkconfig writes.
//
// Of a command line it says how the kernel takes audit= and
// audit_backlog_limit=. A host without any boot loader configuration (a guest
// booted with a kernel from outside) has an unknown next boot.
package bootcfg
