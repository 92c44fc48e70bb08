// Package packaging holds what an installation needs beside the programs: systemd
// units, the system users (sysusers.d) and folders (tmpfiles.d). It has no code;
// its test runs systemd's own checks over the files, so that a unit that systemd
// would read otherwise than it was written never ships.
//
// scripts/packages makes two packages of it, as deb and rpm: nfpm/ says what is in
// them, scripts/ what happens when they come and go. A removal keeps settings, data and
// users; a purge, which rpm does not know, leaves nothing. The settings that packages
// install are a comment that is the same in every version (config/etc): dpkg asks about a
// file that was changed on both sides, and an upgrade that nobody watches fails of it.
// What there is to set stands in examples (config/). The sensor is enabled where
// presets allow it and, on Debian, started, since its defaults are complete. The uplink
// waits for /etc/seawall/uplink.yaml, which no package brings: no two hosts' are alike,
// so none shall be dpkg's to ask about at an upgrade. The collector starts when somebody
// has decided where it listens. An upgrade restarts services and leaves their sockets:
// audit events wait there meanwhile.
//
// The table of releases' lives, pkg/distro/life.tsv, is installed as
// /usr/share/seawall/life.tsv: a newer package brings newer dates to programs that
// were built before it.
//
// The units' sandboxes are part of the design: the sensor has three capabilities
// and no network, the uplink a network and no capability, the collector neither
// capabilities nor a network of its own. What needs another capability is a process
// of its own, for a moment, behind a socket that the sensor alone may open: seeing
// what others' processes have mapped (seawall-restarts, CAP_SYS_PTRACE), without
// the system calls by which that capability could read or change them; seeing
// the packet filters and sockets of the host's network (seawall-network,
// CAP_NET_ADMIN too); and enlarging the buffer of the sensor's audit socket
// (seawall-buffer, CAP_NET_ADMIN, in a network of its own). What they tell is unknown, and
// the buffer small, where their sockets are not installed.
package packaging
