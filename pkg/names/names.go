// Package names reads which accounts and groups a host has, from /etc/passwd and
// /etc/group: names of numbers, and who is in a group. Passwords are not read, and
// no other source of accounts (LDAP, SSSD) is asked; [Names.Elsewhere] says whether
// the host has one.
package names

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
)

// The files that the answers depend on.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
	switchFile = "/etc/nsswitch.conf"
)

const (
	maxFile  = 16 << 20 // bytes: 100,000 accounts
	maxEntry = 200_000
)

// Files returns the files that the names depend on.
func Files() []string { return []string{passwdFile, groupFile, switchFile} }

// Group is a line of /etc/group.
type Group struct {
	Name    string
	GID     int
	Members []string // as listed, without those whose primary group it is
	Line    int
}

// Names are a host's accounts and groups.
type Names struct {
	// Elsewhere is a source of accounts beside the files, such as "sss", or "".
	Elsewhere string

	users  map[int]string
	first  map[int][]string // accounts by primary group
	uids   map[string]int
	groups map[int]Group
	byName map[string]Group
}

// Read reads the names. A host without one of the two files has an error; lines
// that are none are left out.
func Read(root hostfs.Root) (*Names, error) {
	n := &Names{users: map[int]string{}, first: map[int][]string{}, uids: map[string]int{},
		groups: map[int]Group{}, byName: map[string]Group{}}
	passwd, err := root.ReadFile(passwdFile, maxFile)
	if err != nil {
		return nil, err
	}
	group, err := root.ReadFile(groupFile, maxFile)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(n.accounts(passwd), n.allGroups(group)); err != nil {
		return nil, err
	}
	text, err := root.ReadFile(switchFile, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	n.Elsewhere = elsewhere(text)
	return n, nil
}

// fields splits a line at its colons; ok is false for what is no entry.
func fields(line []byte, want int) (f []string, ok bool) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if len(line) == 0 || line[0] == '#' || line[0] == '+' || line[0] == '-' {
		return nil, false
	}
	f = strings.SplitN(string(line), ":", want+1)
	return f, len(f) >= want && f[0] != ""
}

func (n *Names) accounts(text []byte) error {
	for line := range bytes.Lines(text) {
		f, ok := fields(line, 4)
		if !ok {
			continue
		}
		uid, err := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err != nil || err2 != nil {
			continue
		}
		if len(n.uids) == maxEntry {
			return fmt.Errorf("%s: more than %d accounts", passwdFile, maxEntry)
		}
		if _, ok := n.users[int(uid)]; !ok { // the first counts
			n.users[int(uid)] = f[0]
		}
		n.uids[f[0]] = int(uid)
		n.first[int(gid)] = append(n.first[int(gid)], f[0])
	}
	return nil
}

func (n *Names) allGroups(text []byte) error {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		f, ok := fields(line, 4)
		if !ok {
			continue
		}
		gid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			continue
		}
		if len(n.byName) == maxEntry {
			return fmt.Errorf("%s: more than %d groups", groupFile, maxEntry)
		}
		g := Group{Name: f[0], GID: int(gid), Line: number,
			Members: strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' || r == ' ' })}
		if _, ok := n.groups[g.GID]; !ok {
			n.groups[g.GID] = g
		}
		n.byName[g.Name] = g
	}
	return nil
}

// elsewhere finds a source of accounts that is no file of this host, in the text
// of nsswitch.conf.
func elsewhere(text []byte) string {
	for line := range bytes.Lines(text) {
		database, sources, ok := strings.Cut(string(line), ":")
		if database = strings.TrimSpace(database); !ok || database != "passwd" && database != "group" {
			continue
		}
		sources, _, _ = strings.Cut(sources, "#")
		for s := range strings.FieldsSeq(sources) {
			if !slices.Contains([]string{"files", "compat", "systemd", "altfiles", "mymachines"}, s) && !strings.HasPrefix(s, "[") {
				return s
			}
		}
	}
	return ""
}

// User returns the name of a number, ok being false where it has none.
func (n *Names) User(uid int) (name string, ok bool) { name, ok = n.users[uid]; return name, ok }

// Group returns the name of a group's number.
func (n *Names) Group(gid int) (name string, ok bool) {
	g, ok := n.groups[gid]
	return g.Name, ok
}

// GroupNamed returns the group of a name.
func (n *Names) GroupNamed(name string) (Group, bool) { g, ok := n.byName[name]; return g, ok }

// Members returns all accounts in a group, those whose primary group it is first.
func (n *Names) Members(gid int) []string {
	all := slices.Clone(n.first[gid])
	for _, m := range n.groups[gid].Members {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

// UID returns the number of an account.
func (n *Names) UID(name string) (uid int, ok bool) { uid, ok = n.uids[name]; return uid, ok }

// Shared reports whether an account other than root is in a group.
func (n *Names) Shared(gid int) bool {
	return slices.ContainsFunc(n.Members(gid), func(name string) bool {
		uid, ok := n.uids[name]
		return !ok || uid != 0
	})
}

// Label returns "owner:group", numbers where there are no names.
func (n *Names) Label(uid, gid int) string {
	owner, ok := n.User(uid)
	if !ok {
		owner = strconv.Itoa(uid)
	}
	group, ok := n.Group(gid)
	if !ok {
		group = strconv.Itoa(gid)
	}
	return owner + ":" + group
}
