// Package exposure looks at what the host's network namespace lets in: the loaded
// packet filters, the sockets that wait for others and whose they are, and whether a
// stranger in the Internet gets to them. The groups of facts firewall and sockets share
// one look.
//
// # What is looked at
//
// Rules of nf_tables (package nftables; nf_tables is not asked where it is a module that
// is not loaded, since asking loads it), the names of iptables-legacy's tables, the
// sockets in /proc/net/{tcp,tcp6,udp,udp6}, the processes that hold them, interfaces and
// addresses by rtnetlink, and default routes in /proc/net.
//
// # Who is a stranger
//
// A stranger sends the first packet of a connection, from public addresses in three
// parts of the Internet and from whatever source port, to an address of an interface
// that leads outside: one with a default route, or with a public address. He reaches a
// socket when one of those packets is let in. A private address counts on such an
// interface, since providers translate (reserved addresses do). Where rules decide by
// something that is not understood the answer is unknown. iptables-legacy's rules are
// not read: with them loaded, what nf_tables accepts is unknown, and what it drops is
// dropped. Firewalls outside of the host, eBPF programs and IPsec are not seen. Whether
// a socket bound to [::] takes IPv4 too is no longer known once it is bound: it does
// unless another has the port.
//
// # Who may look
//
// Reading the rules needs CAP_NET_ADMIN, others' descriptors CAP_SYS_PTRACE and
// CAP_DAC_READ_SEARCH. The sensor has the third alone and is in a namespace without a
// network: it connects to [SocketPath], for which systemd starts seawall-network@.service
// with the first (see package ask). Whose the sockets are it asks of another (package
// holder), so that nobody who can change the host's network sees its processes. Settings
// in /proc/sys/net are the namespace's, too, and come along.
package exposure
