package witness

import (
	"io/fs"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
)

// names resolves user ids by the host's /etc/passwd, read again when it changed.
// A user of a directory service has no name here: the id stands for it.
type names struct {
	root   hostfs.Root
	redact func([]byte) string // of command lines
	seen   fs.FileInfo
	byID   map[uint32]string
}

const passwd = "/etc/passwd"

func (n *names) user(id uint32) string {
	fi, err := n.root.Stat(passwd)
	if err != nil {
		return ""
	}
	if n.seen == nil || !fi.ModTime().Equal(n.seen.ModTime()) || fi.Size() != n.seen.Size() {
		n.read()
		n.seen = fi
	}
	return n.byID[id]
}

func (n *names) read() {
	n.byID = map[uint32]string{}
	b, err := n.root.ReadFile(passwd, 16<<20)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		// name:password:uid:…
		f := strings.SplitN(line, ":", 4)
		if len(f) < 4 {
			continue
		}
		id, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			continue
		}
		if _, taken := n.byID[uint32(id)]; !taken {
			n.byID[uint32(id)] = f[0]
		}
	}
}
