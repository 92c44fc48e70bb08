package watch

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"seawall/agent/console"
	"seawall/agent/history"
	"seawall/agent/report"
	"seawall/agent/spool"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/auditwatch"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
	"seawall/pkg/redact"
	"seawall/pkg/text/texttest"
	"seawall/pkg/wire"
)

// detection is one with all that there is to show.
func detection(title, command string) wire.Record {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return wire.Record{Time: at, Detection: &finding.Detection{
		ID: "0a", Rule: "r", Title: title, Severity: finding.SeverityHigh, Techniques: []string{"T1059.004"}, Count: 3, First: at, Last: at,
		Group:   []string{"203.0.113.7"},
		Samples: []finding.Sample{{Time: at, Actor: finding.Actor{Text: "alice from 203.0.113.7 through sudo as root"}, Command: command, Target: "/etc/sudoers.d/x"}},
	}}
}

// reading is the spool as the program has it.
func reading() Spool {
	return Spool{Follow: history.Follow, Hint: history.Hint, Change: report.Change, Record: func(lane string, rec spool.Record) any {
		return history.NewRecord(lane, rec.Position, rec.Payload)
	}}
}

func encode(t *testing.T, r wire.Record) []byte {
	t.Helper()
	b, err := wire.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDetections: what, who, by which command and on what, in 80 columns, and nothing
// that could steer the terminal.
func TestDetections(t *testing.T) {
	t.Setenv("TZ", "UTC")
	long := strings.Repeat("word ", 60)
	for _, r := range []wire.Record{detection("Somebody may become root by a new file", "tee /etc/sudoers.d/x"), detection(long, long), detection(texttest.Evil, texttest.Evil)} {
		if r.Detection.Title == texttest.Evil {
			r.Detection.Title, r.Detection.Samples[0].Command = strings.ToValidUTF8(texttest.Evil, "?"), strings.ToValidUTF8(texttest.Evil, "?")
		}
		for _, format := range []string{"text", "json"} {
			var out strings.Builder
			p := program{&console.Console{Stdout: &out, Stderr: &out, Width: 80}, reading()}
			if err := p.record(history.Detections, spool.Record{Payload: encode(t, r)}, format); err != nil {
				t.Error(err)
			}
			texttest.Harmless(t, format, out.String())
			if format == "json" {
				var got history.Record
				if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got.Detection == nil || got.Detection.Count != 3 {
					t.Errorf("%v: %s", err, &out)
				}
				continue
			}
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && strings.Contains(line, "word") {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			if want := "by alice from 203.0.113.7 through sudo as root\n"; !strings.Contains(out.String(), below+want) || !strings.Contains(out.String(), below+"on /etc/sudoers.d/x\n"+below+"203.0.113.7\n") {
				t.Errorf("%s\nlacks %s", &out, want)
			}
		}
	}
}

// TestColour: on a terminal alone.
func TestColour(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out strings.Builder
		p := program{&console.Console{Stdout: &out, Stderr: &out, Terminal: terminal, Width: 80}, reading()}
		if err := p.record(history.Detections, spool.Record{Payload: encode(t, detection("t", "c"))}, "text"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "\x1b[31;1mhigh"); got != terminal {
			t.Errorf("terminal %v: %q", terminal, out.String())
		}
	}
}

const log = `type=SYSCALL msg=audit(1795289500.100:11): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=2 a2=441 a3=1b6 items=1 ppid=1 pid=77 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=4294967295 comm="tee" exe="/usr/bin/tee" key=(null)
type=CWD msg=audit(1795289500.100:11): cwd="/etc/sudoers.d"
type=PATH msg=audit(1795289500.100:11): item=0 name="x" inode=12 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL
type=PROCTITLE msg=audit(1795289500.100:11): proctitle=746565002D2D70617373776F72643D68756E74657232
type=EOE msg=audit(1795289500.100:11): 
type=SYSCALL msg=audit(1795289500.200:12): arch=c000003e syscall=42 success=no exit=-13 a0=3 a1=2 a2=10 a3=0 items=0 ppid=1 pid=78 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=1B5B324A exe=2F746D702F1B5B324A key=(null)
type=SOCKADDR msg=audit(1795289500.200:12): saddr=02000050CB0071070000000000000000
type=PROCTITLE msg=audit(1795289500.200:12): proctitle=1B5B324A
type=EOE msg=audit(1795289500.200:12): 
type=USER_CMD msg=audit(1795289500.300:13): pid=9 uid=0 auid=0 ses=3 msg='cwd="/" cmd=6C73202D2D746F6B656E3D68756E74657232 exe="/usr/bin/sudo" terminal=? res=success'
`

// events makes Events of a log.
func events(t *testing.T, text string, each func(*audit.Event)) {
	t.Helper()
	a := audit.NewAssembler(0, each)
	if _, err := auditlog.Read(strings.NewReader(text), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(1795289500, 0)) }); err != nil {
		t.Fatal(err)
	}
	a.Close()
}

func TestEvents(t *testing.T) {
	for _, tt := range []struct {
		v    view
		want []string
	}{
		{view{raw: true, format: "text"}, []string{
			"      11 root         openat      write /etc/sudoers.d/x (tee --passwo…\n",
			`      12 root         connect     EACCES 203.0.113.7:80 (\x1b[2J)` + "\n",
			"      13 root         USER_CMD    cwd=\"/\" cmd=\"ls --token=***\" exe=\"/u…\n",
		}},
		{view{changes: true, format: "text"}, []string{"  write       /etc/sudoers.d/x\n", below + "by root: tee --password=***\n"}},
		{view{raw: true, format: "json"}, []string{`"serial":11,"call":"openat"`, `"changes":[{"path":"/etc/sudoers.d/x","operation":"write"}]`, `"failed":"EACCES"`, `"address":"203.0.113.7:80"`, `"records":["SYSCALL","SOCKADDR","PROCTITLE"]`}},
	} {
		root, err := hostfs.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(root.Path("/etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root.Path("/etc/passwd"), []byte("root:x:0:0:::\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		p := program{&console.Console{Stdout: &out, Stderr: &out, Width: 80}, reading()}
		r := newReader(root, redact.New())
		events(t, log, func(e *audit.Event) {
			if err := p.event(r, e, tt.v); err != nil {
				t.Error(err)
			}
		})
		texttest.Harmless(t, tt.v.format, out.String())
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%+v\n%s\nlacks %s", tt.v, &out, want)
			}
		}
		if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "68756E74657232") {
			t.Errorf("a secret is shown:\n%s", &out)
		}
	}
}

// FuzzMessage: what a program told has no secret of its command, however it is told.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"'cwd=\"/\" cmd=6C73 exe=\"/usr/bin/sudo\" res=success'", "'op=PAM:authentication acct=\"root\"'", "", "'", "cmd=", "data=00ff", "cmd=zz cmd=41 ="} {
		f.Add(s)
	}
	r := &reader{hide: redact.New()}
	f.Fuzz(func(t *testing.T, s string) {
		r.message(s)
		const secret = "Zq9Zq9Zq9"
		told := "cmd=" + hex.EncodeToString([]byte("mysql --password="+secret+" -h db")) + " " + s
		if !strings.Contains(s, "Zq9") && strings.Contains(r.message(told), secret) {
			t.Errorf("%q shows it", told)
		}
	})
}

// locked is an output that several goroutines may write.
type locked struct {
	mu  sync.Mutex
	out strings.Builder
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

// TestListen: what somebody does to a file is shown as it happens, and the end is no
// error. A socket that only listens changes nothing for others.
func TestListen(t *testing.T) {
	f, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	watches := auditwatch.New(control)
	if err := control.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(watches.Close(), control.SetEnabled(false), control.Close()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := watches.Set([]string{dir + "/"}); err != nil {
		t.Fatal(err)
	}
	var out locked
	p := program{&console.Console{Stdout: &out, Stderr: &out, Width: 80}, reading()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.listen(ctx, view{changes: true, format: "text"}, redact.New()) }()
	name := filepath.Join(dir, "made")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !strings.Contains(out.String(), name); {
		select {
		case <-tick.C:
			if text, err := exec.Command("/bin/sh", "-c", fmt.Sprintf("echo 4242 >/proc/self/loginuid && exec sh -c 'rm -f %[1]s; echo x >%[1]s'", name)).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
		case <-end:
			t.Fatalf("nothing is shown of %s: %s", name, out.String())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := out.String(); !strings.Contains(got, "create") || !strings.Contains(got, "by user 4242 ") || !strings.Contains(got, "as root") {
		t.Error(got)
	}
}

// TestHint: who may not listen is told what would do.
func TestHint(t *testing.T) {
	for err, want := range map[error]string{kaudit.ErrPermission: "AUDIT_READ: sudo seawall watch --changes", kaudit.ErrNamespace: "run it on the host", kaudit.ErrUnsupported: "no audit support"} {
		if got := hint(fmt.Errorf("bind: %w", err), view{changes: true}); !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), "no permission") {
			t.Errorf("%v", got)
		}
	}
	if got := hint(kaudit.ErrPermission, view{raw: true}); !strings.HasSuffix(got.Error(), "sudo seawall watch --raw") {
		t.Error(got)
	}
}
