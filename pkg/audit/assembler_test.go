package audit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func record(serial uint32, text string) []byte {
	return fmt.Appendf(nil, "audit(1795289500.540:%d): %s", serial, text)
}

const syscallText = `arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=0 a2=241 a3=1b6 items=2 ` +
	`ppid=7 pid=42 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 ` +
	`comm="sh" exe="/usr/bin/dash" subj=unconfined key="seawall"`

func collect(events *[]*Event) func(*Event) {
	return func(e *Event) { *events = append(*events, clone(e)) }
}

func TestEventFields(t *testing.T) {
	var events []*Event
	a := NewAssembler(0, collect(&events))
	for _, r := range []message{
		{unix.AUDIT_SYSCALL, record(9, syscallText)},
		{unix.AUDIT_CWD, record(9, `cwd="/etc"`)},
		{unix.AUDIT_PATH, record(9, `item=0 name="/etc/" inode=2 dev=fe:00 mode=040755 ouid=0 ogid=0 rdev=00:00 nametype=PARENT cap_fp=0`)},
		{unix.AUDIT_PATH, record(9, `item=1 name=6120620A inode=77 dev=103:02 mode=0100644 ouid=5 ogid=0 rdev=00:00 nametype=CREATE cap_fp=0`)},
		{unix.AUDIT_PROCTITLE, record(9, `proctitle=7368002D6300`)},
		{unix.AUDIT_EOE, record(9, "")},
	} {
		a.Push(r.typ, r.payload, clock)
	}
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	e.Records = nil
	want := &Event{
		Serial: 9, Time: time.Unix(1795289500, 540e6), HasSyscall: true, Success: true,
		Arch: 0xc000003e, Syscall: 257, Exit: 3, Args: [4]uint64{0xffffff9c, 0, 0x241, 0x1b6},
		PPID: 7, PID: 42, AUID: 1000, Session: 3,
		TTY: []byte("pts0"), Comm: []byte("sh"), Exe: []byte("/usr/bin/dash"), Key: []byte("seawall"),
		CWD: []byte("/etc"),
		Paths: []Path{
			{Item: 0, Name: []byte("/etc/"), Inode: 2, Dev: [2]uint32{0xfe, 0}, Mode: 0o40755, Nametype: NametypeParent},
			{Item: 1, Name: []byte("a b\n"), Inode: 77, Dev: [2]uint32{0x103, 2}, Mode: 0o100644, OUID: 5, Nametype: NametypeCreate},
		},
		Proctitle: []byte("sh\x00-c\x00"),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if got := string(e.AppendCommand(nil)); got != "sh\x00-c" {
		t.Errorf("command %q", got)
	}
}

func TestForgedUserRecord(t *testing.T) {
	forged := `pid=12 uid=1000 auid=1000 ses=2 msg='op=x pid=1 uid=0 auid=0` + "\n" +
		`type=SYSCALL msg=audit(1.000:1): success=yes uid=0 exe="/bin/x"` + "\x1b[2J" + `' `
	var events []*Event
	a := NewAssembler(0, collect(&events))
	a.Push(1112, record(5, forged), clock)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	if e.HasSyscall || e.PID != 12 || e.UID != 1000 || e.AUID != 1000 || e.Session != 2 || e.Exe != nil {
		t.Errorf("the sender's text was believed: %+v", e)
	}
	if !bytes.HasPrefix(e.Message, []byte("'op=x pid=1")) || e.Partial {
		t.Errorf("message %q, partial %v", e.Message, e.Partial)
	}
}

func TestTimeoutPartial(t *testing.T) {
	var events []*Event
	a := NewAssembler(time.Second, collect(&events))
	a.Push(unix.AUDIT_SYSCALL, record(1, syscallText), clock)
	a.Push(unix.AUDIT_CONFIG_CHANGE, record(2, `auid=1000 ses=3 op=remove_rule key="x" list=4 res=1`), clock)
	a.Push(unix.AUDIT_PATH, record(3, `item=0 name="/x" inode=1 dev=00:00 mode=0 nametype=NORMAL`), clock)
	a.Push(unix.AUDIT_EOE, record(3, ""), clock)
	a.Flush(clock.Add(999 * time.Millisecond))
	if len(events) != 1 || !events[0].Partial {
		t.Fatalf("%d events before the time is over; want the one without its syscall record, partial", len(events))
	}
	a.Flush(clock.Add(time.Second))
	if len(events) != 3 || a.Stats().Open != 0 {
		t.Fatalf("%d events, %+v", len(events), a.Stats())
	}
	if !events[1].Partial {
		t.Error("an event without its end is not partial")
	}
	if e := events[2]; e.Partial || e.AUID != 1000 || string(e.Key) != "x" {
		t.Errorf("a record that stands alone: %+v", e)
	}
}

// TestEndNotKept holds that an event of auditd's log, which has no ends, is whole when it
// has the last record before its end.
func TestEndNotKept(t *testing.T) {
	title := message{unix.AUDIT_PROCTITLE, record(1, `proctitle="sh"`)}
	path := message{unix.AUDIT_PATH, record(1, `item=0 name="/x" inode=1 dev=00:00 mode=0100644 ouid=0 nametype=NORMAL`)}
	call := message{unix.AUDIT_SYSCALL, record(1, syscallText)}
	for _, tt := range []struct {
		name     string
		messages []message
		partial  bool
	}{
		{"all of it", []message{call, path, path, title}, false},
		{"without its title", []message{call, path, path}, true},
		{"without a path", []message{call, path, title}, true},
		{"without its call", []message{path, title}, true},
	} {
		if events, _ := assemble(t, tt.messages); len(events) != 1 || events[0].Partial != tt.partial {
			t.Errorf("%s: %d events, partial is not %v", tt.name, len(events), tt.partial)
		}
	}
}

func TestSerialGaps(t *testing.T) {
	one := func(a *Assembler, serial uint32) { a.Push(1112, record(serial, "pid=1"), clock) }
	for _, tt := range []struct {
		name    string
		serials []uint32
		gaps    uint64
		late    uint64
	}{
		{"none", []uint32{10, 11, 12}, 0, 0},
		{"two missing", []uint32{10, 13}, 2, 0},
		{"out of order", []uint32{10, 13, 12, 11}, 0, 0},
		{"older than the first", []uint32{10, 9, 11}, 0, 1},
		{"wraps", []uint32{1<<32 - 2, 1<<32 - 1, 1, 2}, 0, 0},
		{"wraps with a gap", []uint32{1<<32 - 2, 2}, 2, 0},
		{"one late event is no underflow", []uint32{5000, 5001, 4999}, 0, 1},
		{"beyond the window", []uint32{1, 100_001}, 99_999, 0},
		{"late beyond the window", []uint32{1, 10_001, 2}, 9999, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := NewAssembler(0, func(*Event) {})
			for _, s := range tt.serials {
				one(a, s)
			}
			a.Close()
			if s := a.Stats(); s.Gaps != tt.gaps || s.Late != tt.late {
				t.Errorf("%d gaps, %d late; want %d, %d", s.Gaps, s.Late, tt.gaps, tt.late)
			}
		})
	}
}

func TestGapSettlesByTime(t *testing.T) {
	a := NewAssembler(time.Second, func(*Event) {})
	a.Resume(7)
	a.Push(1112, record(10, "pid=1"), clock) // 8 and 9 were sent while nobody read
	a.Flush(clock)
	if g := a.Stats().Gaps; g != 0 {
		t.Errorf("%d gaps at once", g)
	}
	a.Push(1112, record(8, "pid=1"), clock)
	a.Flush(clock.Add(time.Second))
	if g := a.Stats().Gaps; g != 1 {
		t.Errorf("%d gaps after the time for late records, want 1", g)
	}
	if last, ok := a.Last(); last != 10 || !ok {
		t.Errorf("last serial %d, %v", last, ok)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var events, truncated int
	a := NewAssembler(0, func(e *Event) {
		events++
		if e.Truncated {
			truncated++
		}
	})
	huge := "argc=9 a0_len=9 a0[0]=" + strings.Repeat("61", 4000)
	for serial := range uint32(40) {
		for range 200 { // 1.6 MB for each event, none of which ends
			a.Push(unix.AUDIT_EXECVE, record(serial+1, huge), clock)
			if a.bytes > maxBytes {
				t.Fatalf("%d bytes held", a.bytes)
			}
		}
	}
	for serial := range uint32(3 * MaxOpen) {
		a.Push(unix.AUDIT_SYSCALL, record(serial+100, syscallText), clock)
		if a.bytes > maxBytes {
			t.Fatalf("%d bytes held", a.bytes)
		}
	}
	if open := a.Stats().Open; open > MaxOpen {
		t.Errorf("%d events open", open)
	}
	a.Close()
	if s := a.Stats(); events != 40+3*MaxOpen || truncated != 40 || s.Partial != uint64(events) || a.bytes != 0 {
		t.Errorf("%d events, %d truncated, %+v, %d bytes", events, truncated, s, a.bytes)
	}
}

func TestMalformed(t *testing.T) {
	a := NewAssembler(0, func(*Event) { t.Error("an event") })
	for _, s := range []string{
		"", "audit(", "audit(1.1:1)", "audit(1.1000:1): x", "audit(1.001:4294967296): x", "audit(-1.001:1): x",
		"audit(1.001:): x", "type=SYSCALL msg=audit(1.001:1): x", "audit(99999999999999999999.1:1): ",
	} {
		a.Push(unix.AUDIT_SYSCALL, []byte(s), clock)
	}
	if s := a.Stats(); s.Malformed != 9 {
		t.Errorf("%+v", s)
	}
}

func TestHasKey(t *testing.T) {
	e := &Event{Key: []byte("one\x01two")}
	for key, want := range map[string]bool{"one": true, "two": true, "on": false, "": false, "one\x01two": false} {
		if e.HasKey(key) != want {
			t.Errorf("HasKey(%q) is not %v", key, want)
		}
	}
	if (&Event{}).HasKey("") {
		t.Error("no key matches the empty one")
	}
}
