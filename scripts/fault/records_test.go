package fault

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/pkg/audit"
)

// oddRecords feeds the assembler of audit events.
func oddRecords(t *testing.T) string {
	var events, partial, whole int
	a := audit.NewAssembler(2*time.Second, func(e *audit.Event) {
		events++
		if e.Partial || e.Truncated {
			partial++
		}
		if e.Argc == 300 && len(e.Argv) == 300 {
			whole++
		}
	})
	now := time.Now()
	push := func(typ uint16, serial int, text string) {
		now = now.Add(10 * time.Microsecond)
		a.Push(typ, []byte(fmt.Sprintf("audit(1795289500.540:%d): %s", serial, text)), now)
	}
	const syscallRecord, execve, path, end = 1300, 1309, 1302, 1320
	// Arguments in many records.
	push(syscallRecord, 1, "arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=1 pid=2 auid=1000 uid=0")
	for n := 0; n < 300; n += 20 {
		text := ""
		if n == 0 {
			text = "argc=300 "
		}
		for i := n; i < n+20; i++ {
			text += fmt.Sprintf("a%d=\"x\" ", i)
		}
		push(execve, 1, text)
	}
	push(end, 1, "")
	// One argument in pieces, larger than a message.
	push(syscallRecord, 2, "arch=c000003e syscall=59 success=yes")
	for n := range 40 {
		push(execve, 2, fmt.Sprintf("argc=1 a0_len=320000 a0[%d]=%s", n, strings.Repeat("41", 4000)))
	}
	push(end, 2, "")
	// Out of order and interleaved, without an end, 20,000 of them.
	for n := range 20_000 {
		push(path, 10+n^1, `item=0 name="/etc/passwd" inode=1 nametype=NORMAL`)
		push(syscallRecord, 10+n, "arch=c000003e syscall=257 success=yes")
	}
	open := a.Stats().Open
	// Noise of every length.
	for n := range 9000 {
		b := make([]byte, n%9000)
		endless{}.Read(b)
		a.Push(uint16(n), b, now)
		push(syscallRecord, 100_000+n, hex.EncodeToString(b[:min(len(b), 200)]))
	}
	a.Flush(now.Add(time.Minute))
	stats := a.Stats()
	if whole != 1 {
		t.Errorf("%d events with 300 arguments, want 1", whole)
	}
	if open > audit.MaxOpen || stats.Open != 0 {
		t.Errorf("%d events open, %d after the time for them", open, stats.Open)
	}
	return fmt.Sprintf("%d records, %d events, %d partial, %d malformed, at most %d open", stats.Records, events, partial, stats.Malformed, open)
}
