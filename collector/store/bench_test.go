package store

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// BenchmarkApply commits changes of 8 hosts in batches of 100, as so many streams
// do, and reports findings per second.
func BenchmarkApply(b *testing.B) {
	const streams, batch = 8, 100
	s, _ := openTest(b, Config{})
	rounds := max(b.N/(streams*batch), 1)
	for n := range streams {
		enrol(b, s, hostID(n))
	}
	var wg sync.WaitGroup
	b.ResetTimer()
	for n := range streams {
		wg.Go(func() {
			id := hostID(n)
			for r := range rounds {
				items := make([]fleet.Delivery, batch)
				for i := range items {
					items[i] = benchChange(uint64(r*batch+i+1), i)
				}
				if err := s.Apply(b.Context(), id, items, nil); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(rounds*streams*batch)/b.Elapsed().Seconds(), "findings/s")
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MB-heap")
}

func benchChange(seq uint64, i int) fleet.Delivery {
	return fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: seq, Record: wire.Record{
		Time: time.Unix(1_800_000_000, int64(seq)),
		Change: &finding.Change{
			Previous: finding.Status(seq%2 + 1),
			Result: finding.Result{
				Check: fmt.Sprintf("ssh-check-%d", i%200), Status: finding.Status((seq/200)%2 + 1), Severity: finding.SeverityHigh,
				Actual: "yes", Expected: "no", Time: time.Unix(1_800_000_000, int64(seq)),
				Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config.d/50-cloud.conf", Line: 3, Text: "PasswordAuthentication yes"}},
				Cause: &finding.Cause{Serial: seq, AUID: 1000, LoginUser: "alice", Exe: "/usr/bin/vim.basic",
					Command: "vim /etc/ssh/sshd_config.d/50-cloud.conf", Path: "/etc/ssh/sshd_config.d/50-cloud.conf", Operation: "write"},
			},
		},
	}}
}
