// Package restart finds the processes that still run what was replaced on disk:
// after an upgrade a service goes on with the old library until it is restarted.
//
// # What counts
//
// A process is named when a file that it has mapped executable (/proc/PID/maps),
// or its executable (/proc/PID/exe), lies in a place where packages put programs
// (/usr, /lib*, /bin, /sbin, /opt) and is not what that name stands for now:
//
//   - the kernel marks it "(deleted)", and no file of that name, mark included, and
//     not the same file again, is there (a file can really be called "x (deleted)");
//   - or the name stands for another inode of the same device. This is asked only
//     of file systems with a device of their own: overlayfs, btrfs, NFS and FUSE
//     show one device number in maps and another in stat(2), or change inode
//     numbers. There the mark alone counts.
//
// A file that was removed without a successor counts, too (libssl.so.1.1 after its
// package is gone), unless it lay in a folder for temporary files: programs unpack
// libraries there and delete them while they use them.
//
// None of these count: anonymous memory and just-in-time code, memfds, System V
// and POSIX shared memory, data that is mapped without execution, files elsewhere
// (/tmp, /home, a chroot), and processes of other mount namespaces. Of those there
// are two kinds: containers, which have files of their own, and system services
// whose sandbox (PrivateTmp=, ProtectSystem=) systemd made. A process of another
// namespace counts when its cgroup is a system service's and the same directory of
// the same file system is mounted on its "/" as on the host's.
//
// # What comes first
//
// A process that holds a listening TCP socket, or an unconnected UDP one, that is
// not bound to a loopback address is told apart: whoever is in the network can feed
// the old code.
//
// # What it never does
//
// Nothing is executed, no interpreter's search path is followed, no file that a
// process names is opened (names are only looked up), and nothing is read of a
// process's memory or environment. So scripts that import a replaced module are
// not seen; that is the price of having no way in (CVE-2024-48990 and its
// siblings were interpreters started with a user's environment).
//
// # Who may look
//
// /proc/PID/maps of another user needs CAP_SYS_PTRACE, and the list of his
// descriptors CAP_DAC_READ_SEARCH. The sensor has not the first: it connects to
// [Socket], for which systemd starts seawall-restarts@.service, whose process has
// those two and nothing else, reads no input, writes one [Facts] as JSON and ends.
// Where that fails, an answer of the last minutes stands; otherwise what may be seen
// is looked at, and the others are counted as denied, also where /proc hides them
// (hidepid). That nothing is to be restarted is known only when nobody was denied.
// Denied is also who could not be looked at for any other reason: no memory, no
// time, no way to tell whose files he sees. Where a look takes long the system's services
// come first, so that no user can take up the time for them.
//
// # Sources
//
// The kernel's fs/proc/task_mmu.c (show_map_vma), fs/d_path.c, fs/seq_file.c
// (mangle_path: a newline in a name is written \012, and nothing else is), proc(5),
// cgroups(7), systemd's cgroup-util.c (cg_path_get_unit), needrestart.
package restart
