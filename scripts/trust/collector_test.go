package trust

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"seawall/collector/authority"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/ingest"
	"seawall/collector/roster"
	"seawall/collector/roster/ledger"
	"seawall/collector/store"
	seawallv1 "seawall/proto/seawall/v1"
)

const (
	day      = 24 * time.Hour
	patience = 20 * time.Second // on a busy machine
)

// clock is the time of both sides.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// collector is a whole collector but for its dashboard, put together as the program
// does it.
type collector struct {
	t       *testing.T
	clock   *clock
	dir     string
	address string
	approve bool
	log     *slog.Logger

	store     *store.Store
	authority *authority.Authority
	roster    *roster.Roster
	enrolment *enrol.Service
	stop      func()

	mu     sync.Mutex
	asked  int    // how often it was asked to enrol
	before func() // called when it was asked and before it answers
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &collector{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, dir: t.TempDir(), address: l.Addr().String()}
	c.log = slog.New(slog.NewTextHandler(&testLog{t: t}, nil))
	t.Cleanup(func() { c.end() })
	l.Close()
	c.start()
	return c
}

// start starts it on its folder and address.
func (c *collector) start() {
	c.t.Helper()
	check := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	var err error
	c.store, err = store.Open(c.t.Context(), filepath.Join(c.dir, "collector.db"), store.Config{Now: c.clock.Now, Log: c.log})
	check(err)
	c.authority, err = authority.Open(c.dir, authority.Config{Now: c.clock.Now, Log: c.log})
	check(err)
	c.roster, err = roster.New(c.t.Context(), ledger.Ledger{Update: c.store.Update, Read: c.store.Read}, roster.Config{Verify: c.authority.VerifyHost, Now: c.clock.Now, Log: c.log})
	check(err)
	c.enrolment, err = enrol.New(c.t.Context(), enrol.Config{
		Authority: c.authority, Roster: c.roster, Update: c.store.Update, Approve: c.approve, Now: c.clock.Now, Log: c.log,
	})
	check(err)
	in, err := ingest.New(ingest.Config{
		Store: c.store, TLS: c.authority.Hosts(), Roster: c.roster, Bundle: c.authority.Bundle, Log: c.log,
		Services: []func(grpc.ServiceRegistrar){func(r grpc.ServiceRegistrar) {
			seawallv1.RegisterEnrolmentServiceServer(r, &watched{EnrolmentServiceServer: c.enrolment, collector: c})
		}},
	})
	check(err)
	l, err := net.Listen("tcp", c.address)
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return in.Serve(ctx, l) })
	members, ca := c.roster, c.authority
	g.Go(func() error {
		return members.Watch(ctx, func() <-chan struct{} {
			_, changed := ca.Bundle()
			return changed
		})
	})
	s := c.store
	c.stop = func() {
		cancel()
		if err := errors.Join(g.Wait(), s.Close()); err != nil {
			c.t.Error(err)
		}
	}
}

// end stops it.
func (c *collector) end() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// watched notes that enrolment was asked for, and lets a test come in between the
// work and the answer.
type watched struct {
	seawallv1.EnrolmentServiceServer
	collector *collector
}

func (w *watched) Enrol(ctx context.Context, r *seawallv1.EnrolRequest) (*seawallv1.EnrolResponse, error) {
	answer, err := w.EnrolmentServiceServer.Enrol(ctx, r)
	w.collector.mu.Lock()
	w.collector.asked++
	before := w.collector.before
	w.collector.mu.Unlock()
	if before != nil {
		before()
	}
	return answer, err
}

func (c *collector) enrolments() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// invite returns the text of a new token.
func (c *collector) invite(i enrol.Invitation) string {
	c.t.Helper()
	secret, _, err := c.enrolment.Invite(c.t.Context(), i)
	if err != nil {
		c.t.Fatal(err)
	}
	return secret.Text()
}

func (c *collector) member(host string) fleet.Member {
	c.t.Helper()
	m, ok := c.roster.Member(fleet.HostID(host))
	if !ok {
		c.t.Fatalf("%s is no member", host)
	}
	return m
}

// revoke ends a member for good.
func (c *collector) revoke(host string) {
	c.t.Helper()
	_, err := c.roster.Change(c.t.Context(), fleet.HostID(host), func(m *fleet.Member) error {
		m.Standing, m.Reason, m.Since = fleet.Revoked, "by a test", c.clock.Now()
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// backup copies the collector's folder while it is stopped, and restore puts the
// copy back.
func (c *collector) backup() (restore func()) {
	c.t.Helper()
	c.end()
	copied := filepath.Join(c.t.TempDir(), "backup")
	copyTree(c.t, c.dir, copied)
	c.start()
	return func() {
		c.t.Helper()
		c.end()
		if err := os.RemoveAll(c.dir); err != nil {
			c.t.Fatal(err)
		}
		copyTree(c.t, copied, c.dir)
		c.start()
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testLog is a log that a failing test shows, and that must not hold a secret.
type testLog struct {
	t  *testing.T
	mu sync.Mutex
	b  strings.Builder
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() == 0 {
		l.t.Cleanup(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.t.Failed() {
				l.t.Logf("%s", l.b.String())
			}
		})
	}
	return l.b.Write(b)
}

// wire is a connection's way from host to collector that a test can cut.
type wire struct {
	address string
	mu      sync.Mutex
	open    map[net.Conn]bool
}

// newWire listens for hosts and passes on to the collector.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: l.Addr().String(), open: map[net.Conn]bool{}}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			host, err := l.Accept()
			if err != nil {
				return
			}
			collector, err := net.Dial("tcp", to)
			if err != nil {
				host.Close()
				continue
			}
			w.mu.Lock()
			w.open[host], w.open[collector] = true, true
			w.mu.Unlock()
			for _, ends := range [][2]net.Conn{{host, collector}, {collector, host}} {
				g.Go(func() {
					io.Copy(ends[0], ends[1])
					host.Close()
					collector.Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.cut()
		g.Wait()
	})
	return w
}

// cut ends every connection at once.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.open {
		conn.Close()
		delete(w.open, conn)
	}
}
