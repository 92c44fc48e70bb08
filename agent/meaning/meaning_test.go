package meaning

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
)

func TestFields(t *testing.T) {
	n := &Namer{}
	for _, tt := range []struct {
		typ  uint16
		text string
		want []string
	}{
		{unix.AUDIT_SYSCALL, `arch=c000003e syscall=2 success=no exit=-13 auid=4294967295 uid=0 comm=61200A63 key=(null)`,
			[]string{"arch c000003e x86-64", "syscall 2 open", "success no ", "exit -13 EACCES (permission denied)", "auid 4294967295 nobody logged in", "uid 0 ", "comm a \nc the thread's name", "key (null) reported without a key"}},
		{unix.AUDIT_PATH, `item=0 name="/a b" mode=0104755 nametype=CREATE`,
			[]string{"item 0 ", "name /a b ", "mode 0104755 file rwxr-xr-x, set-user-ID", "nametype CREATE was made"}},
		{unix.AUDIT_SOCKADDR, "saddr=02000050CB0071070000000000000000", []string{"saddr 02000050CB0071070000000000000000 203.0.113.7:80"}},
		{1123, `pid=1 msg='cwd="/" cmd=6D7973716C202D2D70617373776F72643D78 res=success'`,
			[]string{"pid 1 ", "cwd / the working directory", "cmd mysql --password=*** ", "res success "}},
		{unix.AUDIT_PROCTITLE, "proctitle=6C73002D6C", []string{"proctitle ls -l the command as the process shows it"}},
		{unix.AUDIT_CONFIG_CHANGE, "op=set audit_pid=0 old=8 res=1", []string{"op set ", "audit_pid 0 the audit daemon's process", "old 8 ", "res 1 1 is done"}},
	} {
		var got []string
		for _, f := range n.Fields(&audit.Event{Arch: unix.AUDIT_ARCH_X86_64}, audit.Record{Type: tt.typ, Text: []byte(tt.text)}) {
			got = append(got, fmt.Sprintf("%s %s %s", f.Name, f.Value, f.Meaning))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestSecretArguments: which argument is a secret only those before it tell.
func TestSecretArguments(t *testing.T) {
	e := &audit.Event{Argv: [][]byte{[]byte("mysql"), []byte("--password"), []byte("hunter2"), []byte("db")}}
	var got []string
	for _, f := range (&Namer{}).Fields(e, audit.Record{Type: unix.AUDIT_EXECVE, Text: []byte(`argc=4 a0="mysql" a1="--password" a2="hunter2" a3="db" a4[0]="x"`)}) {
		got = append(got, f.Value)
		if strings.Contains(f.Raw, "hunter2") {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff([]string{"4", "mysql", "--password", "***", "db", "…"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzFields(f *testing.F) {
	f.Add(uint16(1300), `arch=c000003e syscall=59 success=yes exit=-13 comm=6120620A63 exe="/usr/bin/x" key=(null)`)
	f.Add(uint16(1123), `pid=1 uid=0 msg='cwd="/home/a" cmd=6C73 res=success'`)
	f.Add(uint16(1309), `argc=2 a0="x" a1[0]=6162 a1_len=5 a99999999999999999999=`)
	f.Add(uint16(1306), "saddr=0200")
	f.Fuzz(func(t *testing.T, typ uint16, text string) {
		for _, field := range (&Namer{}).Fields(&audit.Event{}, audit.Record{Type: typ, Text: []byte(text)}) {
			if strings.ContainsAny(field.Name, "= ") {
				t.Errorf("%q has a field %q", text, field.Name)
			}
		}
	})
}

func TestDid(t *testing.T) {
	for want, e := range map[string]audit.Event{
		"openat: done, result 3": {Arch: 0xc000003e, Syscall: 257, HasSyscall: true, Success: true, Exit: 3},
		"unlink: done":           {Arch: 0xc000003e, Syscall: 87, HasSyscall: true, Success: true},
		"unlink: failed, ENOENT (no such file or directory)": {Arch: 0xc000003e, Syscall: 87, HasSyscall: true, Exit: -2},
	} {
		if got := Did(&e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
