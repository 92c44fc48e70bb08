package auditbench

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
)

// record is one message of the kernel.
type record struct {
	typ     uint16
	payload []byte
}

// openRecords are the records of so many events as generate makes them.
func openRecords(events int) []record {
	var list []record
	for i := range events {
		head := fmt.Sprintf("audit(1795289500.%03d:%d): ", i%1000, i+1)
		name := fileName("/tmp/auditbench1234567890", i%files)
		for _, r := range []record{
			{unix.AUDIT_SYSCALL, []byte(`arch=c000003e syscall=257 success=yes exit=7 a0=ffffffffffffff9c a1=c0000140a8 a2=80001 a3=0 items=1 ppid=811 pid=9021 auid=4294967295 uid=5 gid=0 euid=5 suid=5 fsuid=5 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="exe" exe="/tmp/go-build4149/b001/auditbench.test" key="auditbench"`)},
			{unix.AUDIT_CWD, []byte(`cwd="/home/builder/seawall/scripts/auditbench"`)},
			{unix.AUDIT_PATH, []byte(`item=0 name="` + name + `" inode=1835025 dev=fe:00 mode=0100666 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0`)},
			{unix.AUDIT_PROCTITLE, []byte("proctitle=2F70726F632F73656C662F657865002F746D702F617564697462656E6368310033303030300030")},
			{unix.AUDIT_EOE, nil},
		} {
			list = append(list, record{r.typ, append([]byte(head), r.payload...)})
		}
	}
	return list
}

// BenchmarkPipeline is what an event costs behind the receiving of its five records: the
// parsing alone, and with so many detections.
func BenchmarkPipeline(b *testing.B) {
	const events = 4096
	records := openRecords(events)
	run := func(b *testing.B, handle func(*audit.Event)) {
		a := audit.NewAssembler(0, handle)
		b.ReportAllocs()
		b.ResetTimer()
		before, err := cpuTime(0)
		if err != nil {
			b.Fatal(err)
		}
		now, n := time.Unix(1795289500, 0), 0
		for b.Loop() {
			for range 5 {
				a.Push(records[n].typ, records[n].payload, now)
				n = (n + 1) % len(records)
			}
		}
		after, _ := cpuTime(0)
		b.ReportMetric(float64(after-before)/float64(b.N), "cpu-ns/event")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("parse", func(b *testing.B) { run(b, func(*audit.Event) {}) })
	for _, rules := range []int{100, 500} {
		b.Run(fmt.Sprintf("detections=%d", rules), func(b *testing.B) {
			guard, err := newSentry(rules, b.TempDir(), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			run(b, guard.Observe)
		})
	}
}
