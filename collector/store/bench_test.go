package store

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// BenchmarkApply commits changes of 8 hosts in batches of 100, as so many streams
// do, and reports findings per second.
func BenchmarkApply(b *testing.B) { benchApply(b, 8, 8, 100) }

// BenchmarkFleet has 256 of 8,000 hosts at a time deliver batches of few changes.
func BenchmarkFleet(b *testing.B) {
	for _, batch := range []int{10, 100} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) { benchApply(b, 8000, 256, batch) })
	}
}

func benchApply(b *testing.B, hosts, streams, batch int) {
	s, _ := openTest(b, Config{})
	err := s.Update(b.Context(), func(tx *membership.Tx) error {
		for n := range hosts {
			if err := tx.PutMember(fleet.Member{Host: hostID(n), Key: fleet.KeyHash{byte(n >> 8), byte(n)}, Standing: fleet.Active}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	batches := max(b.N/batch, hosts)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range streams {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < batches; n = int(next.Add(1)) - 1 {
				items := make([]fleet.Delivery, batch)
				for i := range items {
					items[i] = benchChange(uint64(n/hosts*batch+i+1), i)
					payload, err := wire.Encode(items[i].Record) // as ingest has it
					if err != nil {
						b.Error(err)
					}
					items[i].Payload = payload
				}
				if err := s.Apply(b.Context(), hostID(n%hosts), items, nil); err != nil {
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
	b.ReportMetric(float64(batches*batch)/b.Elapsed().Seconds(), "findings/s")
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
