package restart

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listeners knows which sockets others can reach through the network, by network
// namespace: the inodes of listening TCP and of unconnected UDP sockets that are not
// bound to a loopback address.
type listeners map[string]map[uint64]bool

const (
	maxSockets     = 16 << 20 // bytes read of one table of sockets
	maxDescriptors = 4096     // of one process
)

// has reports whether a process holds such a socket.
func (l listeners) has(one *process) bool {
	ns := one.link("ns/net")
	if ns == "" {
		return false
	}
	inodes, ok := l[ns]
	if !ok {
		inodes = map[uint64]bool{}
		for _, table := range []string{"net/tcp", "net/tcp6", "net/udp", "net/udp6"} {
			// A table that cannot be read has no sockets that are known.
			_, _ = one.lines(table, maxSockets, func(line []byte) {
				if inode, ok := reachable(line); ok {
					inodes[inode] = true
				}
			})
		}
		l[ns] = inodes
	}
	if len(inodes) == 0 {
		return false
	}
	return one.holds(inodes)
}

// reachable returns the inode of a socket that waits for others, of a line of
// /proc/net/tcp, udp or their likes for IPv6:
//
//	0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 …
func reachable(line []byte) (inode uint64, ok bool) {
	const listening, unconnected, fieldsNeeded = "0A", "07", 10
	fields := bytes.Fields(line)
	if len(fields) < fieldsNeeded || loopback(fields[1]) {
		return 0, false
	}
	if state := string(fields[3]); state != listening && state != unconnected {
		return 0, false
	}
	inode, _, ok = number(fields[9], 10, ' ')
	return inode, ok && inode != 0
}

// loopback reports whether a local address, in the kernel's writing, is reached from
// this host alone: 127.0.0.0/8, ::1, or an IPv4 one within IPv6. Each 32 bits are
// written as a number of the machine, here a little-endian one.
func loopback(address []byte) bool {
	host, _, _ := bytes.Cut(address, []byte(":"))
	switch len(host) {
	case 8:
		return string(host[6:]) == "7F"
	case 32:
		mapped := string(host[:24]) == "0000000000000000FFFF0000" && string(host[30:]) == "7F"
		return mapped || string(host) == "00000000000000000000000001000000"
	}
	return false
}

// holds reports whether one of the process's descriptors is a socket among inodes.
func (p *process) holds(inodes map[uint64]bool) bool {
	fd, err := unix.Openat(p.fd, "fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	for range maxDescriptors {
		n, err := unix.ReadDirent(fd, p.buf)
		if err != nil || n <= 0 {
			return false
		}
		_, _, names := unix.ParseDirent(p.buf[:n], maxDescriptors, nil)
		for _, name := range names {
			n, err := unix.Readlinkat(fd, name, p.path)
			if err != nil {
				continue
			}
			rest, ok := strings.CutPrefix(string(p.path[:n]), "socket:[")
			inode, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 64)
			if ok && err == nil && inodes[inode] {
				return true
			}
		}
	}
	return false
}
