package fault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seawall/agent/identity"
	"seawall/collector/authority"
	"seawall/collector/fleet"
	"seawall/pkg/trust"
	"seawall/scripts/stage"
)

func tlsFaults() []fault {
	return []fault{
		{"F12", "clocks apart", "a host a year behind or ahead; boot clock a year on", "certificate refused with a word on the clock; delivery by sequence", clocks},
		{"F15", "certificate expired", "a host that slept 6 days, then 120 days too long", "comes back by its key and is counted; then refused, spooling", expired},
		{"F16", "wrong collector", "self-signed, other authority, a host's certificate, TLS 1.2", "refused, not one byte of findings sent", wrongCollector},
	}
}

// aged starts a system whose authority was made long ago.
func aged(t *testing.T, age time.Duration) *system {
	t.Helper()
	state := filepath.Join(folder(t), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Open(state, authority.Config{Now: func() time.Time { return time.Now().Add(-age) }}); err != nil {
		t.Fatal(err)
	}
	must(t, "chown", "-R", fmt.Sprint(stage.CollectorUser), state)
	return startSystem(t, ground{state: state})
}

// authorityAt opens the collector's authority beside it, at another time.
func (s *system) authorityAt(t *testing.T, shift time.Duration) *authority.Authority {
	t.Helper()
	copied := t.TempDir()
	must(t, "cp", "-a", filepath.Join(s.state, "ca"), copied)
	a, err := authority.Open(copied, authority.Config{Now: func() time.Time { return time.Now().Add(shift) }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// identity opens the host's identity at another time. No uplink may run.
func (s *system) identity(t *testing.T, shift time.Duration) *identity.Identity {
	t.Helper()
	id, err := identity.Open(s.home, identity.Config{Now: func() time.Time { return time.Now().Add(shift) }})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// reissue makes the host's certificate one that was issued some time ago, on both
// sides.
func (s *system) reissue(t *testing.T, ago time.Duration) {
	t.Helper()
	id := s.identity(t, 0)
	leaf, err := id.TLS().GetClientCertificate(&tls.CertificateRequestInfo{Version: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	key, ok := leaf.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", leaf.PrivateKey)
	}
	chain, expires, err := s.authorityAt(t, -ago).Issue(fleet.HostID(id.Host()), &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Adopt(id.Host(), chain, id.Bundle()); err != nil {
		t.Fatal(err)
	}
	must(t, "chown", "-R", fmt.Sprint(stage.UplinkUser), s.home)
	s.collector.End(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.state, "collector.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE member SET expires = ?", expires.UnixNano()); err != nil {
		t.Fatal(err)
	}
	must(t, "chown", "-R", fmt.Sprint(stage.CollectorUser), s.state)
	s.collector.Start(t)
}

func expired(t *testing.T) string {
	s := aged(t, 200*24*time.Hour)
	l := newLedger()
	s.write(t, l, 0, 20)
	s.arrived(t)
	s.uplink.End(t)
	s.reissue(t, 20*24*time.Hour) // 14 days of life
	s.uplink.Start(t)
	s.write(t, l, 1, 20)
	s.arrived(t)
	hosts := must(t, stage.Built(t, "seawall-collector"), "host", "list", "--json", "--state-dir", s.state)
	if !strings.Contains(hosts, `"recoveries":1`) && !strings.Contains(hosts, `"recoveries": 1`) {
		t.Errorf("the recovery is not counted: %s", hosts)
	}
	s.uplink.End(t)
	s.reissue(t, 134*24*time.Hour)
	s.uplink.Start(t)
	s.write(t, l, 2, 20)
	stage.Await(t, "the refusal", 60*time.Second, func() bool { return s.uplink.Says("too late") })
	s.uplink.Alive(t)
	if n := s.findings(); n != 100 {
		t.Errorf("%d findings stored, want 100", n)
	}
	// A new token is all it takes; it is looked for rarely, and at the start.
	s.uplink.End(t)
	s.invite(t, s.home)
	s.uplink.Start(t)
	stage.Await(t, "the findings under a new identity", 90*time.Second, func() bool { return s.findings() > 100 })
	return fmt.Sprintf("6 days: back and counted; 120 days: refused, alive, spooling; with a new token %d findings", s.findings())
}

func clocks(t *testing.T) string {
	s := startSystem(t, ground{})
	l := newLedger()
	s.write(t, l, 0, 20)
	s.arrived(t)
	s.uplink.End(t)
	var said []string
	for _, shift := range []time.Duration{-365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		conn, err := tls.Dial("tcp", s.relay.address(), s.identity(t, shift).TLS())
		if err == nil {
			conn.Close()
			t.Errorf("with a clock %v off the collector is believed", shift)
			continue
		}
		if !strings.Contains(err.Error(), "clock") {
			t.Errorf("clock %v off: no word of it: %v", shift, err)
		}
		said = append(said, err.Error())
	}
	must(t, "chown", "-R", fmt.Sprint(stage.UplinkUser), s.home)
	// Time since boot is what timers use, and may be anything.
	s.uplink.Argv = append([]string{"unshare", "-T", "--boottime", "31536000", "--monotonic", "31536000", "setpriv",
		fmt.Sprintf("--reuid=%d", stage.UplinkUser), fmt.Sprintf("--regid=%d", stage.SpoolGroup), "--clear-groups"}, s.uplink.Argv...)
	s.uplink.Cred = nil
	s.uplink.Start(t)
	s.write(t, l, 1, 20)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("%d stored; told: %q", stored, said[0])
}

// wrongCollector puts false collectors where the right one was.
func wrongCollector(t *testing.T) string {
	s := startSystem(t, ground{direct: true})
	l := newLedger()
	s.write(t, l, 0, 20)
	s.arrived(t)
	s.uplink.End(t)
	id := s.identity(t, 0)
	client, err := id.TLS().GetClientCertificate(&tls.CertificateRequestInfo{Version: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	must(t, "chown", "-R", fmt.Sprint(stage.UplinkUser), s.home)
	s.collector.End(t)
	address := s.uplink.Argv[indexOf(s.uplink.Argv, "--collector")+1]
	other, err := authority.Open(t.TempDir(), authority.Config{})
	if err != nil {
		t.Fatal(err)
	}
	old := s.authorityAt(t, 0).Hosts()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	servers := []struct {
		name   string
		config *tls.Config
	}{
		{"self-signed", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}},
		{"other authority", other.Hosts()},
		{"a host's certificate", &tls.Config{Certificates: []tls.Certificate{*client}}},
		{"TLS 1.2", old},
	}
	s.uplink.Start(t)
	var seen []string
	for _, server := range servers {
		f := falseServer(t, address, server.config, func(c net.Conn) { io.Copy(io.Discard, c) })
		stage.Await(t, "two tries with "+server.name, 30*time.Second, func() bool { return f.tries.Load() >= 2 })
		f.close()
		if n := f.got.Load(); n > 0 {
			t.Errorf("%s: %d bytes were sent to it", server.name, n)
		}
		seen = append(seen, fmt.Sprintf("%s: %d tries", server.name, f.tries.Load()))
	}
	s.collector.Start(t)
	s.write(t, l, 1, 20)
	s.arrived(t)
	s.exact(t, l)
	return strings.Join(seen, ", ") + "; 0 bytes sent; then delivered to the right one"
}

func indexOf(all []string, one string) int {
	for i, s := range all {
		if s == one {
			return i
		}
	}
	return -1
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "false"}, DNSNames: []string{trust.CollectorName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server is a false collector.
type server struct {
	listener net.Listener
	tries    atomic.Int64 // connections
	got      atomic.Int64 // bytes of application data
	close    func()
}

// falseServer listens with TLS and gives each connection to talk.
func falseServer(t *testing.T, address string, config *tls.Config, talk func(net.Conn)) *server {
	t.Helper()
	var listener net.Listener
	stage.Await(t, "the address", 30*time.Second, func() (ok bool) {
		var err error
		listener, err = net.Listen("tcp", address)
		return err == nil
	})
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	s := &server{listener: listener}
	s.close = func() { listener.Close() }
	t.Cleanup(s.close)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.tries.Add(1)
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(20 * time.Second))
				secure := tls.Server(conn, config)
				if secure.Handshake() != nil {
					return
				}
				talk(&counted{secure, &s.got})
			}()
		}
	}()
	return s
}

// counted counts what is read.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}
