package exposure

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/exposure/holder"
	"seawall/pkg/cgroup"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	maxSockets = 500
	maxTable   = 16 << 20 // bytes of one table of sockets
	maxPasswd  = 8 << 20
)

// waiting is a socket as the kernel lists it.
type waiting struct {
	Socket
	local netip.Addr
	inode uint64
}

// readSockets lists the sockets that wait for others.
func readSockets() (list []waiting, err error) {
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		tcp := strings.HasPrefix(table, "tcp")
		first := true
		err := eachLine("/proc/net/"+table, maxTable, func(line string) bool {
			if first { // the head
				first = false
				return true
			}
			w, state, ok := parseSocket(line)
			if ok {
				w.Protocol = table[:3]
				list = append(list, w)
			}
			// Of TCP those that listen come first: the rest can be many.
			return !tcp || state == listening
		})
		// Without IPv6 there are no tables of it.
		if err != nil && !strings.HasSuffix(table, "6") {
			return nil, err
		}
	}
	families(list)
	slices.SortStableFunc(list, func(a, b waiting) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), a.local.Compare(b.local))
	})
	return slices.CompactFunc(list, func(a, b waiting) bool { // SO_REUSEPORT
		return a.Protocol == b.Protocol && a.Port == b.Port && a.local == b.local
	}), nil
}

// The states of sockets that wait for others, as the kernel writes them.
const (
	listening   = "0A"
	unconnected = "07"
)

// parseSocket reads a line of /proc/net/tcp, udp or their likes for IPv6:
//
//	0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 …
func parseSocket(line string) (w waiting, state string, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return w, "", false
	}
	local, ok := address(f[1])
	peer, okPeer := address(f[2])
	uid, errUID := strconv.ParseUint(f[7], 10, 32)
	inode, err := strconv.ParseUint(f[9], 10, 64)
	state = f[3]
	if !ok || !okPeer || errUID != nil || err != nil || state != listening && (state != unconnected || peer.Port() != 0) || local.Port() == 0 {
		return w, state, false
	}
	w.local, w.inode, w.UID, w.Port = local.Addr().Unmap(), inode, int(uid), int(local.Port())
	w.Address, w.Scope = w.local.String(), ScopeOf(w.local)
	w.IPv4, w.IPv6 = w.local.Is4(), w.local.Is6()
	return w, state, true
}

// families finds out who takes both versions of IP. The kernel's tables do not say
// whether one bound to [::] does: it does not where another has the port for IPv4.
func families(list []waiting) {
	taken := map[string]bool{}
	for _, w := range list {
		if w.local.Is4() && w.local.IsUnspecified() {
			taken[w.Protocol+strconv.Itoa(w.Port)] = true
		}
	}
	for i := range list {
		if w := &list[i]; w.local.Is6() && w.local.IsUnspecified() {
			w.IPv4 = !taken[w.Protocol+strconv.Itoa(w.Port)]
		}
	}
}

// users names the users of the sockets.
func users(list []waiting) {
	passwd, _ := hostfs.Root{}.ReadFile("/etc/passwd", maxPasswd) // without it users have numbers
	for i := range list {
		list[i].User = text.Clean(cgroup.User(string(passwd), strconv.Itoa(list[i].UID)), maxWord)
	}
}

// own names the processes that hold the sockets.
func (l *Look) own(found map[uint64]holder.Process, limited string) {
	l.Sockets, l.Unowned, l.Limited = slices.Clone(l.Sockets), 0, limited
	for i := range l.Sockets {
		s := &l.Sockets[i]
		if p, ok := found[l.Inodes[i]]; ok && l.Inodes[i] != 0 { // of the kernel's own otherwise
			s.PID, s.Comm, s.Exe, s.Deleted, s.Unit = p.PID, p.Comm, p.Exe, p.Deleted, p.Unit
		}
		if s.PID == 0 {
			l.Unowned++
		}
	}
}
