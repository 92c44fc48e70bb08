package ruleset

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/auditwatch"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

var rounds = flag.Int("rounds", 0, "rounds of TestCost; 5 give medians worth quoting, 0 is one of two kinds of work")

// TestCost measures what each profile costs the processes of a busy host: the time of what
// web servers and databases do all day, with the rules of each profile in turn, and how
// many records that made. docs/audit.md quotes it. By itself it sees that what no rule is
// about makes no record, and what one is about does.
func TestCost(t *testing.T) {
	if name := os.Getenv("SEAWALL_WORK"); name != "" {
		toil(t, name)
		return
	}
	f, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatal(err)
	}
	var records atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- conn.Receive(ctx, func(uint16, []byte) { records.Add(1) }) }()
	watches := auditwatch.New(control)
	defer func() {
		cancel()
		<-done
		if err := errors.Join(watches.Close(), conn.Close(), control.SetEnabled(false)); err != nil {
			t.Error(err)
		}
	}()
	detect, err := os.ReadFile("../detect/rules/detect.rules")
	if err != nil {
		t.Fatal(err)
	}
	profiles := []string{"off", Drift, Detect, CIS}
	type result struct {
		took    []time.Duration
		records int64
	}
	work := workload(t)
	if *rounds == 0 {
		work = []job{work[0], work[len(work)-1]}
	}
	results := map[string]map[string]*result{}
	for range max(*rounds, 1) {
		for _, profile := range profiles {
			set := Load(profile, string(detect), hostfs.Root{}, "")
			var names []string
			if profile != "off" {
				names = []string{"/etc/ssh/", "/etc/passwd", "/usr/lib/systemd/system/ssh.service", "/var/lib/dpkg/status"}
			}
			if _, err := watches.Set(names, set.Wires()...); err != nil {
				t.Fatal(err)
			}
			if err := control.SetEnabled(profile != "off"); err != nil {
				t.Fatal(err)
			}
			for _, w := range work {
				before := records.Load()
				// The audit daemon's own process is never audited.
				cmd := exec.Command("/proc/self/exe", "-test.run=^TestCost$")
				cmd.Env = append(os.Environ(), "SEAWALL_WORK="+w.name)
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%s: %v: %s", w.name, err, out)
				}
				var took time.Duration
				if _, err := fmt.Sscanf(string(out), "%d\n", &took); err != nil {
					t.Fatal(err)
				}
				<-time.After(100 * time.Millisecond) // the last records come
				if results[w.name] == nil {
					results[w.name] = map[string]*result{}
				}
				if results[w.name][profile] == nil {
					results[w.name][profile] = &result{}
				}
				r := results[w.name][profile]
				r.took, r.records = append(r.took, took), (records.Load()-before)/int64(w.n)
			}
		}
	}
	for _, w := range work {
		for _, profile := range profiles {
			r := results[w.name][profile]
			slices.Sort(r.took)
			t.Logf("%-24s %-7s %6.2f µs, %6.2f at best, %d records each", w.name, profile,
				float64(r.took[len(r.took)/2].Nanoseconds())/1000, float64(r.took[0].Nanoseconds())/1000, r.records)
		}
	}
	// Of a busy machine the records may come late, and count for what is next: detect's
	// are the only ones that there are of the two by itself, and come after drift.
	if n := results["open and close a file"][Drift].records; n != 0 {
		t.Errorf("%d records of a file that nobody watches", n)
	}
	late := results["start a program"][CIS].records
	if n := results["start a program"][Detect].records + late; n == 0 {
		t.Error("no record of a program that starts")
	}
}

// toil does one kind of work and prints what it cost each time.
func toil(t *testing.T, name string) {
	runtime.LockOSThread()
	for _, w := range workload(t) {
		if w.name != name {
			continue
		}
		start := spent(t)
		for range w.n {
			w.do()
		}
		fmt.Println(int64((spent(t) - start) / time.Duration(w.n)))
	}
}

// spent is the processor time of this thread and of the programs that it started: what
// else runs on the machine does not count.
func spent(t *testing.T) time.Duration {
	var ts unix.Timespec
	var children unix.Rusage
	if err := errors.Join(unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts), unix.Getrusage(unix.RUSAGE_CHILDREN, &children)); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano() + children.Utime.Nano() + children.Stime.Nano())
}

type job struct {
	name string
	n    int
	do   func()
}

// workload is what web servers and databases do.
func workload(t *testing.T) []job {
	dir, err := os.MkdirTemp("/var/tmp", "seawall-cost")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	page := filepath.Join(dir, "index.html")
	if err := os.WriteFile(page, make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	table, err := os.Create(filepath.Join(dir, "table"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	to := &unix.SockaddrInet4{Port: listener.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	buf := make([]byte, 4096)
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	return []job{
		{"open and close a file", 10000, func() {
			fd, err := unix.Open(page, unix.O_RDONLY, 0)
			must(err)
			unix.Close(fd)
		}},
		{"read 4 KiB of a table", 10000, func() { _, err := unix.Pread(int(table.Fd()), buf, 0); must(err) }},
		{"write 4 KiB to a table", 10000, func() { _, err := unix.Pwrite(int(table.Fd()), buf, 0); must(err) }},
		{"make and remove a file", 3000, func() {
			name := filepath.Join(dir, "temp")
			must(os.WriteFile(name, nil, 0o600))
			must(unix.Unlink(name))
		}},
		{"connect over TCP", 500, func() {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			must(err)
			must(unix.Connect(fd, to))
			unix.Close(fd)
		}},
		{"start a program", 60, func() { must(exec.Command("/bin/true").Run()) }},
	}
}
