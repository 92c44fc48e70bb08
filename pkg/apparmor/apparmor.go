// Package apparmor reads what AppArmor has loaded, from its part of securityfs:
// the list of profiles (which only root may read), or else, for anybody, the tree
// policy/profiles; and the patterns of programs that profiles attach to.
//
// It does not read profiles in /etc/apparmor.d: what is loaded counts.
package apparmor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	dir         = "/sys/kernel/security/apparmor"
	maxProfiles = 4096
	maxName     = 512
	maxDepth    = 4 // of profiles in profiles
)

// Profile is a loaded profile.
type Profile struct {
	Name string
	Mode string // "enforce", "complain", "kill", "unconfined", "prompt", …
	path string // in policy/profiles, "" where the list was read
}

// Profiles lists what is loaded. A kernel without AppArmor is fs.ErrNotExist.
func Profiles(root hostfs.Root) ([]Profile, error) {
	b, err := root.ReadFile(dir+"/profiles", 0)
	if errors.Is(err, fs.ErrPermission) {
		return tree(root, dir+"/policy/profiles", 0)
	}
	if err != nil {
		return nil, err
	}
	return parse(b), nil
}

// parse reads lines of a name, which may hold blanks, and a mode in parentheses.
func parse(b []byte) []Profile {
	var all []Profile
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		i := strings.LastIndex(line, " (")
		if i <= 0 || !strings.HasSuffix(line, ")") || len(all) == maxProfiles {
			continue
		}
		all = append(all, Profile{Name: text.Clean(line[:i], maxName), Mode: text.Clean(line[i+2:len(line)-1], maxName)})
	}
	return all
}

func tree(root hostfs.Root, top string, depth int) ([]Profile, error) {
	names, err := root.ReadDir(top)
	if err != nil || depth == maxDepth {
		return nil, err
	}
	var all []Profile
	for _, n := range names {
		p := Profile{path: path.Join(top, n)}
		if p.Name, err = word(root, p.path+"/name"); err != nil {
			return nil, fmt.Errorf("read profile: %w", err)
		}
		if p.Mode, err = word(root, p.path+"/mode"); err != nil {
			return nil, fmt.Errorf("read profile: %w", err)
		}
		if all = append(all, p); len(all) == maxProfiles {
			return all, nil
		}
		below, err := tree(root, p.path+"/profiles", depth+1)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

func word(root hostfs.Root, name string) (string, error) {
	b, err := root.ReadFile(name, 4096)
	return text.Clean(strings.TrimSpace(string(b)), maxName), err
}

// Programs returns a function that names the profile for a program, "" where
// there is none: the one of its name, or whose pattern matches. Profiles that
// confine nothing (mode "unconfined") are left out.
func Programs(root hostfs.Root, profiles []Profile) func(program string) string {
	type attached struct{ pattern, name string }
	var list []attached
	places := places(root)
	for _, p := range profiles {
		if p.Mode == "unconfined" || strings.Contains(p.Name, "//") {
			continue
		}
		pattern := p.Name
		if !strings.HasPrefix(pattern, "/") {
			at := p.path
			if at == "" {
				at = places[mangle(p.Name)]
			}
			if at == "" {
				continue
			}
			pattern, _ = word(root, at+"/attach")
		}
		if strings.HasPrefix(pattern, "/") {
			list = append(list, attached{pattern, p.Name})
		}
	}
	return func(program string) string {
		for _, a := range list {
			if Match(a.pattern, program) {
				return a.name
			}
		}
		return ""
	}
}

// places finds each profile's directory by the profile's name without what the
// directory's name cannot hold.
func places(root hostfs.Root) map[string]string {
	m := map[string]string{}
	names, _ := root.ReadDir(dir + "/policy/profiles")
	for _, n := range names {
		if i := strings.LastIndexByte(n, '.'); i > 0 {
			m[n[:i]] = path.Join(dir, "policy/profiles", n)
		}
	}
	return m
}

// mangle writes a name as AppArmor's file system does (mangle_name).
func mangle(name string) string {
	name = strings.TrimLeft(name, "/~")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '/':
			return '.'
		case r == ' ':
			return '_'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return -1
	}, name)
}
