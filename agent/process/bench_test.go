package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
)

// busy is a table with n processes that events told of, and the events of something that
// each does.
func busy(tb testing.TB, n int) (*Table, []*audit.Event) {
	tb.Helper()
	table := New(Config{Offline: true})
	events := make([]*audit.Event, n)
	for i := range n {
		pid, exe := uint32(2+i), fmt.Sprintf("/usr/bin/program-%d", i%200)
		e := execve(1000+i/10, pid, max(1, pid/2), exe, exe, "--option", fmt.Sprint("/some/file/that/it/reads/", i))
		e.AUID, e.Session, e.TTY = 1000, uint32(i%50), []byte("pts0")
		table.Observe(e)
		again := *e
		again.Syscall, again.Argc, again.Argv = 257, 0, nil
		again.Proctitle = []byte(exe)
		events[i] = &again
	}
	return table, events
}

// cpu reports what each of n things cost of a processor, which others share.
func cpu(b *testing.B, unit string, n float64) func() {
	used := func() int64 {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return r.Utime.Nano() + r.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N)/n, "cpu-ns/"+unit) }
}

// BenchmarkObserve is the cost of an event without a read of /proc. The target is 1 µs,
// and no allocation where the event tells nothing new.
func BenchmarkObserve(b *testing.B) {
	b.Run("nothing-new", func(b *testing.B) {
		table, events := busy(b, 10_000)
		b.ReportAllocs()
		defer cpu(b, "event", 1)()
		n := 0
		for b.Loop() {
			table.Observe(events[n%len(events)])
			n++
		}
	})
	b.Run("execve-of-new", func(b *testing.B) {
		table, _ := busy(b, 10_000)
		e := execve(5000, 1, 1, "/usr/bin/program-1", "program", "--option", "x")
		b.ReportAllocs()
		defer cpu(b, "event", 1)()
		n := uint32(20_000)
		for b.Loop() {
			n++
			e.PID, e.PPID, e.Serial = n, n%10_000+2, e.Serial+1
			table.Observe(e)
		}
	})
	b.Run("fork-and-exit", func(b *testing.B) {
		table, events := busy(b, 10_000)
		fork, end := *events[0], *events[0]
		table.Lookup(fork.PID, time.Time{}).namespace = nsFirst
		fork.Syscall, end.Syscall = 57, 231
		b.ReportAllocs()
		defer cpu(b, "event", 1)()
		n := 0
		for b.Loop() {
			n++
			fork.Exit = int64(20_000 + n%1_000_000)
			fork.Time = fork.Time.Add(time.Millisecond)
			table.Observe(&fork)
			end.PID, end.PPID, end.Time = uint32(fork.Exit), fork.PID, fork.Time
			table.Observe(&end)
		}
	})
}

// BenchmarkScan reads a /proc of 10,000 processes.
func BenchmarkScan(b *testing.B) {
	dir, err := os.MkdirTemp("/dev/shm", "seawall")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	tr := treeIn(b, dir)
	for i := range uint32(10_000) {
		tr.process(i+2, max(1, i/2), int(i), "program")
		tr.write(fmt.Sprintf("%d/cmdline", i+2), "/usr/bin/program\x00--option\x00value")
		tr.write(fmt.Sprintf("%d/loginuid", i+2), "1000")
		tr.write(fmt.Sprintf("%d/sessionid", i+2), "3")
	}
	defer cpu(b, "process", 10_000)()
	for b.Loop() {
		table := tr.table()
		if err := table.Scan(); err != nil || table.Stats().Live != 10_001 {
			b.Fatal(err, table.Stats())
		}
	}
}

// TestMemory holds what doc.go says of the memory of 10,000 processes, of which each has
// arguments of its own.
func TestMemory(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	table, events := busy(t, 10_000)
	clear(events)
	held := heap() - before
	t.Logf("%d bytes for 10,000 processes, %d of text", held, table.Stats().Text)
	if held > 6<<20 {
		t.Errorf("10,000 processes take %d bytes", held)
	}
	runtime.KeepAlive(table)
}

// TestNoAllocations holds the benchmark's second target.
func TestNoAllocations(t *testing.T) {
	table, events := busy(t, 1000)
	n := testing.AllocsPerRun(5, func() {
		for _, e := range events {
			table.Observe(e)
			table.Lookup(e.PID, e.Time)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

// BenchmarkScanLive reads the machine's own /proc.
func BenchmarkScanLive(b *testing.B) {
	all, _ := os.ReadDir("/proc")
	n := 0
	for _, e := range all {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			n++
		}
	}
	defer cpu(b, "process", float64(n))()
	for b.Loop() {
		table := New(Config{})
		if err := table.Scan(); err != nil {
			b.Fatal(err)
		}
	}
}
