package sudo

import (
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/passwd"
	"seawall/pkg/sudoers"
)

// people are the users and groups of the host's own files.
type people struct {
	ids      map[string]int
	names    map[int]string
	groups   map[string][]string // members, primary ones too
	groupIDs map[int]string
	password map[string]bool // who has one that can be typed
	complete bool            // there are no others in a directory
}

// readPeople reads them; a file that cannot be read has nobody in it.
func readPeople(root hostfs.Root) people {
	p := people{ids: map[string]int{}, names: map[int]string{}, groups: map[string][]string{}, groupIDs: map[int]string{}, password: map[string]bool{}}
	read := func(name string) []byte {
		data, err := root.ReadFile(name, passwd.Limit)
		if err != nil {
			return nil
		}
		return data
	}
	users, _ := passwd.Users(read("/etc/passwd"))
	groups, _ := passwd.Groups(read("/etc/group"))
	for _, g := range groups {
		p.groups[g.Name] = slices.Clone(g.Members)
		if _, ok := p.groupIDs[g.GID]; !ok {
			p.groupIDs[g.GID] = g.Name
		}
	}
	for _, u := range users {
		p.ids[u.Name] = u.UID
		if _, ok := p.names[u.UID]; !ok {
			p.names[u.UID] = u.Name
		}
		if g, ok := p.groupIDs[u.GID]; ok && len(p.groups[g]) < maxGrants {
			p.groups[g] = append(p.groups[g], u.Name)
		}
		p.password[u.Name] = u.Password.State == passwd.Set
	}
	shadows, _ := passwd.Shadows(read("/etc/shadow"))
	for _, s := range shadows {
		p.password[s.Name] = s.Password.State == passwd.Set
	}
	p.complete = !elsewhere(read("/etc/nsswitch.conf"))
	return p
}

// elsewhere reports whether an nsswitch.conf names a directory for users or groups.
func elsewhere(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		base, sources, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, s := range strings.Fields(sources) {
			if (base == "passwd" || base == "group") && s != "files" && s != "systemd" && !strings.HasPrefix(s, "[") {
				return true
			}
		}
	}
	return false
}

// of returns the users that a member of a list means, and whether there is none by
// that name.
func (p people) of(m sudoers.Member) (users []string, missing bool) {
	group := func(name string, ok bool) ([]string, bool) {
		return p.groups[name], !ok && p.complete
	}
	switch m.Kind {
	case sudoers.Word:
		_, ok := p.ids[m.Name]
		if !ok {
			return nil, p.complete
		}
		return []string{m.Name}, false
	case sudoers.ID:
		n, err := strconv.Atoi(m.Name)
		name, ok := p.names[n]
		if err != nil || !ok {
			return nil, p.complete
		}
		return []string{name}, false
	case sudoers.Group:
		_, ok := p.groups[m.Name]
		return group(m.Name, ok)
	case sudoers.GroupID:
		n, err := strconv.Atoi(m.Name)
		name, ok := p.groupIDs[n]
		return group(name, ok && err == nil)
	}
	return nil, false
}
