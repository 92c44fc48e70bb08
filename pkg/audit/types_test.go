package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// whose is what is read from a record of another type than a system call's.
type whose struct {
	PID, PPID, AUID, UID, GID, Session uint32
	TTY, Comm, Exe, Key, Message       string
}

func whoseOf(e *Event) whose {
	return whose{e.PID, e.PPID, e.AUID, e.UID, e.GID, e.Session,
		string(e.TTY), string(e.Comm), string(e.Exe), string(e.Key), string(e.Message)}
}

// TestRecordTypes reads one record of each type that a kernel writes outside of system
// calls, with the text that its source makes.
func TestRecordTypes(t *testing.T) {
	const nobody = Unset
	for _, tt := range []struct {
		typ  uint16
		text string
		want whose
	}{
		{unix.AUDIT_LOGIN, `pid=990 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=4 res=1`,
			whose{PID: 990, AUID: 1000, GID: nobody, Session: 4}},
		{unix.AUDIT_CONFIG_CHANGE, `auid=1000 ses=3 op=add_rule key="a" list=4 res=1`,
			whose{AUID: 1000, UID: nobody, GID: nobody, Session: 3, Key: "a"}},
		{unix.AUDIT_CONFIG_CHANGE, `op=updated_rules path="/etc/gshadow" key="a" list=4 res=1`,
			whose{AUID: nobody, UID: nobody, GID: nobody, Session: nobody, Key: "a"}},
		{unix.AUDIT_CONFIG_CHANGE, `auid=4242 ses=13189op=remove_rule path="/etc/gshadow" key="a" list=4 res=1`,
			whose{AUID: 4242, UID: nobody, GID: nobody, Session: 13189, Key: "a"}},
		{unix.AUDIT_SECCOMP, `auid=1000 uid=33 gid=33 ses=5 pid=77 comm="a b" exe="/usr/bin/x" sig=31 arch=c000003e syscall=39 compat=0 ip=0x7f code=0x80000000`,
			whose{PID: 77, AUID: 1000, UID: 33, GID: 33, Session: 5, Comm: "a b", Exe: "/usr/bin/x"}},
		{unix.AUDIT_ANOM_ABEND, `auid=4294967295 uid=0 gid=0 ses=4294967295 pid=8 comm=610A62 exe="/bin/sh" sig=11 res=1`,
			whose{PID: 8, AUID: nobody, Session: nobody, Comm: "a\nb", Exe: "/bin/sh"}},
		{unix.AUDIT_ANOM_PROMISCUOUS, `dev=eth0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=3`,
			whose{AUID: 1000, Session: 3}},
		{unix.AUDIT_ANOM_LINK, `op=follow_link ppid=3 pid=4 auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts1 ses=2 comm="cat" exe="/usr/bin/cat" res=0`,
			whose{PID: 4, PPID: 3, AUID: 1000, UID: 1000, GID: 1000, Session: 2, TTY: "pts1", Comm: "cat", Exe: "/usr/bin/cat"}},
		{unix.AUDIT_KERN_MODULE, `name="nf_tables"`, whose{AUID: nobody, UID: nobody, GID: nobody, Session: nobody}},
		{unix.AUDIT_NETFILTER_CFG, `table=filter:2 family=2 entries=1 op=nft_register_table pid=12 subj=unconfined comm="nft"`,
			whose{PID: 12, AUID: nobody, UID: nobody, GID: nobody, Session: nobody, Comm: "nft"}},
		{unix.AUDIT_BPF, `prog-id=12 op=LOAD`, whose{AUID: nobody, UID: nobody, GID: nobody, Session: nobody}},
		{unix.AUDIT_EVENT_LISTENER, `pid=5 uid=0 auid=0 tty=pts0 ses=1 comm="x" exe="/x" nl-mcgrp=1 op=connect res=1`,
			whose{PID: 5, Session: 1, GID: nobody, TTY: "pts0", Comm: "x", Exe: "/x"}},
		{unix.AUDIT_TTY, `tty pid=6 uid=0 auid=1000 ses=1 major=4 minor=1 comm="bash" data=6C730D`,
			whose{PID: 6, AUID: 1000, GID: nobody, Session: 1, Comm: "bash"}},
		{unix.AUDIT_FEATURE_CHANGE, `ppid=1 pid=9 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="auditctl" exe="/usr/sbin/auditctl" feature=loginuid_immutable old=0 new=1 old_lock=0 new_lock=1 res=1`,
			whose{PID: 9, PPID: 1, Session: 1, Comm: "auditctl", Exe: "/usr/sbin/auditctl"}},
		{unix.AUDIT_AVC, `avc:  denied  { read write } for  pid=44 comm="httpd" name="shadow" dev="vda1" ino=12 scontext=u:r:httpd_t:s0 tcontext=u:o:shadow_t:s0 tclass=file permissive=0`,
			whose{PID: 44, AUID: nobody, UID: nobody, GID: nobody, Session: nobody, Comm: "httpd"}},
		{unix.AUDIT_MAC_STATUS, `enforcing=0 old_enforcing=1 auid=1000 ses=2 enabled=1 old-enabled=1 lsm=selinux res=1`,
			whose{AUID: 1000, UID: nobody, GID: nobody, Session: 2}},
		{unix.AUDIT_DM_CTRL, `module=crypt op=ctr ppid=1 pid=3 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="x" exe="/x" dev=254:0 error_msg='success' res=1`,
			whose{PID: 3, PPID: 1, Session: 1, Comm: "x", Exe: "/x"}},
		{unix.AUDIT_INTEGRITY_DATA, `pid=3 uid=0 auid=0 ses=1 op=appraise_data cause=invalid-hash comm="x" name="/bin/x" dev="vda" ino=3 res=0 errno=0`,
			whose{PID: 3, GID: nobody, Session: 1, Comm: "x"}},
		{unix.AUDIT_REPLACE, `pid=17 ses=1`, whose{PID: 17, AUID: nobody, UID: nobody, GID: nobody, Session: 1}},
		{unix.AUDIT_USER, `pid=1 uid=0 auid=1000 ses=2 msg='uid=9 auid=9'`,
			whose{PID: 1, AUID: 1000, GID: nobody, Session: 2, Message: `'uid=9 auid=9'`}},
		{1112, `pid=1 uid=0 auid=1000 ses=2 subj=x uid=5 pid=6 (enforce) msg='op=login id=0 exe="/usr/sbin/sshd" addr=203.0.113.7 res=success'`,
			whose{PID: 1, AUID: 1000, GID: nobody, Session: 2, Message: `'op=login id=0 exe="/usr/sbin/sshd" addr=203.0.113.7 res=success'`}},
		{1124, `pid=1 uid=0 auid=1000 ses=2 data=6C730D`,
			whose{PID: 1, AUID: 1000, GID: nobody, Session: 2, Message: `6C730D`}},
		{2404, `pid=1 uid=0 auid=1000 ses=2 msg='op=destroy kind=server fp=SHA256:aa'`,
			whose{PID: 1, AUID: 1000, GID: nobody, Session: 2, Message: `'op=destroy kind=server fp=SHA256:aa'`}},
	} {
		events, stats := assemble(t, []message{{tt.typ, record(1, tt.text)}})
		if len(events) != 1 || stats.Partial != 0 {
			t.Fatalf("%d: %d events, %+v", tt.typ, len(events), stats)
		}
		if diff := cmp.Diff(tt.want, whoseOf(events[0])); diff != "" {
			t.Errorf("type %d: %s", tt.typ, diff)
		}
	}
}

// TestEveryTypeIsKept holds that no record is dropped because of its type: what is not
// decoded is there as it came.
func TestEveryTypeIsKept(t *testing.T) {
	const text = `new="field" other=12 free text`
	kept := map[uint16]int{}
	a := NewAssembler(0, func(e *Event) {
		for _, r := range e.Records {
			if string(r.Text) == text {
				kept[r.Type]++
			}
		}
	})
	serial := uint32(1)
	for typ := uint16(1); typ < 3100; typ++ {
		a.Push(typ, record(serial, text), clock)
		a.Push(unix.AUDIT_SYSCALL, record(serial+1, syscallText), clock)
		a.Push(typ, record(serial+1, text), clock)
		a.Push(unix.AUDIT_EOE, record(serial+1, ""), clock)
		serial += 2
	}
	a.Close()
	for typ := uint16(1); typ < 3100; typ++ {
		if n := kept[typ]; n != 2 && typ != unix.AUDIT_EOE {
			t.Errorf("type %d was kept %d times of 2", typ, n)
		}
	}
}

// TestSyscallKeepsItsFacts holds that other records of its event, and a label with
// fields in it, do not change what a system call's record said.
func TestSyscallKeepsItsFacts(t *testing.T) {
	call := strings.Replace(syscallText, "subj=unconfined", "subj=a pid=1 uid=5 exe=/x key=forged", 1)
	events, _ := assemble(t, []message{
		{unix.AUDIT_SYSCALL, record(1, call)},
		{unix.AUDIT_NETFILTER_CFG, record(1, `table=x pid=999 comm="other"`)},
		{unix.AUDIT_OBJ_PID, record(1, `opid=7 oauid=1 ouid=2 oses=3 ocomm="x"`)},
		{unix.AUDIT_EOE, record(1, "")},
	})
	e := events[0]
	want := whose{PID: 42, PPID: 7, AUID: 1000, Session: 3, TTY: "pts0", Comm: "sh", Exe: "/usr/bin/dash", Key: "seawall"}
	if diff := cmp.Diff(want, whoseOf(e)); diff != "" || len(e.Records) != 3 {
		t.Errorf("%d records\n%s", len(e.Records), diff)
	}
}

func TestURing(t *testing.T) {
	const (
		ids   = `ppid=2 pid=3 uid=4 gid=0 euid=6 suid=0 fsuid=7 egid=0 sgid=0 fsgid=0 subj=x `
		open  = `uring_op=18 success=yes exit=5 items=1 ` + ids + `key="k"`
		again = `uring_op=18 success=no exit=-11 items=1 ` + ids + `key=(null)`
		other = `uring_op=36 success=no exit=-2 items=0 ` + ids + `key=(null)`
		enter = `arch=c000003e syscall=426 success=yes exit=1 a0=9 a1=1 a2=1 a3=1 items=1 ppid=2 pid=3 auid=1000 uid=4 gid=0 euid=6 suid=0 ` +
			`fsuid=7 egid=0 sgid=0 fsgid=0 tty=pts1 ses=3 comm="x" exe="/x" key=(null)`
	)
	for _, tt := range []struct {
		name    string
		records []message
		op      int
		exit    int64
		success bool
		auid    uint32
	}{
		{"later", []message{{unix.AUDIT_URINGOP, record(1, open)}}, 18, 5, true, Unset},
		{"within its call", []message{{unix.AUDIT_URINGOP, record(1, open)}, {unix.AUDIT_SYSCALL, record(1, enter)}}, 18, 5, true, 1000},
		{"the call first", []message{{unix.AUDIT_SYSCALL, record(1, enter)}, {unix.AUDIT_URINGOP, record(1, open)}}, 18, 5, true, 1000},
		{"to be done again", []message{{unix.AUDIT_URINGOP, record(1, again)}, {unix.AUDIT_SYSCALL, record(1, enter)}}, 18, -11, false, 1000},
		{"twice the same", []message{{unix.AUDIT_URINGOP, record(1, open)}, {unix.AUDIT_URINGOP, record(1, again)}, {unix.AUDIT_SYSCALL, record(1, enter)}}, 18, -11, true, 1000},
		{"two kinds", []message{{unix.AUDIT_URINGOP, record(1, open)}, {unix.AUDIT_URINGOP, record(1, other)}, {unix.AUDIT_SYSCALL, record(1, enter)}}, -1, -2, true, 1000},
	} {
		events, _ := assemble(t, append(tt.records,
			message{unix.AUDIT_CWD, record(1, `cwd="/"`)},
			message{unix.AUDIT_PATH, record(1, `item=0 name="/x" inode=1 dev=00:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`)},
			message{unix.AUDIT_EOE, record(1, "")}))
		e := events[0]
		if !e.Uring || !e.HasSyscall || e.Syscall != tt.op || e.Exit != tt.exit || e.Success != tt.success || e.AUID != tt.auid {
			t.Errorf("%s: operation %d, exit %d, success %v, auid %d", tt.name, e.Syscall, e.Exit, e.Success, e.AUID)
		}
		if e.PID != 3 || e.PPID != 2 || e.EUID != 6 || e.FSUID != 7 || e.Partial || string(e.Key) != "k" && tt.success {
			t.Errorf("%s: %+v", tt.name, e)
		}
		if called := tt.auid == 1000; called != (e.Arch != 0) || called != (string(e.Exe) == "/x") || called != (e.Session == 3) {
			t.Errorf("%s: not who called: %+v", tt.name, e)
		}
	}
}

func TestOpenFlags(t *testing.T) {
	events, _ := assemble(t, []message{
		{unix.AUDIT_SYSCALL, record(1, strings.Replace(syscallText, "syscall=257", "syscall=437", 1))},
		{unix.AUDIT_OPENAT2, record(1, `oflag=02000101 mode=0600 resolve=0x0`)},
		{unix.AUDIT_EOE, record(1, "")},
	})
	if e := events[0]; !e.HasOpenFlags || e.OpenFlags != 0o2000101 {
		t.Errorf("flags %o, %v", e.OpenFlags, e.HasOpenFlags)
	}
}
