package restart

import (
	"strings"
)

// cgroupOf returns the cgroup that systemd put a process in, of the text of
// /proc/PID/cgroup: that of the hierarchy "name=systemd" where that says more than
// "/" (cgroup v1 and hybrids), otherwise the unified one (v2).
//
//	1:name=systemd:/system.slice/ssh.service
//	0::/system.slice/ssh.service
func cgroupOf(data string) string {
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

// unitOf returns the system manager's unit of a cgroup, the first part below its
// slices, and in which slice it is. Both are "" where there is no unit.
//
//	/system.slice/system-getty.slice/getty@tty1.service → getty@tty1.service
//	/user.slice/user-1000.slice/user@1000.service/app.slice/x.service → user@1000.service
func unitOf(cgroup string) (unit, slice string) {
	for part := range strings.SplitSeq(strings.TrimPrefix(cgroup, "/"), "/") {
		part = strings.TrimPrefix(part, "_") // cg_escape: names that could be the kernel's own
		if !validUnit(part) {
			return "", ""
		}
		if !strings.HasSuffix(part, ".slice") {
			return part, slice
		}
		slice = part
	}
	return "", ""
}

// validUnit reports whether name is one that systemd could have given.
func validUnit(name string) bool {
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
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(`:_.\@-`, rune(c)) {
			return false
		}
	}
	return true
}

// unitFor says what has to be restarted for a process in cgroup. program names it
// where it is in no unit; userName turns the number in a slice's name into a name.
func unitFor(cgroup, program string, userName func(uid string) string) Unit {
	unit, slice := unitOf(cgroup)
	uid, isUser := strings.CutPrefix(slice, "user-")
	switch {
	case unit == "init.scope":
		return Unit{Name: unit, Kind: KindManager, Command: "systemctl daemon-reexec"}
	case isUser:
		uid = strings.TrimSuffix(uid, ".slice")
		return Unit{Name: "user " + userName(uid), Kind: KindSession}
	case unit == "dbus.service", unit == "dbus-broker.service":
		return Unit{Name: unit, Kind: KindBus, Command: "systemctl reboot"}
	case strings.HasSuffix(unit, ".service"):
		return Unit{Name: unit, Kind: KindService, Command: "systemctl restart " + quote(unit)}
	case unit != "":
		return Unit{Name: unit, Kind: KindProcess}
	}
	return Unit{Name: program, Kind: KindProcess}
}

// quote writes a valid unit's name for a shell.
func quote(unit string) string {
	if strings.Contains(unit, `\`) {
		unit = "'" + unit + "'"
	}
	if strings.HasPrefix(strings.TrimPrefix(unit, "'"), "-") {
		unit = "-- " + unit
	}
	return unit
}

// userIn returns the name of the user with the number uid in the text of
// /etc/passwd, the number itself where it has none.
func userIn(passwd, uid string) string {
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
