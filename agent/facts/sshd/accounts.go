package sshd

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// accounts are the users and groups of the host's own files. Users of a
// directory service are not among them; what holds for anybody holds for them.
type accounts struct {
	login  []User
	names  []string // who can log in, then the others; root goes without saying
	groups map[string][]string
}

// accountsLimit bounds the passwd and group files.
const accountsLimit = 8 << 20

func readAccounts(root hostfs.Root) (*accounts, error) {
	a := &accounts{login: []User{}, groups: map[string][]string{}}
	passwd, err := optional(root, "/etc/passwd")
	if err != nil {
		return nil, err
	}
	group, err := optional(root, "/etc/group")
	if err != nil {
		return nil, err
	}
	byID := map[string][]string{}
	members := map[string][]string{}
	for f := range fields(group, 4) {
		byID[f[2]] = append(byID[f[2]], f[0])
		for user := range strings.SplitSeq(f[3], ",") {
			members[user] = append(members[user], f[0])
		}
	}
	var others []string
	for f := range fields(passwd, 7) {
		name := f[0]
		a.groups[name] = append(slices.Clone(byID[f[3]]), members[name]...)
		uid, err := strconv.Atoi(f[2])
		if err != nil || name != "root" && !canLogIn(f[6]) {
			others = append(others, name)
			continue
		}
		u := User{Name: text.Clean(name, 256), UID: uid, Home: text.Clean(f[5], 256), Shell: text.Clean(f[6], 256)}
		if name == "root" {
			a.login = slices.Insert(a.login, 0, u)
			continue
		}
		a.login = append(a.login, u)
		a.names = append(a.names, name)
	}
	a.names = append(a.names, others...)
	return a, nil
}

// groupsOf returns the names of a user's groups; none for an unknown user.
func (a *accounts) groupsOf(user string) []string { return a.groups[user] }

func optional(root hostfs.Root, name string) (string, error) {
	data, err := root.ReadFile(name, accountsLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// fields yields the lines of a passwd or group file that have enough fields.
func fields(data string, n int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(data) {
			f := strings.Split(strings.TrimRight(line, "\n"), ":")
			if len(f) >= n && f[0] != "" && f[0][0] != '#' && f[0][0] != '+' && f[0][0] != '-' && !yield(f) {
				return
			}
		}
	}
}

// canLogIn reports whether a shell is one. An empty one is /bin/sh.
func canLogIn(shell string) bool {
	switch path.Base(shell) {
	case "nologin", "false", "sync", "shutdown", "halt":
		return false
	}
	return true
}
