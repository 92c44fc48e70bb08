package uplink

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"
)

// mute is a connection that swallows what is written and hears nothing more once
// it is silent, as one through a firewall that forgot it.
type mute struct {
	net.Conn
	silent *atomic.Bool
}

func (m mute) Write(b []byte) (int, error) {
	if m.silent.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

func (m mute) Read(b []byte) (int, error) {
	for {
		n, err := m.Conn.Read(b)
		if err != nil || !m.silent.Load() {
			return n, err
		}
	}
}

// TestHalfOpen loses the network without a word: the uplink notices within 45
// seconds, and comes back when there is a network again.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		l := bufconn.Listen(64 << 10)
		c.serveOn(l)
		var silent atomic.Bool
		k := newLink(t, c)
		k.cfg.Collector = "collector.test:1"
		k.cfg.dial = func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := l.DialContext(ctx)
			return mute{conn, &silent}, err
		}
		k.spool.Close()
		k.cfg.Spool = t.TempDir() // nothing to watch: inotify knows no other time
		u := k.start()
		k.waitState("connection", func(s State) bool { return s.Connected })
		<-time.After(5 * time.Minute)
		if !u.State().Connected {
			t.Fatalf("an idle stream does not last: %+v", u.State())
		}
		silent.Store(true)
		began := time.Now()
		for u.State().Connected {
			<-time.After(time.Second)
		}
		if d := time.Since(began); d > 45*time.Second || d < time.Second {
			t.Errorf("noticed after %v", d)
		} else {
			t.Logf("noticed after %v", d)
		}
		silent.Store(false)
		for !u.State().Connected {
			<-time.After(time.Second)
		}
		k.stop()
		c.stop()
	})
}
