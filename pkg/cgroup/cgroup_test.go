package cgroup

import (
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for data, want := range map[string]string{
		"":                               "",
		"0::/system.slice/ssh.service\n": "/system.slice/ssh.service",
		"12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n":                  "/system.slice/cron.service",
		"9:name=systemd:/\n1:cpu:/\n0::/system.slice/ssh.service\n":                      "/system.slice/ssh.service", // another manager's v1 beside v2
		"1:name=systemd:/user.slice/user-0.slice/session-1.scope\n":                      "/user.slice/user-0.slice/session-1.scope",
		"0::/a:b.slice/c.service\n":                                                      "/a:b.slice/c.service",
		"garbage\n0:\n:::\n1:name=systemd\n":                                             "",
		"2:cpu,name=other:/wrong\n":                                                      "",
		"0::/system.slice/x.service\n1:name=systemd:/system.slice/y.service\nno newline": "/system.slice/y.service",
	} {
		if got := Of(data); got != want {
			t.Errorf("%q: got %q, want %q", data, got, want)
		}
	}
}

func TestUnit(t *testing.T) {
	for group, want := range map[string][2]string{
		"/system.slice/system-getty.slice/getty@tty1.service":                  {"getty@tty1.service", "system-getty.slice"},
		"/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service": {"user@1000.service", "user-1000.slice"},
		"/init.scope":                    {"init.scope", ""},
		"/system.slice/_cpu.service":     {"cpu.service", "system.slice"},
		"/system.slice/a;reboot.service": {},
		"/system.slice":                  {},
		"/docker/0123":                   {},
		"":                               {},
	} {
		unit, slice := Unit(group)
		if unit != want[0] || slice != want[1] {
			t.Errorf("%s: got %q in %q", group, unit, slice)
		}
	}
}

// FuzzUnit: a unit that is found is one that systemd could have named.
func FuzzUnit(f *testing.F) {
	f.Add("0::/system.slice/ssh.service\n")
	f.Add("1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n0::/\n")
	f.Fuzz(func(t *testing.T, data string) {
		group := Of(data)
		if !strings.Contains(data, group) {
			t.Errorf("%q is not in it", group)
		}
		if unit, _ := Unit(group); unit != "" && !Valid(unit) {
			t.Errorf("got %q", unit)
		}
	})
}

func TestUser(t *testing.T) {
	passwd := "root:x:0:0:root:/root:/bin/sh\n\nbroken\n:x:7:7\nann:x:1000:1000\nbob:x:1000\nlast:x:5:"
	for uid, want := range map[string]string{"0": "root", "1000": "ann", "5": "last", "7": "7", "42": "42", "": ""} {
		if got := User(passwd, uid); got != want {
			t.Errorf("%s: got %q, want %q", uid, got, want)
		}
	}
}

func FuzzUser(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000\n", "1000")
	f.Add("::\n:x:1:\n", "1")
	f.Fuzz(func(t *testing.T, passwd, uid string) {
		if got := User(passwd, uid); got != uid && !strings.Contains(passwd, got+":") {
			t.Errorf("got %q", got)
		}
	})
}
