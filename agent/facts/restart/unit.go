package restart

import (
	"strings"

	"seawall/pkg/cgroup"
)

// unitFor says what has to be restarted for a process in group. program names it
// where it is in no unit; userName turns the number in a slice's name into a name.
func unitFor(group, program string, userName func(uid string) string) Unit {
	unit, slice := cgroup.Unit(group)
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
