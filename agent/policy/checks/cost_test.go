package checks

import (
	"runtime"
	"testing"
	"time"

	"seawall/agent/facts"
)

// TestCost: what one run of all checks takes of memory, which is exact where time is
// not: its garbage, and what stays for the next run. BenchmarkFirst has the time.
func TestCost(t *testing.T) {
	const garbage, stays = 48 << 20, 12 << 20
	f := good()
	var before, after, settled runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p, err := Load(facts.Facts{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	results := p.Evaluate(f, time.Time{})
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.ReadMemStats(&settled)
	made, kept := after.TotalAlloc-before.TotalAlloc, int64(settled.HeapAlloc)-int64(before.HeapAlloc)
	t.Logf("%d checks, %d results: %d kB in all, %d kB stay", len(p.Checks()), len(results), made>>10, kept>>10)
	if made > garbage || kept > stays {
		t.Errorf("%d bytes in all, %d stay; want at most %d and %d", made, kept, garbage, stays)
	}
	runtime.KeepAlive(p)
}
