package auditrule

import (
	"runtime"
	"testing"

	"seawall/pkg/syscallname"
)

// call is the number of a system call of this machine.
func call(t *testing.T, name string) (arch uint32, number int) {
	t.Helper()
	arch = map[string]uint32{"amd64": 0xc000003e, "arm64": 0xc00000b7}[runtime.GOARCH]
	for n := range 600 {
		if syscallname.Name(arch, n) == name {
			return arch, n
		}
	}
	t.Fatalf("no system call %s", name)
	return 0, 0
}

// person is an event of somebody who logged in.
func person(t *testing.T, name string) Event {
	arch, number := call(t, name)
	return Event{Arch: arch, Syscall: number, AUID: 1000, UID: 1000, EUID: 1000}
}

func TestJudge(t *testing.T) {
	open := person(t, "openat")
	open.Paths, open.Perm = []string{"/etc/passwd"}, PermWrite
	below := open
	below.Paths = []string{"/etc/sudoers.d/x"}
	denied := person(t, "openat")
	denied.Exit = -13
	sudo := person(t, "execve")
	sudo.EUID, sudo.Exe, sudo.Perm, sudo.Paths = 0, "/usr/bin/sudo", PermExec, []string{"/usr/bin/sudo", "/bin/sudo"}
	daemon := person(t, "settimeofday")
	daemon.AUID = unset
	clock := person(t, "clock_settime")
	other := clock
	other.Args[0] = 1
	foreign := person(t, "settimeofday")
	foreign.Arch = 0x40000003
	const never, auid = "-a never,exit -F arch=b64 -S settimeofday -F auid=unset", " -F auid>=1000 -F auid!=unset -k x"
	for _, tt := range []struct {
		rules []string
		event Event
		want  Verdict
		which int
	}{
		{nil, open, Unmatched, -1},
		{[]string{"-w /etc/passwd -p wa -k x"}, open, Recorded, 0},
		{[]string{"-w /etc/passwd -p r -k x"}, open, Unmatched, -1},
		{[]string{"-a always,exit -F perm=wa -F path=/etc/passwd -F key=x"}, open, Recorded, 0},
		{[]string{"-a always,exit -F path=/etc/passwd -F perm=wa -F uid=5"}, open, Unmatched, -1},
		{[]string{"-a always,exit -F dir=/etc/sudoers.d/ -F perm=wa"}, below, Recorded, 0},
		{[]string{"-a always,exit -F dir=/etc/sudoers -F perm=wa"}, below, Unmatched, -1},
		{[]string{"-a always,exit -F path!=/etc/passwd -F perm=wa"}, below, Recorded, 0},
		{[]string{"-a always,exit -F arch=b64 -S open -S openat,creat" + auid}, denied, Recorded, 0},
		{[]string{"-a always,exit -F arch=b64 -S openat -F exit=-EPERM" + auid, "-a always,exit -F arch=b64 -S openat -F exit=-EACCES" + auid}, denied, Recorded, 1},
		{[]string{"-a always,exit -F arch=b64 -S openat -F success=0"}, denied, Recorded, 0},
		{[]string{"-a always,exit -F arch=b64 -S openat -F success=1"}, denied, Unmatched, -1},
		{[]string{"-a always,exit -F arch=b64 -S execve -C uid!=euid -F auid!=unset"}, sudo, Recorded, 0},
		{[]string{"-a always,exit -F arch=b64 -S execve -C uid=euid"}, sudo, Unmatched, -1},
		{[]string{"-a always,exit -F arch=b64 -S execve -C auid!=euid"}, sudo, Recorded, 0},
		{[]string{"-a always,exit -F path=/bin/sudo -F perm=x" + auid}, sudo, Recorded, 0},
		{[]string{"-a always,exit -S execve -F exe=/usr/bin/sudo"}, sudo, Recorded, 0},
		{[]string{"-a always,exit -S execve -F exe=/usr/bin/su"}, sudo, Unmatched, -1},
		{[]string{"-a always,exit -S execve -F euid=0 -F gid>=0"}, sudo, Unmatched, -1}, // a gid is not known
		{[]string{never, "-a always,exit -F arch=b64 -S settimeofday"}, daemon, Suppressed, 0},
		{[]string{"-a always,exit -F arch=b64 -S settimeofday", never}, daemon, Recorded, 0},
		{[]string{never, "-a always,exit -F arch=b64 -S adjtimex,settimeofday"}, person(t, "settimeofday"), Recorded, 1},
		{[]string{"-a always,exit -F arch=b64 -S settimeofday"}, foreign, Unmatched, -1},
		{[]string{"-a always,exit -F arch=b64 -S clock_settime -F a0=0x0"}, clock, Recorded, 0},
		{[]string{"-a always,exit -F arch=b64 -S clock_settime -F a0=0x0"}, other, Unmatched, -1},
		{[]string{"-a always,exit -F arch=b64 -S clock_settime", "-a never,task"}, clock, Suppressed, 1},
		{[]string{"-a always,exit -S all", "-a always,exclude -F msgtype=SYSCALL"}, clock, Suppressed, 1},
		{[]string{"-a always,exit -S all", "-a always,exclude -F msgtype=CWD"}, clock, Recorded, 0},
		{[]string{"-a always,exit -S all", "-a never,task -F uid=5"}, clock, Recorded, 0},
	} {
		var rules []Rule
		for _, text := range tt.rules {
			rules = append(rules, parse(t, text))
		}
		if got, which := NewSet(rules).Judge(tt.event); got != tt.want || which != tt.which {
			t.Errorf("%q: %v by %d, want %v by %d", tt.rules, got, which, tt.want, tt.which)
		}
	}
}

// TestJudgeHostile: a rule that is no rule matches nothing, and numbers beyond the
// mask are no system calls.
func TestJudgeHostile(t *testing.T) {
	whole := parse(t, "-a always,exit -S all")
	for name, r := range map[string]Rule{"empty": {}, "short": {Wire: whole.Wire[:100]}} {
		if got, _ := NewSet([]Rule{r}).Judge(person(t, "openat")); got != Unmatched {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, n := range []int{-1, maxSyscall, 1 << 20} {
		if got, _ := NewSet([]Rule{whole}).Judge(Event{Syscall: n}); got != Unmatched {
			t.Errorf("system call %d: %v", n, got)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		op, right uint32
		want      bool
	}{
		{opEqual, 5, true}, {opEqual, 4, false}, {opNotEqual, 4, true}, {opLess, 6, true}, {opLess, 5, false}, {opLessEqual, 5, true},
		{opGreater, 4, true}, {opGreater, 5, false}, {opGreaterEqual, 5, true}, {opMask, 4, true}, {opMask, 2, false}, {opTest, 5, true}, {opTest, 7, false}, {0, 5, false},
	} {
		if got := compare(5, tt.op, tt.right); got != tt.want {
			t.Errorf("5 %x %d: %v", tt.op, tt.right, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]Place{
		"-w /etc/nosuchfile -p wa": {"/etc/nosuchfile", false}, "-a always,exit -F dir=/etc/x -F perm=wa": {"/etc/x", true}, "-a always,exit -F path!=/y -F perm=w": {}, "-a always,exit -S openat": {},
	} {
		var got Place
		for _, p := range parse(t, text).Places() {
			got = p
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
