// Package filesystem reads what is mounted and how, who may write and read the
// files that decide over a host, and what lies on its disks that should not.
//
// # Mounts
//
// What is mounted now is the table of process 1 (/proc/1/mountinfo): the reader
// itself may be in a sandbox. What will be mounted is /etc/fstab and the mount
// units on disk, as systemd puts them together: a unit in /etc before fstab, fstab
// before a unit of a package. A [Place] has both, since an option set by
// "mount -o remount" is gone after the next boot and one in fstab counts only
// from then on.
//
// # Files
//
// [File] is one of a list of files and directories, by kind: accounts and
// passwords, banners, directories that programs are looked for in, start-up files
// of shells, the dynamic linker's (package loader says where it looks). Members of a file's group count: a file that
// the group root or an empty group may write is written by root alone.
//
// # The disk
//
// One bounded walk over the local file systems (package inventory) finds the
// rest. A Reader keeps it for a day, or until the package database or the mounts
// change; what it found is looked at again in each reading, so that something put
// right is seen at once. Something put wrong is seen by the next walk.
//
// # Encryption
//
// Package encryption says of the devices of mounts and swap whether they are
// encrypted; the key files of /etc/crypttab are described as the other files are.
//
// # Not done here
//
// Contents of packaged files are not compared with the packages. Modes of files of
// sshd, audit, cron, the boot loader and logs are facts of those groups. Lists have
// bounds; one that is cut says so (Meta.Partial).
package filesystem
