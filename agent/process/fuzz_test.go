package process

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
)

// FuzzTable feeds events made of any records; the table must keep its order.
func FuzzTable(f *testing.F) {
	seed := func(texts ...string) {
		var data []byte
		for _, text := range texts {
			typ := uint16(unix.AUDIT_SYSCALL)
			if strings.HasPrefix(text, "argc") {
				typ = unix.AUDIT_EXECVE
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
