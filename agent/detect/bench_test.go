package detect_test

import (
	"strings"
	"testing"
	"time"

	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/finding"
)

// Events as a busy host has them: a file opened, a program started, a connection.
const (
	openEvent = `type=SYSCALL msg=audit(1795289500.540:1): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd2a0f8c10 a2=80241 a3=1b6 items=2 ppid=811 pid=9021 auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=4 comm="php-fpm8.2" exe="/usr/sbin/php-fpm8.2" key="seawall-config"
type=CWD msg=audit(1795289500.540:1): cwd="/var/www/html"
type=PATH msg=audit(1795289500.540:1): item=0 name="/var/lib/php/sessions/" inode=258 dev=fe:01 mode=041733 ouid=0 ogid=0 rdev=00:00 nametype=PARENT cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0
type=PATH msg=audit(1795289500.540:1): item=1 name="/var/lib/php/sessions/sess_8f2kq0" inode=9911 dev=fe:01 mode=0100600 ouid=33 ogid=33 rdev=00:00 nametype=CREATE cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0
type=PROCTITLE msg=audit(1795289500.540:1): proctitle=7068702D66706D3A20706F6F6C20777777
type=EOE msg=audit(1795289500.540:1): 
`
	execEvent = `type=SYSCALL msg=audit(1795289500.541:2): arch=c000003e syscall=59 success=yes exit=0 a0=55d3 a1=55d4 a2=55d5 a3=8 items=2 ppid=9021 pid=9022 auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=4 comm="convert" exe="/usr/bin/convert-im6.q16" key="seawall-exec"
type=EXECVE msg=audit(1795289500.541:2): argc=6 a0="convert" a1="-resize" a2="640x480" a3="/var/www/uploads/in.png" a4="-strip" a5="/var/www/uploads/out.png"
type=CWD msg=audit(1795289500.541:2): cwd="/var/www/html"
type=PATH msg=audit(1795289500.541:2): item=0 name="/usr/bin/convert" inode=1234 dev=fe:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0
type=PATH msg=audit(1795289500.541:2): item=1 name="/lib64/ld-linux-x86-64.so.2" inode=77 dev=fe:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0
type=PROCTITLE msg=audit(1795289500.541:2): proctitle=636F6E76657274
type=EOE msg=audit(1795289500.541:2): 
`
	connectEvent = `type=SYSCALL msg=audit(1795289500.542:3): arch=c000003e syscall=42 success=no exit=-115 a0=c a1=7ffd a2=10 a3=0 items=0 ppid=811 pid=9021 auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=4 comm="php-fpm8.2" exe="/usr/sbin/php-fpm8.2" key="seawall-connect"
type=SOCKADDR msg=audit(1795289500.542:3): saddr=020001BB0A0000050000000000000000
type=PROCTITLE msg=audit(1795289500.542:3): proctitle=7068702D66706D3A20706F6F6C20777777
type=EOE msg=audit(1795289500.542:3): 
`
)

// whole keeps the one event of a log: what it is made of is not used again.
func whole(tb testing.TB, log string) *audit.Event {
	tb.Helper()
	var kept *audit.Event
	a := audit.NewAssembler(0, func(e *audit.Event) { kept = e })
	if _, err := auditlog.Read(strings.NewReader(log), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(1795289500, 0)) }); err != nil || kept == nil {
		tb.Fatalf("%v, %v", kept, err)
	}
	return kept
}

func own(tb testing.TB) *detect.Detector {
	tb.Helper()
	list, err := rules.Own()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := detect.New(detect.Config{Rules: list, Report: func(x finding.Detection) { tb.Errorf("%s fires", x.Title) },
		Processes: process.New(process.Config{Offline: true}), User: func(uint32) string { return "www-data" }})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// BenchmarkEvent is the cost of an event that no rule matches, with all of our rules:
// the process table, the making of Sigma's events, and the matching.
func BenchmarkEvent(b *testing.B) {
	for name, log := range map[string]string{"open": openEvent, "exec": execEvent, "connect": connectEvent} {
		b.Run(name, func(b *testing.B) {
			d, e := own(b), whole(b, log)
			b.ReportAllocs()
			for b.Loop() {
				d.Observe(e)
			}
		})
	}
}

// TestNoAllocations: what matches nothing costs no memory.
func TestNoAllocations(t *testing.T) {
	for name, log := range map[string]string{"open": openEvent, "connect": connectEvent} {
		d, e := own(t), whole(t, log)
		if n := testing.AllocsPerRun(1000, func() { d.Observe(e) }); n > 0 {
			t.Errorf("%s: %v allocations an event", name, n)
		}
	}
}
