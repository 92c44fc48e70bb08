package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/config"
	"seawall/agent/facts"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/agent/pending"
	"seawall/agent/standard"
	"seawall/pkg/fswatch"
)

// BenchmarkChange is what the sensor does when one group's file changed: read the
// group again, evaluate its checks, watch what they depend on. cpu-ms/op counts the
// programs that it starts, too.
func BenchmarkChange(b *testing.B) {
	held, err := standard.Load(facts.Facts{}, config.Config{Profile: "all"}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	env := fact.Env{Command: &command.Runner{}, Now: time.Now}
	host := watched(held, log, env, pending.Open(filepath.Join(b.TempDir(), "pending.json"), log))
	w, err := fswatch.New()
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	host.Look(b.Context())
	for _, g := range host.Groups {
		b.Run(g, func(b *testing.B) {
			start := spent(b)
			for b.Loop() {
				host.Look(b.Context(), g)
				if err := w.Set(host.Depends()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((spent(b)-start).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
		})
	}
	b.Run("affected", func(b *testing.B) {
		for b.Loop() {
			host.Affected("/etc/ssh/sshd_config")
		}
	})
}

// spent is the CPU time of this process and of those that it started.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
