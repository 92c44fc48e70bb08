package deb

import (
	"bytes"
	"context"
	"hash/fnv"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/patch/watch"
	"seawall/pkg/apt"
)

// memory keeps of each list the entries of installed packages, some hundred of
// tens of thousands: when an upgrade changes the status file and no list, none is
// read again. It holds for one set of installed names.
type memory struct {
	names   uint64
	files   *watch.Files
	lists   map[string]content
	entries int // of all lists
}

// content is what is kept of a list, and how long all of it is.
type content struct {
	entries []apt.Entry
	size    int64
}

// New returns a reader that keeps what it read of lists that do not change. It is
// not for concurrent use.
func New() func(context.Context, fact.Env) *patch.Answer {
	var last *memory
	return func(ctx context.Context, env fact.Env) *patch.Answer {
		if last != nil && last.files.Root() != env.Root {
			last = nil
		}
		a, kept := readWith(ctx, env, last)
		if kept != nil {
			last = kept
		}
		return a
	}
}

// newMemory is the memory of a scan to come.
func (s *scan) newMemory(files *watch.Files) *memory {
	h := fnv.New64a()
	for i := range s.entries {
		h.Write([]byte(s.entries[i].Name))
		h.Write([]byte{0})
	}
	return &memory{names: h.Sum64(), files: files, lists: map[string]content{}}
}

// recall returns what was kept of a list, if it is still the same list and the
// same packages are installed.
func (s *scan) recall(name string, files *watch.Files) (content, bool) {
	if s.before == nil || s.before.names != s.kept.names {
		return content{}, false
	}
	c, ok := s.before.lists[name]
	if !ok || !files.Same(name, s.before.files) {
		return content{}, false
	}
	return c, true
}

// keep copies an entry, whose bytes do not last.
func keep(e *apt.Entry) apt.Entry {
	return apt.Entry{
		Name: bytes.Clone(e.Name), Arch: bytes.Clone(e.Arch), Version: bytes.Clone(e.Version), Source: bytes.Clone(e.Source), Phased: e.Phased,
	}
}
