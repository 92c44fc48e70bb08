package taxonomy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/rulefile"
)

// using returns a rule that uses every field of a kind, and more.
func using(t testing.TB, logsource string, fields ...string) []sigma.Rule {
	t.Helper()
	text := "title: t\nlogsource: " + logsource + "\ndetection:\n    selection:\n"
	for _, f := range fields {
		text += "        " + f + ": x\n"
	}
	list, err := rulefile.Parse("t.yaml", []byte(text+"    condition: selection\n"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// read returns the Sigma events of records, with the fields that rules use.
func read(t testing.TB, rules []sigma.Rule, log string) []map[string]string {
	t.Helper()
	tax := For(rules)
	table := process.New(process.Config{Offline: true})
	var current *process.Process
	program := func(p *process.Process) Program {
		if p == nil {
			return Program{}
		}
		return Program{p.Exe, p.Argv}
	}
	parent := func() Program { return program(table.Parent(current)) }
	r := NewReader(Config{Taxonomy: tax, Parent: parent, User: func(uid uint32) string { return map[uint32]string{0: "root"}[uid] }})
	var all []map[string]string
	each := func(ev *event.Event) {
		m := map[string]string{"kind": tax.Sources[ev.Source()].Logsource.String()}
		for name, f := range tax.Sources[ev.Source()].Fields {
			if v, ok := ev.Value(f); ok {
				m[name] = string(v)
			}
		}
		all = append(all, m)
	}
	a := audit.NewAssembler(0, func(e *audit.Event) {
		current = table.Observe(e)
		r.Read(e, program(current), each)
	})
	if _, err := auditlog.Read(strings.NewReader(log), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(1, 0)) }); err != nil {
		t.Fatal(err)
	}
	a.Close()
	return all
}

const head = "msg=audit(1795289500.000:%d): "

func record(serial int, typ, text string) string {
	return "type=" + typ + " " + fmt.Sprintf(head, serial) + text + "\n"
}

func syscall(serial int, what string) string {
	return record(serial, "SYSCALL", "arch=c000003e "+what+` auid=1000 uid=1000 gid=1000 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="a b" exe="/usr/bin/x" key=6B31016B32`)
}

// TestExecuted: rules may name the link or the script that was started.
func TestExecuted(t *testing.T) {
	for name, want := range map[string][]string{
		"/usr/bin/x": {"/usr/bin/x"}, "/usr/bin/link": {"/usr/bin/x", "/usr/bin/link"}, "./y.sh": {"/usr/bin/x", "/tmp/y.sh"}, "": {"/usr/bin/x"},
	} {
		log := syscall(1, "syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=5 pid=6") +
			record(1, "EXECVE", `argc=1 a0="x"`) + record(1, "CWD", `cwd="/tmp"`) +
			record(1, "PATH", `item=0 name="`+name+`" inode=9 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`) + record(1, "EOE", "")
		tax := For(using(t, "{product: linux, category: process_creation}", "Image"))
		var got []string
		r := NewReader(Config{Taxonomy: tax})
		a := audit.NewAssembler(0, func(e *audit.Event) {
			r.Read(e, Program{}, func(ev *event.Event) {
				for i := ev.First(tax.Sources[ev.Source()].Fields["Image"]); i >= 0; i = ev.Next(i) {
					_, v := ev.At(i)
					got = append(got, string(v))
				}
			})
		})
		if _, err := auditlog.Read(strings.NewReader(log), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(1, 0)) }); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestExec(t *testing.T) {
	log := syscall(1, "syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=5 pid=6") +
		record(1, "EXECVE", `argc=3 a0="x" a1=612062 a2=""`) + record(1, "CWD", `cwd="/tmp"`) +
		record(1, "PATH", `item=0 name="../usr//bin/x" inode=9 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`) + record(1, "EOE", "") +
		syscall(2, "syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=6 pid=7") + record(2, "EXECVE", `argc=1 a0="y"`) + record(2, "EOE", "")
	got := read(t, using(t, "{product: linux, category: process_creation}", "Image", "CommandLine", "CurrentDirectory", "ProcessId", "ParentProcessId",
		"ParentImage", "ParentCommandLine", "User", "LogonId", "Hashes"), log)
	want := []map[string]string{
		{"kind": got[0]["kind"], "Image": "/usr/bin/x", "CommandLine": "x a b ", "CurrentDirectory": "/tmp", "ProcessId": "6", "ParentProcessId": "5", "User": "root", "LogonId": "3", "TerminalSessionId": "3"},
		{"kind": got[0]["kind"], "Image": "/usr/bin/x", "CommandLine": "y", "ProcessId": "7", "ParentProcessId": "6", "User": "root", "LogonId": "3", "TerminalSessionId": "3",
			"ParentImage": "/usr/bin/x", "ParentCommandLine": "x a b "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	all := slices.Collect(func(yield func(string) bool) {
		for name := range auditd() {
			if len(name) != 3 || name[0] != 'a' || name[1] > '9' { // not a10 and so on
				if !yield(name) {
					return
				}
			}
		}
	})
	got = read(t, using(t, "{product: linux, service: auditd}", append(all, "suid", "items", "ogid")...), log)
	want = []map[string]string{{"kind": got[0]["kind"], "type": "SYSCALL", "syscall": "execve", "success": "yes", "exit": "0", "arch": "c000003e", "argc": "3",
		"a0": "x", "a1": "a b", "a2": "", "exe": "/usr/bin/x", "comm": "a b", "tty": "pts0", "key": "k1", "pid": "6", "ppid": "5", "auid": "1000", "uid": "1000", "gid": "1000",
		"euid": "0", "fsuid": "0", "ses": "3", "cwd": "/tmp", "name": "../usr//bin/x", "nametype": "NORMAL", "mode": "0100755", "ouid": "0", "inode": "9", "dev": "08:01",
		"suid": "0", "items": "1"}}
	if diff := cmp.Diff(want, got[:1]); diff != "" {
		t.Error(diff)
	}
}

func TestFiles(t *testing.T) {
	rules := slices.Concat(using(t, "{product: linux, category: file_event}", "TargetFilename", "SourceFilename", "Image"), using(t, "{product: linux, category: file_delete}", "TargetFilename"))
	path := func(serial, item int, name, nametype string) string {
		return record(serial, "PATH", fmt.Sprintf(`item=%d name="%s" inode=9 dev=08:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=%s`, item, name, nametype))
	}
	cwd := func(serial int) string { return record(serial, "CWD", `cwd="/etc"`) }
	log := syscall(1, "syscall=82 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=4 ppid=5 pid=6") + cwd(1) +
		path(1, 0, "/etc/", "PARENT") + path(1, 1, "/etc/", "PARENT") + path(1, 2, "sudoers.tmp", "DELETE") + path(1, 3, "sudoers", "CREATE") + record(1, "EOE", "") +
		syscall(2, "syscall=257 success=yes exit=3 a0=ffffff9c a1=2 a2=0 a3=0 items=1 ppid=5 pid=6") + cwd(2) + path(2, 0, "shadow", "NORMAL") + record(2, "EOE", "") +
		syscall(3, "syscall=257 success=no exit=-13 a0=ffffff9c a1=2 a2=1 a3=0 items=1 ppid=5 pid=6") + cwd(3) + path(3, 0, "shadow", "NORMAL") + record(3, "EOE", "") +
		syscall(4, "syscall=263 success=yes exit=0 a0=5 a1=2 a2=0 a3=0 items=1 ppid=5 pid=6") + cwd(4) + path(4, 0, "gone", "DELETE") + record(4, "EOE", "")
	got := read(t, rules, log)
	var lines []string
	for _, m := range got {
		_, kind, _ := strings.Cut(m["kind"], "file_")
		lines = append(lines, strings.Join([]string{strings.TrimRight(kind, "}\""), m["TargetFilename"], m["SourceFilename"], m["Image"]}, " "))
	}
	want := []string{"delete /etc/sudoers.tmp  ", "event /etc/sudoers /etc/sudoers.tmp /usr/bin/x", "delete gone  "}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

func TestNetwork(t *testing.T) {
	rules := using(t, "{product: linux, category: network_connection}", "Initiated", "DestinationIp", "DestinationPort", "DestinationIsIpv6", "SourceIp", "SourcePort", "Protocol", "DestinationHostname")
	for name, tt := range map[string]struct{ call, saddr, want string }{
		"connect":        {"syscall=42 success=yes exit=0", "020001BBCB00710500000000", "true 203.0.113.5:443 false - "},
		"in progress":    {"syscall=42 success=no exit=-115", "020001BBCB00710500000000", "true 203.0.113.5:443 false - "},
		"refused inet6":  {"syscall=42 success=no exit=-111", "0A0000160000000020010DB800000000000000000000000100000000", "true 2001:db8::1:22 true - "},
		"mapped":         {"syscall=42 success=yes exit=0", "0A0000160000000000000000000000000000FFFFCB00710500000000", "true 203.0.113.5:22 false - "},
		"zone":           {"syscall=42 success=yes exit=0", "0A00001600000000FE80000000000000000000000000000102000000", "true fe80::1:22 true - "},
		"datagram":       {"syscall=44 success=yes exit=9", "02000035CB00710500000000", "true 203.0.113.5:53 false - udp"},
		"accept":         {"syscall=288 success=yes exit=9", "0200D431CB00710500000000", "false : false 203.0.113.5:54321 "},
		"bind":           {"syscall=49 success=yes exit=0", "02000050CB00710500000000", ""},
		"port 0":         {"syscall=42 success=yes exit=0", "02000000CB00710500000000", ""},
		"not permitted":  {"syscall=42 success=no exit=-13", "020001BBCB00710500000000", ""},
		"local":          {"syscall=42 success=yes exit=0", "01002F72756E2F7800", ""},
		"short":          {"syscall=42 success=yes exit=0", "020001BB", ""},
		"shorter":        {"syscall=42 success=yes exit=0", "02", ""},
		"of another one": {"syscall=42 success=yes exit=0", "FFFF01BBCB00710500000000", ""},
	} {
		got := read(t, rules, syscall(1, tt.call+" a0=1 a1=2 a2=3 a3=4 items=0 ppid=5 pid=6")+record(1, "SOCKADDR", "saddr="+tt.saddr)+record(1, "EOE", ""))
		text := ""
		for _, m := range got {
			source := "-"
			if m["SourceIp"] != "" {
				source = m["SourceIp"] + ":" + m["SourcePort"]
			}
			text += fmt.Sprintf("%s %s:%s %s %s %s", m["Initiated"], m["DestinationIp"], m["DestinationPort"], m["DestinationIsIpv6"], source, m["Protocol"])
		}
		if text != tt.want {
			t.Errorf("%s: got %q, want %q", name, text, tt.want)
		}
	}
}

func TestUserSpace(t *testing.T) {
	rules := using(t, "{product: linux, service: auditd}", "type", "acct", "addr", "res", "exe", "unit", "op", "auid", "audit_enabled", "old", "dev", "prom", "saddr_fam", "laddr", "lport", "path")
	for log, want := range map[string]string{
		record(1, "USER_AUTH", `pid=9 uid=0 auid=7 ses=1 msg='op=PAM:authentication grantors=? acct="al ice" exe="/usr/sbin/sshd" hostname=h addr=203.0.113.5 terminal=ssh res=failed'`): "acct=al ice addr=203.0.113.5 auid=7 exe=/usr/sbin/sshd op=PAM:authentication res=failed type=USER_AUTH",
		record(1, "SERVICE_STOP", `pid=1 uid=0 auid=4294967295 ses=4294967295 msg='unit=ufw comm="systemd" exe="/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'`):        "addr=? auid=4294967295 exe=/lib/systemd/systemd res=success type=SERVICE_STOP unit=ufw",
		record(1, "CONFIG_CHANGE", `op=set audit_enabled=0 old=1 auid=7 ses=1 res=1`):                                                                                                    "audit_enabled=0 auid=7 old=1 op=set res=1 type=CONFIG_CHANGE",
		record(1, "ANOM_PROMISCUOUS", `dev=eth0 prom=256 old_prom=0 auid=7 uid=0 gid=0 ses=1`):                                                                                           "auid=7 dev=eth0 prom=256 type=ANOM_PROMISCUOUS",
		syscall(1, "syscall=42 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=5 pid=6") + record(1, "SOCKADDR", "saddr=020001BBCB00710500000000") + record(1, "EOE", ""):            "auid=1000 exe=/usr/bin/x laddr=203.0.113.5 lport=443 saddr_fam=inet type=SYSCALL",
		syscall(1, "syscall=42 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=5 pid=6") + record(1, "SOCKADDR", "saddr=01002F72756E2F7800") + record(1, "EOE", ""):                  "auid=1000 exe=/usr/bin/x path=/run/x saddr_fam=local type=SYSCALL",
		syscall(1, "syscall=42 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=5 pid=6") + record(1, "SOCKADDR", "saddr=0100002F78007979") + record(1, "EOE", ""):                    "auid=1000 exe=/usr/bin/x path=/x saddr_fam=local type=SYSCALL",
		syscall(1, "syscall=42 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=5 pid=6") + record(1, "SOCKADDR", "saddr=280000000010000003000000") + record(1, "EOE", ""):            "auid=1000 exe=/usr/bin/x saddr_fam=vsock type=SYSCALL",
	} {
		got := read(t, rules, log)
		if len(got) != 1 {
			t.Errorf("%d events of %s", len(got), log)
			continue
		}
		delete(got[0], "kind")
		var list []string
		for name, value := range got[0] {
			list = append(list, name+"="+value)
		}
		slices.Sort(list)
		if diff := cmp.Diff(want, strings.Join(list, " ")); diff != "" {
			t.Error(diff)
		}
	}
}

// TestDocumented: the table of package doc has every field that there is.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	tax := For(nil)
	for kind := ProcessCreation; kind < kinds; kind++ {
		for name := range tax.Sources[kind].Fields {
			if !slices.Contains(absent(), name) && !strings.Contains(string(doc), name) {
				t.Errorf("%s is not in the table", name)
			}
		}
		if tax.Uses(kind) {
			t.Errorf("events of kind %d are made for no rule", kind)
		}
	}
	for name := range auditd() {
		if (name[0] != 'a' || name[1] > '9') && !strings.Contains(string(doc), name) {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func TestFill(t *testing.T) {
	rules := using(t, "{product: linux, category: file_event}", "TargetFilename")
	tax := For(rules)
	var ev event.Event
	if err := tax.Fill(&ev, &rules[0], map[string][]string{"TargetFilename": {"/a", "/b"}}); err != nil || ev.Source() != FileEvent {
		t.Errorf("%v, %d", err, ev.Source())
	}
	if err := tax.Fill(&ev, &rules[0], map[string][]string{"targetfilename": {"/a"}}); err == nil {
		t.Error("a field that is none was taken")
	}
	rules[0].Logsource.Product = "windows"
	if err := tax.Fill(&ev, &rules[0], nil); err == nil {
		t.Error("an event of Windows was made")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(syscall(1, "syscall=59 success=yes exit=0 a0=1 items=1 ppid=5 pid=6") + record(1, "EXECVE", `argc=3 a0="x" a1=612062 a2=""`)))
	f.Add([]byte(record(1, "USER_AUTH", `pid=9 msg='acct="a exe=x'`) + record(2, "1399", `msg=' msg='a=`)))
	f.Add([]byte(record(1, "SOCKADDR", "saddr=0A")))
	var rules []sigma.Rule
	for _, source := range []string{"service: auditd", "category: process_creation", "category: file_event", "category: file_delete", "category: network_connection"} {
		list, err := rulefile.Parse("t", []byte("title: t\nlogsource: {product: linux, "+source+"}\ndetection: {k: [anything], condition: k}\n"))
		if err != nil {
			f.Fatal(err)
		}
		rules = append(rules, list...)
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		for _, m := range read(t, rules, string(log)) {
			if m["kind"] == "" {
				t.Error("an event of no kind")
			}
		}
	})
}

func TestBlanks(t *testing.T) {
	line := strings.Repeat("a\x00\x01\x80\xff b", 3)
	for from := range len(line) {
		for to := from; to <= len(line); to++ {
			want := "\x00" + strings.ReplaceAll(line[from:to], "\x00", " ")
			if got := blanks([]byte("\x00"+line[from:to]), 1); string(got) != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
	}
}
