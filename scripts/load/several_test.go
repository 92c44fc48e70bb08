package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"seawall/scripts/load/collector"
	"seawall/scripts/load/host"
	"seawall/scripts/load/sample"
	"seawall/scripts/pgtest"
)

// several is how many hosts TestSeveral has; SEVERAL_HOSTS says otherwise.
const several = 300

// soon is within how long hosts are back after a collector or a primary is gone.
const soon = 30 * time.Second

// TestSeveral has hosts deliver to two collectors on one PostgreSQL with a synchronous
// standby, through what spreads connections over both. One collector is killed, and
// later the primary, whose standby is promoted: the hosts are back soon, and everything
// is there once.
func TestSeveral(t *testing.T) {
	hosts := several
	if n, err := strconv.Atoi(os.Getenv("SEVERAL_HOSTS")); err == nil {
		hosts = n
	}
	if err := collector.Files(uint64(8*hosts + 2000)); err != nil {
		t.Fatal(err)
	}
	primary := pgtest.Start(t)
	primary.Execute("postgres", "CREATE DATABASE seawall")
	standby := primary.Standby()
	primary.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Execute("postgres", "SELECT pg_reload_conf()")
	f, two := twoCollectors(t, hosts, pgtest.Both(primary, standby, "seawall"))
	if err := f.ready(t.Context(), testWriter{t}); err != nil {
		t.Fatal(err)
	}
	shares := two.open()
	t.Logf("streams at the collectors: %v", shares)
	if shares[0] < hosts/3 || shares[1] < hosts/3 {
		t.Errorf("the hosts are not spread: %v", shares)
	}
	making, stop := context.WithCancel(t.Context())
	made := make(chan struct{})
	go func() {
		defer close(made)
		find(making, f.hosts, 500)
	}()
	comeBack(t, f, "a collector was killed", shares[0], func() {
		if err := f.collector.End(sigkill); err != nil {
			t.Error(err)
		}
	})
	if err := f.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	comeBack(t, f, "the primary was killed", 0, func() {
		primary.Down()
		standby.Promote()
		// With a standby that is no more, nothing would be durable in its sense.
		standby.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
		standby.Execute("postgres", "SELECT pg_reload_conf()")
	})
	stop()
	<-made
	if err := f.drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	findings, err := f.verify(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d findings of %d hosts, each once in the database; %d records were sent twice", findings, hosts, f.tally.Repeated.Load())
	f.rest()
}

// comeBack does harm while hosts find things and waits until all hosts are connected, those that it parted
// among them, and something that was found after it is acknowledged.
func comeBack(t *testing.T, f *fleet, what string, parted int, harm func()) {
	t.Helper()
	busy := f.tally.Acked.Load() + 1000
	if err := f.await(t.Context(), "hosts find things", time.Minute, func() bool { return f.tally.Acked.Load() > busy }); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	harm()
	done := time.Since(began)
	acked := f.tally.Acked.Load()
	err := f.await(t.Context(), what, 2*time.Minute, func() bool {
		_, welcomes := f.tally.Since(began)
		return f.complete() && len(welcomes) >= parted && f.tally.Acked.Load() > acked
	})
	if err != nil {
		t.Fatal(err)
	}
	back := time.Since(began)
	_, welcomes := f.tally.Since(began)
	t.Logf("%s (that took %.1f s): %d streams began anew, half of them within %.1f s, all %d hosts there after %.1f s; ended: %s",
		what, done.Seconds(), len(welcomes), quantile(append(welcomes, 0), .5).Seconds(), len(f.hosts), back.Seconds(), told(f.tally.Ends()))
	if back > soon {
		t.Errorf("%s: hosts are back after %v, want %v", what, back, soon)
	}
}

// twoCollectors starts two collectors on a database, and a fleet that reaches both.
func twoCollectors(t *testing.T, hosts int, store string, args ...string) (*fleet, *spread) {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "seawall-collector")
	if err := build(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	var both [2]*collector.Collector
	for i := range both {
		both[i] = &collector.Collector{Program: program, Folder: filepath.Join(folder, strconv.Itoa(i)), Store: store,
			Args: append([]string{"--seal-key", filepath.Join(folder, "seal.key")}, args...)}
		if err := os.MkdirAll(both[i].Folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := both[i].Start(t.Context()); err != nil {
			log, _ := os.ReadFile(filepath.Join(both[i].Folder, "collector.log"))
			t.Fatalf("%v\n%s", err, log)
		}
		t.Cleanup(func() {
			_ = both[i].End(sigkill)
			if log, err := os.ReadFile(filepath.Join(both[i].Folder, "collector.log")); err == nil && t.Failed() {
				t.Logf("the end of collector %d's log:\n%s", i, log[max(0, len(log)-3000):])
			}
		})
	}
	two := &spread{to: []string{both[0].Address, both[1].Address}, conns: make([]int, 2)}
	made := time.Now().Truncate(time.Second)
	set, err := sample.New(made)
	if err != nil {
		t.Fatal(err)
	}
	return &fleet{opt: options{hosts: hosts, atOnce: 100, batch: 50, folder: folder}, collector: both[0], address: two.listen(t),
		set: set, tally: new(host.Tally), made: made}, two
}

// spread hands each connection on to the collector with the fewest that answers. It
// keeps the host's address, as a load balancer can: collectors have limits for each.
type spread struct {
	to []string

	mu    sync.Mutex
	conns []int // guarded by mu; open ones
}

// listen takes connections until the test ends.
func (s *spread) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.pass(ctx, conn) })
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// open returns how many connections each collector has.
func (s *spread) open() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.conns...)
}

func (s *spread) add(at, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[at] += n
}

func (s *spread) pass(ctx context.Context, from net.Conn) {
	defer from.Close()
	to, at := s.dial(from)
	if to == nil {
		return
	}
	defer s.add(at, -1)
	defer to.Close()
	defer context.AfterFunc(ctx, func() {
		from.Close()
		to.Close()
	})()
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		wg.Go(func() {
			_, _ = io.Copy(way[1], way[0]) // either end may go
			from.Close()
			to.Close()
		})
	}
	wg.Wait()
}

func (s *spread) dial(from net.Conn) (net.Conn, int) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.RemoteAddr().(*net.TCPAddr).IP}, Timeout: 5 * time.Second}
	open := s.open()
	first := 0
	if open[1] < open[0] {
		first = 1
	}
	for _, at := range []int{first, 1 - first} {
		s.add(at, 1)
		if to, err := d.Dial("tcp", s.to[at]); err == nil {
			return to, at
		}
		s.add(at, -1)
	}
	return nil, 0
}

// testWriter writes to a test's log.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}
