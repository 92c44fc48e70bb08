package tls

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"seawall/agent/facts/fact"
	"seawall/pkg/certfile"
	"seawall/pkg/text"
)

// keys looks at the files of the keys, each once.
func (r *reader) keys() {
	at := map[string]int{}
	for i := range r.f.Sites {
		s := &r.f.Sites[i]
		for _, p := range s.Pairs {
			if p.Key == "" {
				continue
			}
			j, seen := at[p.Key]
			if !seen {
				if j = len(r.f.Keys); j == maxFiles {
					r.leave("the sites have more keys than are looked at", "keys")
					continue
				}
				at[p.Key] = j
				r.f.Keys = append(r.f.Keys, r.key(p.Key))
			}
			r.f.Keys[j].UsedBy = insert(r.f.Keys[j].UsedBy, s.Label)
		}
	}
}

func (r *reader) key(name string) Key {
	k := Key{File: text.Clean(name, text.Limit), State: fact.StateKnown, Mode: -1, UsedBy: []string{}}
	r.depend(name)
	target, _ := r.final(name)
	fi, err := r.root.Stat(name)
	if err != nil {
		k.State, k.Reason = stateOf(err)
		return k
	}
	k.Mode = mode(fi)
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		k.UID, k.GID = int(st.Uid), int(st.Gid)
	}
	k.WebRoot = text.Clean(r.webRoot(target), text.Limit)
	k.OpenDir = text.Clean(r.openDir(target), text.Limit)
	if got, err := r.private(name); err != nil {
		k.Reason = text.Clean(err.Error(), maxWord)
	} else {
		k.Encrypted = got.Encrypted
	}
	return k
}

// private reads the public part of a key, each file once.
func (r *reader) private(name string) (certfile.Key, error) {
	if got, ok := r.public[name]; ok {
		return got, nil
	}
	data, err := r.root.ReadFile(name, maxBytes)
	if err != nil {
		return certfile.Key{}, err
	}
	key, err := certfile.ParseKey(data)
	if err == nil {
		r.public[name] = key
	}
	return key, err
}

// mode are the permission bits with setuid, setgid and sticky, as chmod takes them.
func mode(fi fs.FileInfo) int {
	m := int(fi.Mode().Perm())
	for bit, n := range map[fs.FileMode]int{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if fi.Mode()&bit != 0 {
			m |= n
		}
	}
	return m
}

// webRoot is the root of a site below which a file lies.
func (r *reader) webRoot(name string) string {
	for i := range r.f.Sites {
		for _, root := range r.f.Sites[i].WebRoots {
			if root != "" && root != "/" && strings.HasPrefix(name, strings.TrimSuffix(path.Clean(root), "/")+"/") {
				return root
			}
		}
	}
	return ""
}

// openDir is the first directory above a file in which others than its owner's
// peers may put another file in its place.
func (r *reader) openDir(name string) string {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		fi, err := r.root.Stat(dir)
		if err == nil && fi.Mode().Perm()&0o002 != 0 && fi.Mode()&fs.ModeSticky == 0 {
			return dir
		}
	}
	return ""
}

// parameters reads the files of Diffie-Hellman parameters.
func (r *reader) parameters() {
	for i := range r.f.Sites {
		s := &r.f.Sites[i]
		name := s.DHParams.Value
		if !strings.HasPrefix(name, "/") {
			continue
		}
		j := slices.IndexFunc(r.f.Parameters, func(p Parameters) bool { return p.File == name })
		if j < 0 && len(r.f.Parameters) == maxFiles {
			r.leave("the sites have more files of parameters than are looked at", "parameters")
			continue
		}
		if j < 0 {
			j = len(r.f.Parameters)
			p := Parameters{File: name, UsedBy: []string{}}
			r.depend(name)
			data, err := r.root.ReadFile(name, maxBytes)
			if err == nil {
				p.Bits, err = certfile.ParameterBits(data)
			}
			if err != nil {
				p.Reason = text.Clean(err.Error(), maxWord)
			}
			r.f.Parameters = append(r.f.Parameters, p)
		}
		r.f.Parameters[j].UsedBy = insert(r.f.Parameters[j].UsedBy, s.Label)
	}
}
