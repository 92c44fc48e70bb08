package restart

import (
	"strings"
	"testing"

	"seawall/pkg/cgroup"
)

func TestUnitFor(t *testing.T) {
	name := func(uid string) string { return cgroup.User("root:x:0:0::/:\nann:x:1000:1000::/:\n", uid) }
	for group, want := range map[string]Unit{
		"/system.slice/ssh.service":                           {Name: "ssh.service", Kind: KindService, Command: "systemctl restart ssh.service"},
		"/system.slice/system-getty.slice/getty@tty1.service": {Name: "getty@tty1.service", Kind: KindService, Command: "systemctl restart getty@tty1.service"},
		`/system.slice/a\x2db.service/payload`:                {Name: `a\x2db.service`, Kind: KindService, Command: `systemctl restart 'a\x2db.service'`},
		"/system.slice/-x.service":                            {Name: "-x.service", Kind: KindService, Command: "systemctl restart -- -x.service"},
		"/system.slice/_cpu.service":                          {Name: "cpu.service", Kind: KindService, Command: "systemctl restart cpu.service"},
		"/own.service":                                        {Name: "own.service", Kind: KindService, Command: "systemctl restart own.service"},
		"/init.scope":                                         {Name: "init.scope", Kind: KindManager, Command: "systemctl daemon-reexec"},
		"/system.slice/dbus.service":                          {Name: "dbus.service", Kind: KindBus, Command: "systemctl reboot"},
		"/system.slice/dbus-broker.service":                   {Name: "dbus-broker.service", Kind: KindBus, Command: "systemctl reboot"},
		"/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service": {Name: "user ann", Kind: KindSession},
		"/user.slice/user-1000.slice/session-3.scope":                          {Name: "user ann", Kind: KindSession},
		"/user.slice/user-1001.slice/session-4.scope":                          {Name: "user 1001", Kind: KindSession},
		"/user.slice/user-1000.slice/user@1000.service/init.scope":             {Name: "user ann", Kind: KindSession},
		"/machine.slice/docker-0123.scope":                                     {Name: "docker-0123.scope", Kind: KindProcess},
		"/system.slice/srv.mount":                                              {Name: "srv.mount", Kind: KindProcess},
		"/":                                                                    {Name: "/usr/bin/x", Kind: KindProcess},
		"":                                                                     {Name: "/usr/bin/x", Kind: KindProcess},
		"/docker/0123":                                                         {Name: "/usr/bin/x", Kind: KindProcess},
		"/system.slice/a;reboot.service":                                       {Name: "/usr/bin/x", Kind: KindProcess},
		"/system.slice/" + strings.Repeat("x", 300) + ".service":                  {Name: "/usr/bin/x", Kind: KindProcess},
		"/../../system.slice/ssh.service":                                         {Name: "/usr/bin/x", Kind: KindProcess}, // seen from inside another cgroup namespace
		"/system.slice":                                                           {Name: "/usr/bin/x", Kind: KindProcess},
		"/user.slice/user-1000.slice/user-runtime-dir@1000.service/../../x.slice": {Name: "user ann", Kind: KindSession},
	} {
		got := unitFor(group, "/usr/bin/x", name)
		if got.Name != want.Name || got.Kind != want.Kind || got.Command != want.Command {
			t.Errorf("%s:\ngot  %+v\nwant %+v", group, got, want)
		}
	}
}

func TestSystemService(t *testing.T) {
	for cgroup, want := range map[string]bool{
		"/system.slice/ssh.service":                                         true,
		"/system.slice/docker-0123.scope":                                   false,
		"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service": false,
		"/user.slice/user-1000.slice/session-3.scope":                       false,
		"/init.scope": false,
		"/":           false,
		"":            false,
	} {
		if got := systemService(cgroup); got != want {
			t.Errorf("%q: got %v", cgroup, got)
		}
	}
}

// FuzzCgroup: a command has a valid unit in it, and nothing that a shell would take
// for more.
func FuzzCgroup(f *testing.F) {
	f.Add("0::/system.slice/ssh.service\n")
	f.Add("1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n0::/\n")
	f.Add("0::/system.slice/a\\x2db.service/x\n")
	f.Add("0::/a'b.service\n")
	f.Fuzz(func(t *testing.T, data string) {
		u := unitFor(cgroup.Of(data), "program", func(uid string) string { return uid })
		if u.Name == "" || u.Kind == "" {
			t.Errorf("got %+v", u)
		}
		name, ok := strings.CutPrefix(u.Command, "systemctl restart ")
		if !ok {
			return
		}
		name = strings.TrimPrefix(name, "-- ")
		bare := strings.TrimSuffix(strings.TrimPrefix(name, "'"), "'")
		if !cgroup.Valid(bare) || strings.ContainsAny(bare, "'\"$`;&|<> \n") || strings.Contains(bare, `\`) && bare == name {
			t.Errorf("unsafe: %s", u.Command)
		}
	})
}

func TestRootMount(t *testing.T) {
	for line, want := range map[string]string{
		"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw":              "254:0 /",
		"27 1 0:35 /@root/x\\040y / rw shared:1 - btrfs /dev/vda rw": "0:35 /@root/x\\040y",
		"22 27 0:21 / /proc rw,relatime - proc proc rw":              "",
		"22 27 0:21 / ": "",
		"":              "",
	} {
		got, ok := rootMount([]byte(line))
		if got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", line, got, ok)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add([]byte("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw"))
	f.Add([]byte("22 27 0:21 / /proc rw,relatime - proc proc rw"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if root, ok := rootMount(line); ok && !strings.Contains(string(line), root+" / ") {
			t.Errorf("got %q", root)
		}
	})
}
