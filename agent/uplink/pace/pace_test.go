package pace

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCredit(100)
		var mu sync.Mutex
		var order []string // guarded by mu
		went := func() string {
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(order, ", ")
		}
		take := func(name string, n int) {
			if err := c.Take(t.Context(), n); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
		}
		take("more than all", 150) // nothing is in flight
		go take("large", 90)
		synctest.Wait()
		go take("small", 1) // waits its turn
		synctest.Wait()
		c.Give(100)
		synctest.Wait()
		if got := went(); got != "more than all" {
			t.Errorf("with 50 in flight went %s", got)
		}
		c.Set(141)
		synctest.Wait()
		if got := went(); got != "more than all, large, small" {
			t.Errorf("with more credit went %s", got)
		}
		c.Set(10) // what is in flight stays so
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Take(ctx, 1) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("take ends with %v", err)
		}
		c.Give(141)
		take("the last", 10)
		if c.InFlight() != 10 || c.Bound() != 10 {
			t.Errorf("%d in flight of %d", c.InFlight(), c.Bound())
		}
	})
}

// TestSpread simulates 10,000 hosts that lose their collector at once, and holds
// the times at which they come back to a uniform distribution: Kolmogorov-Smirnov
// over the pauses at the cap, chi-square over the seconds of a minute.
func TestSpread(t *testing.T) {
	const hosts = 10_000
	last := make([]float64, 0, hosts)
	var seconds [60]int
	for range hosts {
		b := NewBackoff()
		for range 12 { // until the cap has been reached
			b.Next(time.Minute)
		}
		pause := b.Next(time.Minute).Seconds()
		if pause < 0 || pause >= 60 {
			t.Fatalf("pause of %v s", pause)
		}
		last = append(last, pause/60)
		seconds[int(pause)]++
	}
	slices.Sort(last)
	distance := 0.0
	for i, x := range last {
		distance = max(distance, math.Abs(x-float64(i)/hosts), math.Abs(x-float64(i+1)/hosts))
	}
	// Critical values for one in a million: sqrt(ln(2e6)/2n), and 59 degrees of freedom.
	if limit := math.Sqrt(math.Log(2e6) / (2 * hosts)); distance > limit {
		t.Errorf("distance %.4f from uniform, limit %.4f", distance, limit)
	}
	chi := 0.0
	for _, n := range seconds {
		chi += (float64(n) - hosts/60.0) * (float64(n) - hosts/60.0) / (hosts / 60.0)
	}
	if chi > 124 {
		t.Errorf("chi-square %.1f over 60 seconds, limit 124", chi)
	}
}

// TestCrowded comes apart after the door was shut, however soon that was.
func TestCrowded(t *testing.T) {
	b := NewBackoff()
	b.Random = func(limit time.Duration) time.Duration { return limit }
	for n, want := range []time.Duration{Base << 6, Base << 7, Base << 8, time.Minute} {
		if d := b.Crowded(time.Minute); d != want {
			t.Errorf("pause %d is %v at most, want %v", n, d, want)
		}
	}
	for range 40 {
		if d := b.Crowded(time.Minute); d > time.Minute {
			t.Fatalf("pause %v at most", d)
		}
	}
	if d := b.Crowded(time.Second); d != Crowd {
		t.Errorf("pause %v at most where the usual limit is a second", d)
	}
	b.Reset()
	if d := b.Next(time.Minute); d != Base {
		t.Errorf("pause %v at most after a reset", d)
	}
}

// TestDoor tells a door that was shut from one that is not there, from a peer that
// spoke, and from one that is still silent.
func TestDoor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	serve := func(do func(net.Conn)) {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		do(c)
		c.Close()
	}
	var dialer net.Dialer
	d := Door{Dial: func(ctx context.Context, a string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", a) }}
	for name, c := range map[string]struct {
		do   func(net.Conn)
		shut bool
	}{
		"closed":          {func(net.Conn) {}, true},
		"reset":           {func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, true},
		"spoke, then end": {func(c net.Conn) { c.Write([]byte("x")) }, false},
	} {
		go serve(c.do)
		conn, err := d.Open(t.Context(), address)
		if err == nil { // else it was reset already
			if d.Shut() {
				t.Errorf("%s: shut before anything was read", name)
			}
			for b := make([]byte, 1); err == nil; {
				_, err = conn.Read(b)
			}
			conn.Close()
		}
		if d.Shut() != c.shut {
			t.Errorf("%s: shut is %v", name, d.Shut())
		}
		if err := d.Tell(io.EOF); errors.Is(err, ErrShut) != c.shut || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v is told", name, err)
		}
	}
	l.Close()
	if err := d.Tell(nil); err != nil {
		t.Errorf("no error is %v", err)
	}
	if _, err := d.Open(t.Context(), address); err == nil || d.Shut() || errors.Is(d.Tell(err), ErrShut) {
		t.Errorf("no listener: %v, shut is %v", err, d.Shut())
	}
}

// TestUnanswered has the kernel end a connection whose bytes nobody acknowledges.
func TestUnanswered(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var dialer net.Dialer
	var tcp *net.TCPConn
	d := Door{Unanswered: 10 * time.Second, Dial: func(ctx context.Context, a string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, "tcp", a)
		tcp, _ = c.(*net.TCPConn)
		return c, err
	}}
	c, err := d.Open(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		if ms, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil || ms != 10_000 {
			t.Errorf("%d ms, %v", ms, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
