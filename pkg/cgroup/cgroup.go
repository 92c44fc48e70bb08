// Package cgroup reads of a process's cgroup which unit of systemd it belongs to
// (cgroups(7), systemd's cgroup-util.c: cg_path_get_unit) and which container.
package cgroup

import "strings"

// Of returns the cgroup that systemd put a process in, of the text of
// /proc/PID/cgroup: that of the hierarchy "name=systemd" where that says more than
// "/" (cgroup v1 and hybrids), otherwise the unified one (v2).
//
//	1:name=systemd:/system.slice/ssh.service
//	0::/system.slice/ssh.service
func Of(data string) string {
	unified := ""
	for line := range strings.Lines(data) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[1] == "name=systemd" && fields[2] != "/":
			return fields[2]
		case fields[0] == "0" && fields[1] == "":
			unified = fields[2]
		}
	}
	return unified
}

// Unit returns the system manager's unit of a cgroup, the first part below its
// slices, and in which slice it is. Both are "" where there is no unit.
//
//	/system.slice/system-getty.slice/getty@tty1.service → getty@tty1.service
//	/user.slice/user-1000.slice/user@1000.service/app.slice/x.service → user@1000.service
func Unit(cgroup string) (unit, slice string) {
	for part := range strings.SplitSeq(strings.TrimPrefix(cgroup, "/"), "/") {
		part = strings.TrimPrefix(part, "_") // cg_escape: names that could be the kernel's own
		if !Valid(part) {
			return "", ""
		}
		if !strings.HasSuffix(part, ".slice") {
			return part, slice
		}
		slice = part
	}
	return "", ""
}

// Valid reports whether name is one that systemd could have given.
func Valid(name string) bool {
	const longest = 255
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || len(name) > longest {
		return false
	}
	switch name[dot:] {
	case ".service", ".scope", ".slice", ".socket", ".mount", ".swap":
	default:
		return false
	}
	return plain(name)
}

// plain reports whether name has only what names of units may have.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(`:_.\@-`, rune(c)) {
			return false
		}
	}
	return true
}

// User returns the name of the user with the number uid in the text of
// /etc/passwd, the number itself where it has none.
func User(passwd, uid string) string {
	for line := range strings.Lines(passwd) {
		name, rest, _ := strings.Cut(line, ":")
		_, rest, _ = strings.Cut(rest, ":")
		number, _, ok := strings.Cut(rest, ":")
		if ok && number == uid && name != "" {
			return name
		}
	}
	return uid
}
