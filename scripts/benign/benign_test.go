package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/agent/detect/rules"
)

func TestKeep(t *testing.T) {
	var out bytes.Buffer
	k := keeper{out: bufio.NewWriter(&out)}
	if err := k.begin(); err != nil {
		t.Fatal(err)
	}
	for i, r := range []struct {
		typ  uint16
		text string
	}{
		{unix.AUDIT_LOGIN, "pid=7 uid=0 old-auid=4242 auid=4243 tty=(none) old-ses=5 ses=6 res=1"},
		{unix.AUDIT_SYSCALL, `arch=c000003e syscall=59 ppid=1 pid=8 auid=4242 uid=0 tty=(none) ses=5 comm="cron"`},
		{unix.AUDIT_SYSCALL, `arch=c000003e syscall=59 ppid=1 pid=9 auid=1000 uid=0 tty=(none) ses=5 comm="other"`},
		{unix.AUDIT_SYSCALL, `arch=c000003e syscall=59 ppid=8 pid=10 auid=0 uid=0 tty=(none) ses=9 comm="job"`},
		{unix.AUDIT_SYSCALL, `arch=c000003e syscall=59 ppid=999999999 pid=999999998 auid=0 uid=0 tty=(none) ses=9 comm="not ours"`},
		{unix.AUDIT_NETFILTER_CFG, `table=filter:2 family=2 entries=3 op=nft_register_rule pid=8 comm="iptables"`},
		{unix.AUDIT_NETFILTER_CFG, `table=filter:2 family=2 entries=3 op=nft_register_rule pid=9 comm="iptables"`},
		{unix.AUDIT_CONFIG_CHANGE, `auid=4242 ses=5 op=remove_rule key="x" list=4 res=1`},
		{unix.AUDIT_EXECVE, `argc=2 a0="/bin/true" a1="` + marker + `"`},
	} {
		k.take(r.typ, fmt.Appendf(nil, "audit(1.000:%d): %s\x00", i, r.text))
	}
	if err := k.out.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-k.ended:
	default:
		t.Error("the end is not seen")
	}
	want := `type=LOGIN msg=audit(1.000:0): pid=7 uid=0 old-auid=4294967295 auid=4243 tty=(none) old-ses=5 ses=6 res=1
type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 ppid=1 pid=8 auid=4294967295 uid=0 tty=(none) ses=4294967295 comm="cron"
type=SYSCALL msg=audit(1.000:3): arch=c000003e syscall=59 ppid=8 pid=10 auid=0 uid=0 tty=(none) ses=9 comm="job"
type=NETFILTER_CFG msg=audit(1.000:5): table=filter:2 family=2 entries=3 op=nft_register_rule pid=8 comm="iptables"
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// TestLimited: each rule of the profile is there, for the machine's files alone.
func TestLimited(t *testing.T) {
	got := limited(rules.Profile(), "/m")
	for line := range strings.Lines(got) {
		if !strings.Contains(line, "auid") && !strings.Contains(line, "-k marker") || strings.Contains(line, "=/etc") || strings.Contains(line, "=/var") {
			t.Error(line)
		}
	}
	if want := 2*strings.Count(rules.Profile(), "\n-a ") + 1; strings.Count(got, "\n") != want {
		t.Errorf("%d rules, want %d", strings.Count(got, "\n"), want)
	}
}

func TestShorten(t *testing.T) {
	var in strings.Builder
	for i := range 10 {
		fmt.Fprintf(&in, "type=SYSCALL msg=audit(1.000:%d): arch=c000003e syscall=257 success=yes pid=%d uid=0 exe=\"/usr/bin/dpkg\" key=\"seawall-system\"\n", i, i)
		fmt.Fprintf(&in, "type=PATH msg=audit(1.000:%d): item=0 name=\"/usr/lib/x/%d.so\" nametype=CREATE\ntype=EOE msg=audit(1.000:%d): \n", i, i, i)
	}
	fmt.Fprint(&in, "type=SYSCALL msg=audit(1.000:99): arch=c000003e syscall=59 success=yes pid=5 uid=0 exe=\"/usr/bin/id\" key=\"seawall-exec\"\n")
	fmt.Fprint(&in, "type=EXECVE msg=audit(1.000:99): argc=2 a0=\"id\" a1=\"user123\"\ntype=PROCTITLE msg=audit(1.000:99): proctitle=6964\n")
	fmt.Fprint(&in, "# 08:01 1234 /etc\n")
	var out bytes.Buffer
	if err := shorten(&out, strings.NewReader(in.String())); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 3*most+3 || !strings.Contains(out.String(), "# 08:01 1234 /etc") || !strings.Contains(out.String(), "user123") || strings.Contains(out.String(), "PROCTITLE") {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}

// TestWeek: each step has a name, a user of the machine and a script.
func TestWeek(t *testing.T) {
	steps, err := txtar.ParseFile("week.txtar")
	if err != nil || len(steps.Files) < 20 {
		t.Fatalf("%v, %d steps", err, len(steps.Files))
	}
	for _, f := range steps.Files {
		if _, user, ok := strings.Cut(f.Name, " "); !ok || user != "ann" && user != "deploy" && user != "backup-user" || len(f.Data) == 0 {
			t.Errorf("%s: %d bytes", f.Name, len(f.Data))
		}
	}
}
