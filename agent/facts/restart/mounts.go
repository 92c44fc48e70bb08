package restart

import (
	"bytes"
	"strings"

	"seawall/pkg/cgroup"
)

// belongs says how a process stands to the host's file systems.
type belongs int

const (
	unplaced  belongs = iota // it cannot be said
	elsewhere                // a container, or whatever made itself a mount namespace
	sandboxed                // a system service in a mount namespace that systemd made of the host's
	here                     // in the host's own mount namespace
)

// mounts knows the mount namespaces that are the host's.
type mounts struct {
	own   string            // the reader's namespace
	first string            // that of process 1, if it has the reader's root; "" otherwise
	root  string            // what is mounted on the reader's "/"
	roots map[string]string // by namespace
	// others is what a process of a namespace is that is not known to be the host's:
	// unplaced where the host's could not be read.
	others belongs
}

// learn finds the host's namespaces. The reader itself may be in a sandbox: then
// the host's own namespace is that of process 1, provided that both have the same
// root (a container that sees the host's processes does not).
func (m *mounts) learn(p *proc) {
	m.roots = map[string]string{}
	self, err := p.open("self")
	if err != nil {
		return
	}
	defer self.close()
	m.own = self.link("ns/mnt")
	m.root = self.root()
	init, err := p.open("1")
	if err != nil {
		return
	}
	defer init.close()
	ns, root := init.link("ns/mnt"), init.root()
	if m.own == "" || m.root == "" || ns == "" || root == "" {
		return
	}
	m.others = elsewhere
	if root == m.root {
		m.first = ns
	}
}

// of says how one process stands to the host's file systems; group is its own cgroup.
func (m *mounts) of(one *process, group string) belongs {
	ns := one.link("ns/mnt")
	switch {
	case ns == "", m.root == "" && ns != m.own:
		return unplaced
	case ns == m.own || ns == m.first:
		return here
	case !systemService(group):
		return m.others
	}
	root, ok := m.roots[ns]
	if !ok {
		if root = one.root(); root == "" {
			return unplaced
		}
		m.roots[ns] = root
	}
	if root != m.root {
		return m.others
	}
	return sandboxed
}

// rootMount returns the device and the directory of it that are mounted on "/", the
// topmost where there are several, of a line of /proc/PID/mountinfo:
//
//	27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
func rootMount(line []byte) (root string, ok bool) {
	fields := bytes.SplitN(line, []byte(" "), 6)
	if len(fields) < 6 || string(fields[4]) != "/" {
		return "", false
	}
	return string(fields[2]) + " " + string(fields[3]), true
}

// systemService reports whether a cgroup is that of one of the system's services
// itself: not below a user's slice, where users make groups as they like.
func systemService(group string) bool {
	unit, _ := cgroup.Unit(group)
	return strings.HasSuffix(unit, ".service") && !strings.HasPrefix(group, "/user.slice/")
}
