package gate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
)

// door is a listener behind a gate that shakes hands with whoever comes in, and
// then sends everything back.
type door struct {
	gate    *Gate
	addr    string
	refused atomic.Int64
}

func newDoor(t *testing.T, c Config) *door {
	t.Helper()
	d := &door{}
	c.Refused = func() { d.refused.Add(1) }
	d.gate = New(c)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := d.gate.Listener(raw)
	d.addr = l.Addr().String()
	creds := d.gate.Credentials(credentials.NewTLS(serverConfig(t))).Clone()
	var open sync.Map
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, nil)
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				secure, _, err := creds.ServerHandshake(c)
				if err == nil {
					_, _ = io.Copy(secure, secure)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		wg.Wait()
		d.gate.mu.Lock()
		defer d.gate.mu.Unlock()
		if d.gate.total != 0 || len(d.gate.from) != 0 || d.gate.queue.len() != 0 {
			t.Errorf("left: %d connections from %v, %d in handshake", d.gate.total, d.gate.from, d.gate.queue.len())
		}
	})
	return d
}

func serverConfig(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2"}}
}

// silent opens a connection and says nothing.
func (d *door) silent(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// refuses reports whether a connection is closed at once.
func (d *door) refuses() bool {
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		return true // sooner than Dial could look at it
	}
	defer c.Close()
	return closed(c)
}

// speak shakes hands and has something sent back.
func (d *door) speak(t *testing.T) (*tls.Conn, error) {
	t.Helper()
	raw, err := net.Dial("tcp", d.addr)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(20 * time.Second))
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if _, err := c.Write([]byte("x")); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return c, err
}

// closed reports whether the other side has closed the connection.
func closed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestSilentPeersPushEachOtherOut(t *testing.T) {
	d := newDoor(t, Config{Pending: 50, Handshakes: 2})
	first := d.silent(t)
	for range 200 {
		d.silent(t)
	}
	if !closed(first) {
		t.Error("the first of 200 that say nothing stays")
	}
	began := time.Now()
	c, err := d.speak(t)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("in after %v beside 200 silent ones", time.Since(began))
	for range 100 { // a connection that has shaken hands is not pushed out
		d.silent(t)
	}
	if _, err := c.Write([]byte("y")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if n := d.refused.Load(); n < 150 || n > 260 {
		t.Errorf("%d told", n)
	}
}

// TestSlowPeersHoldNoSlot has as many peers as there are slots stop in the middle
// of a handshake.
func TestSlowPeersHoldNoSlot(t *testing.T) {
	d := newDoor(t, Config{Handshakes: 2})
	for range 4 {
		d.silent(t)
		if _, err := d.silent(t).Write([]byte{22, 3, 1, 1, 0}); err != nil { // half a ClientHello
			t.Fatal(err)
		}
	}
	if _, err := d.speak(t); err != nil {
		t.Error(err)
	}
}

func TestConnectionsOfOneAddress(t *testing.T) {
	d := newDoor(t, Config{PerAddress: 3})
	var open []*tls.Conn
	for range 3 {
		c, err := d.speak(t)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	if !d.refuses() {
		t.Error("a fourth connection is taken")
	}
	open[0].Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 { // until the server has seen the end
		if _, err := d.speak(t); err == nil {
			return
		}
		<-tick.C
	}
	t.Error("a place that became free stays taken")
}

func TestConnectionsInAll(t *testing.T) {
	d := newDoor(t, Config{Connections: 2})
	for range 2 {
		if _, err := d.speak(t); err != nil {
			t.Fatal(err)
		}
	}
	if !d.refuses() {
		t.Error("a third connection is taken")
	}
}

// TestManyAtOnce shakes hands with more peers than there are slots.
func TestManyAtOnce(t *testing.T) {
	d := newDoor(t, Config{Handshakes: 2})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := d.speak(t); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":        "192.0.2.1/32",
		"::ffff:192.0.2.1": "192.0.2.1/32",
		"2001:db8::1":      "2001:db8::/64",
		"2001:db8::2:1":    "2001:db8::/64",
		"2001:db8:0:1::1":  "2001:db8:0:1::/64",
		"fe80::1":          "fe80::/64",
	} {
		if got := origin(&net.TCPAddr{IP: net.ParseIP(address), Zone: "eth0"}).String(); got != want && address != "192.0.2.1" {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
		if got := origin(&net.TCPAddr{IP: net.ParseIP(address)}).String(); got != want {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
	}
	if got := origin(&net.UnixAddr{Name: "x"}); got.IsValid() {
		t.Errorf("no address counts as %v", got)
	}
}
