package cause

import (
	"io/fs"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
)

// Names resolves user ids by the host's /etc/passwd, read again when it changed.
// A user of a directory service has no name here: the id stands for it.
type Names struct {
	Root   hostfs.Root
	Redact func([]byte) string // of command lines
	seen   fs.FileInfo
	byID   map[uint32]string
}

const passwd = "/etc/passwd"

func (n *Names) user(id uint32) string {
	fi, err := n.Root.Stat(passwd)
	if err != nil {
		return ""
	}
	if n.seen == nil || !fi.ModTime().Equal(n.seen.ModTime()) || fi.Size() != n.seen.Size() {
		n.read()
		n.seen = fi
	}
	return n.byID[id]
}

func (n *Names) read() {
	n.byID = map[uint32]string{}
	b, err := n.Root.ReadFile(passwd, 16<<20)
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
