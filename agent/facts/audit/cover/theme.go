package cover

import (
	"path"
	"strings"

	"seawall/pkg/auditrule"
)

// want is a theme: the events that are to be recorded.
type want struct {
	name  string
	calls []calls
	// files are changed, programs started; those that the host does not have are
	// left out, and a theme without any is no matter of this host.
	files    []string // a directory ends in "/"
	ahead    bool     // of files that are said to be written, and need not be there yet
	programs []string
	absent   string // what to say then
}

// calls are system calls by who makes them and how they end.
type calls struct {
	names     string
	exits     []int32
	emulation bool // with the rights of another user
}

const (
	eperm, eacces = -1, -13
)

// wants lists the themes. sudoLog is sudo's own log file, "" where it has none.
func wants(sudoLog string) []want {
	var sudo []string
	if sudoLog != "" {
		sudo = []string{sudoLog}
	}
	done := []int32{0}
	return []want{
		{name: "scope", files: []string{"/etc/sudoers", "/etc/sudoers.d/"}, absent: "sudo is not installed"},
		{name: "user-emulation", calls: []calls{{names: "execve", exits: done, emulation: true}}},
		{name: "sudo-log", files: sudo, ahead: true, absent: "sudo writes no log file of its own"},
		{name: "time-change", calls: []calls{{names: "adjtimex settimeofday clock_settime", exits: done}}, files: []string{"/etc/localtime"}},
		{name: "system-locale", calls: []calls{{names: "sethostname setdomainname", exits: done}},
			files: []string{"/etc/issue", "/etc/issue.net", "/etc/hosts", "/etc/hostname", "/etc/networks", "/etc/network/", "/etc/netplan/",
				"/etc/sysconfig/network", "/etc/sysconfig/network-scripts/", "/etc/NetworkManager/"}},
		{name: "access", calls: []calls{{names: "creat open openat truncate ftruncate", exits: []int32{eacces, eperm}}}},
		{name: "identity", files: []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/security/opasswd",
			"/etc/nsswitch.conf", "/etc/pam.conf", "/etc/pam.d/"}},
		{name: "permissions", calls: []calls{{names: "chmod fchmod fchmodat chown fchown lchown fchownat " +
			"setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr", exits: done}}},
		{name: "mounts", calls: []calls{{names: "mount", exits: done}}},
		{name: "session", files: []string{"/run/utmp", "/var/log/wtmp", "/var/log/btmp"}, absent: "the host keeps no utmp, wtmp or btmp"},
		{name: "logins", files: []string{"/var/log/lastlog", "/run/faillock/", "/var/lib/lastlog/"}, absent: "the host keeps no lastlog and no faillock"},
		{name: "delete", calls: []calls{{names: "rename renameat unlink unlinkat", exits: done}}},
		{name: "mac", files: []string{"/etc/apparmor/", "/etc/apparmor.d/", "/etc/selinux/", "/usr/share/selinux/"},
			absent: "neither AppArmor nor SELinux is installed"},
		{name: "chcon", programs: []string{"/usr/bin/chcon"}, absent: "chcon is not installed"},
		{name: "setfacl", programs: []string{"/usr/bin/setfacl"}, absent: "setfacl is not installed"},
		{name: "chacl", programs: []string{"/usr/bin/chacl"}, absent: "chacl is not installed"},
		{name: "usermod", programs: []string{"/usr/sbin/usermod"}, absent: "usermod is not installed"},
		{name: "modules", calls: []calls{{names: "init_module finit_module delete_module", exits: done}}, programs: []string{"/usr/bin/kmod"}},
		{name: "audit-config", files: []string{"/etc/audit/", "/etc/libaudit.conf"}, absent: "auditd is not installed"},
		{name: "ssh", files: []string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/", "/root/.ssh/"}, absent: "there is no sshd"},
		{name: "cron", files: []string{"/etc/crontab", "/etc/cron.d/", "/etc/cron.daily/", "/etc/cron.hourly/", "/etc/cron.weekly/",
			"/etc/cron.monthly/", "/var/spool/cron/"}, absent: "cron is not installed"},
		{name: "startup", files: []string{"/etc/systemd/system/", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d/", "/etc/profile", "/etc/profile.d/"}},
	}
}

// event is an event and what people call it.
type event struct {
	auditrule.Event
	name string
}

// events lists what a theme asks for, and says whether the host has any of it.
func (w want) events(h Host, archs []arch) []event {
	var all []event
	for _, a := range archs {
		for _, c := range w.calls {
			all = append(all, c.events(h, a)...)
		}
		for _, f := range w.files {
			if w.ahead || h.Exists(strings.TrimRight(f, "/")) {
				all = append(all, changes(h, a, f)...)
			}
		}
		for _, p := range w.programs {
			if h.Exists(p) {
				all = append(all, start(h, a, p))
			}
		}
	}
	return all
}

// people are the rights under which somebody who logged in does things.
func people(h Host) []auditrule.Event {
	return []auditrule.Event{
		{AUID: h.UIDMin, UID: h.UIDMin, EUID: h.UIDMin},
		{AUID: h.UIDMin, UID: 0, EUID: 0},
		{AUID: h.UIDMin + 5000, UID: h.UIDMin + 5000, EUID: h.UIDMin + 5000},
	}
}

func (c calls) events(h Host, a arch) []event {
	who := people(h)
	if c.emulation {
		who = []auditrule.Event{{AUID: h.UIDMin, UID: h.UIDMin, EUID: 0}}
	}
	var all []event
	for name := range strings.FieldsSeq(c.names) {
		number, ok := a.calls[name]
		if !ok {
			continue // the architecture has no such call
		}
		for _, exit := range c.exits {
			for _, e := range who {
				e.Arch, e.Syscall, e.Exit = a.number, number, exit
				all = append(all, event{e, name + a.suffix + outcome(exit)})
			}
		}
	}
	return all
}

func outcome(exit int32) string {
	switch exit {
	case eperm:
		return " refused with EPERM"
	case eacces:
		return " refused with EACCES"
	}
	return ""
}

// changes are a write and a change of attributes.
func changes(h Host, a arch, name string) []event {
	what := name
	if strings.HasSuffix(name, "/") {
		what += "new-file"
	}
	names := h.Names(what)
	var all []event
	for _, way := range []struct {
		call string
		perm uint32
		word string
	}{{"openat", auditrule.PermWrite, "write to "}, {"fchmodat", auditrule.PermAttr, "change of mode of "}} {
		for _, e := range people(h)[1:2] {
			e.Arch, e.Syscall, e.Paths, e.Perm = a.number, a.calls[way.call], names, way.perm
			all = append(all, event{e, way.word + strings.TrimRight(name, "/") + a.suffix})
		}
	}
	return all
}

// start is the start of a program by somebody who logged in.
func start(h Host, a arch, name string) event {
	e := people(h)[0]
	e.Arch, e.Syscall, e.Paths, e.Perm, e.Exe = a.number, a.calls["execve"], h.Names(name), auditrule.PermExec, path.Clean(name)
	return event{e, "start of " + name + a.suffix}
}
