package process

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"time"

	"seawall/pkg/audit"
)

// FuzzStat holds that a process is found whatever it calls itself, and that no text of
// /proc/PID/stat and status does harm.
func FuzzStat(f *testing.F) {
	f.Add("sh", uint32(10), uint32(1), uint64(500), "")
	f.Add("a) S 1 (b", uint32(1), uint32(0), uint64(0), "10 (x) S 1 2 3 4 5 6 7 8 9 1 1 1 1 1 1 1 1 1 1")
	f.Add("\xff\n", uint32(4194304), uint32(1<<31), uint64(1)<<60, "Uid:\t1\nNSpid:\t1\t2\nGid:")
	f.Fuzz(func(t *testing.T, comm string, pid, ppid uint32, ticks uint64, other string) {
		text := strconv.Itoa(int(pid)) + " (" + comm + ") R " + strconv.Itoa(int(ppid)) +
			" 1 1 -1 1 2097152 1 2 3 4 5 6 7 8 20 0 1 0 " + strconv.FormatUint(ticks, 10) + " 9 9\n"
		st, err := parseStat([]byte(text))
		if fits := ticks < 1<<63/uint64(time.Second/userHZ)-1; (err == nil) != fits && fits {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (st.pid != pid || st.ppid != ppid || st.ticks != ticks+1 || string(st.comm) != comm || !st.kernel) {
			t.Errorf("%q: %+v", text, st)
		}
		if _, err := parseStat([]byte(other)); err == nil && !strings.Contains(other, ")") {
			t.Errorf("%q was read", other)
		}
		table := New(Config{Offline: true})
		table.status(&Process{}, []byte(other))
	})
}

// FuzzTable feeds events made of any records; the table must keep its order.
func FuzzTable(f *testing.F) {
	seed := func(texts ...string) {
		var data []byte
		for _, text := range texts {
			typ := uint16(audit.TypeSyscall)
			if strings.HasPrefix(text, "argc") {
				typ = audit.TypeExecve
			}
			data = binary.LittleEndian.AppendUint16(data, typ)
			data = append(data, byte(len(text)))
			data = append(data, text...)
		}
		f.Add(data)
	}
	seed(`arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=10 uid=0 ses=1 comm="sh" exe="/bin/sh"`, `argc=1 a0="sh"`)
	seed(`arch=c000003e syscall=57 success=yes exit=11 ppid=1 pid=10`, `arch=c000003e syscall=231 success=no ppid=10 pid=11`,
		`arch=40000003 syscall=120 success=yes exit=4194304 a0=10000 ppid=10 pid=10`)
	f.Fuzz(func(t *testing.T, data []byte) {
		table := New(Config{Offline: true})
		table.maxLive, table.maxDead, table.maxText = 6, 4, 500
		now := boot
		a := audit.NewAssembler(0, func(e *audit.Event) {
			if p := table.Observe(e); p != nil {
				table.Steps(p)
				table.Lookup(p.PID, e.Time)
			}
			check(t, table)
		})
		for n := 0; len(data) >= 3; n++ {
			end := 3 + min(int(data[2]), len(data)-3)
			now = now.Add(time.Duration(data[2]) * time.Millisecond)
			lead := "audit(" + strconv.FormatInt(now.Unix(), 10) + "." + strconv.Itoa(1000 + now.Nanosecond()/1e6)[1:] + ":" + strconv.Itoa(n+int(data[0])%3) + "): "
			a.Push(binary.LittleEndian.Uint16(data), append([]byte(lead), data[3:end]...), now)
			data = data[end:]
		}
		a.Close()
	})
}
