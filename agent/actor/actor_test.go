package actor

import (
	"net/netip"
	"slices"
	"testing"
)

func users(uid uint32) string {
	return map[uint32]string{0: "root", 1000: "alice", 33: "www-data", 1001: "bob"}[uid]
}

func TestOf(t *testing.T) {
	remote := Origin{Address: netip.MustParseAddr("203.0.113.7"), Service: "sshd", Terminal: "pts/0", Source: Logind}
	id := "3f2a91c07be43f2a91c07be43f2a91c07be43f2a91c07be43f2a91c07be43f2a"
	nobody := func(s Step) Step { s.AUID, s.Session = Unset, Unset; return s }
	var (
		sshd   = Step{PID: 10, Exe: "/usr/sbin/sshd", AUID: 1000, Session: 3, Unit: "ssh.service"}
		bash   = Step{PID: 11, Exe: "/usr/bin/bash", UID: 1000, EUID: 1000, AUID: 1000, Session: 3, Unit: "session-3.scope"}
		sudo   = Step{PID: 12, Exe: "/usr/bin/sudo", UID: 1000, EUID: 0, AUID: 1000, Session: 3}
		vi     = Step{PID: 13, Exe: "/usr/bin/vi", AUID: 1000, Session: 3, Unit: "session-3.scope"}
		su     = Step{PID: 14, Exe: "/bin/su", AUID: 1000, Session: 3}
		bob    = Step{PID: 15, Exe: "/bin/sh", UID: 1001, EUID: 1001, AUID: 1000, Session: 3}
		cron   = Step{PID: 20, Comm: "CRON"}
		job    = Step{PID: 21, Exe: "/bin/sh", Unit: "cron.service"}
		worker = Step{PID: 30, Exe: "/usr/sbin/nginx", UID: 33, EUID: 33, Unit: "nginx.service"}
	)
	for _, tt := range []struct {
		name  string
		steps []Step
		from  Origin
		want  string
	}{
		{"sudo", []Step{vi, sudo, bash, sshd}, remote, "alice from 203.0.113.7 through sudo as root"},
		{"sudo's own process between", []Step{vi, sudo, sudo, bash, sshd}, remote, "alice from 203.0.113.7 through sudo as root"},
		{"sudo, then su", []Step{bob, su, vi, sudo, bash}, remote, "alice from 203.0.113.7 through sudo, su as bob"},
		{"sudo acts itself", []Step{sudo, bash}, remote, "alice from 203.0.113.7 as root"},
		{"doas became it", []Step{{PID: 13, Exe: "/usr/bin/vi", Before: "/usr/bin/doas", AUID: 1000, Session: 3}, bash}, remote, "alice from 203.0.113.7 through doas as root"},
		{"no sudo of root's", []Step{vi, {Exe: "/home/alice/sudo", Comm: "sudo", AUID: 1000}}, remote, "alice from 203.0.113.7 as root"},
		{"calls itself sudo", []Step{bash, {Comm: "sudo", UID: 1000, EUID: 1000, AUID: 1000}}, remote, "alice from 203.0.113.7"},
		{"not asked for", []Step{bash}, Origin{}, "alice"},
		{"local", []Step{bash}, Origin{Terminal: "tty1", Service: "login"}, "alice at tty1"},
		{"name", []Step{bash}, Origin{Host: "bastion.example.org", Source: Utmp}, "alice from bastion.example.org (by utmp)"},
		{"cron", []Step{job, cron}, Origin{Service: "cron"}, "root through cron in cron.service"},
		{"unit", []Step{nobody(worker)}, Origin{}, "www-data in nginx.service"},
		{"container", []Step{nobody(Step{Exe: "/bin/sh", Container: id, Runtime: "docker", Unit: "docker-x.scope"})}, Origin{}, "root in docker container 3f2a91c07be4"},
		{"named container", []Step{nobody(Step{Container: "web1", Runtime: "lxc"})}, Origin{}, "root in lxc container web1"},
		{"no name", []Step{nobody(Step{UID: 70000, EUID: 70000})}, Origin{}, "user 70000"},
		{"nothing", nil, Origin{}, "somebody unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Of(tt.steps, tt.from, users).String(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestFields(t *testing.T) {
	a := Of([]Step{
		{PID: 13, Exe: "/usr/bin/vi (deleted)", UID: 0, EUID: 0, AUID: 1000, Session: 3, Unit: "session-3.scope"},
		{PID: 12, Exe: "/usr/bin/sudo-rs", UID: 1000, EUID: 0, AUID: 1000, Session: 3},
	}, Origin{}, users)
	if a.Login != "alice" || a.AUID != 1000 || a.User != "root" || a.UID != 0 || a.Session != 3 || a.Program != "vi" ||
		!slices.Equal(a.Through, []string{"sudo"}) || a.Unit != "session-3.scope" {
		t.Errorf("%+v", a)
	}
	if a := Of(nil, Origin{}, users); a.AUID != Unset || a.UID != Unset || a.Login != "" {
		t.Errorf("%+v", a)
	}
}
