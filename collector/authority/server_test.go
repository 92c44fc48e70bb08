package authority

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"seawall/pkg/trust"
)

// client returns the configuration of a host that verifies so.
func client(verify func([]*x509.Certificate) error) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // verified in VerifyConnection
		VerifyConnection:   func(s tls.ConnectionState) error { return verify(s.PeerCertificates) },
	}
}

// handshake returns what both sides say of a handshake, and the server's view.
func handshake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	var dialled error
	wg.Go(func() {
		c, err := tls.Dial("tcp", l.Addr().String(), client)
		if err == nil {
			// The client learns here that it was refused, and gets tickets.
			_, err = c.Read(make([]byte, 1))
			err = errors.Join(err, c.Close())
		}
		dialled = err
	})
	raw, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Server(raw, server)
	_, served := conn.Write([]byte{0})
	state := conn.ConnectionState()
	conn.Close()
	wg.Wait()
	return state, errors.Join(served, dialled)
}

func TestHandshake(t *testing.T) {
	c := newClock()
	a := open(t, t.TempDir(), c)
	cert, key := issue(t, a)
	byBundle := func(chain []*x509.Certificate) error { return bundle(a).VerifyCollector(chain, c.Now()) }
	byPin := func(chain []*x509.Certificate) error { return a.Pin().VerifyCollector(chain, c.Now()) }

	config := client(byBundle)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	state, err := handshake(t, a.Hosts(), config)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := a.VerifyHost(state.PeerCertificates, c.Now()); err != nil || id != host {
		t.Errorf("%q, %v", id, err)
	}
	// One that enrols has a pin and no certificate.
	if state, err = handshake(t, a.Hosts(), client(byPin)); err != nil || len(state.PeerCertificates) != 0 {
		t.Errorf("%d certificates, %v", len(state.PeerCertificates), err)
	}
	// Possession of the key is proved.
	_, other := issue(t, a)
	config.Certificates[0].PrivateKey = other
	if _, err := handshake(t, a.Hosts(), config); err == nil {
		t.Error("accepted with another's certificate")
	}
	stranger := open(t, t.TempDir(), c)
	for name, verify := range map[string]func([]*x509.Certificate) error{"bundle": byBundle, "pin": byPin} {
		if _, err := handshake(t, stranger.Hosts(), client(verify)); err == nil {
			t.Errorf("%s: another collector passed", name)
		}
	}
	for name, server := range map[string]*tls.Config{"hosts": a.Hosts(), "browsers": a.Browsers()} {
		old := client(byBundle)
		old.MaxVersion = tls.VersionTLS12
		if _, err := handshake(t, server, old); err == nil {
			t.Errorf("%s: TLS 1.2 accepted", name)
		}
	}
}

// TestBrowser reaches the collector as one that imported the authority does.
func TestBrowser(t *testing.T) {
	a := open(t, t.TempDir(), newClock())
	roots := x509.NewCertPool()
	roots.AddCert(bundle(a).Authorities[0])
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		config := &tls.Config{RootCAs: roots, ServerName: name, Time: a.now}
		if _, err := handshake(t, a.Browsers(), config); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoTickets has a client that resumes sessions wherever it may.
func TestNoTickets(t *testing.T) {
	a := open(t, t.TempDir(), newClock())
	resumes := func(server *tls.Config) bool {
		config := client(func([]*x509.Certificate) error { return nil })
		config.ServerName, config.ClientSessionCache = "x", tls.NewLRUClientSessionCache(1)
		var state tls.ConnectionState
		for range 2 {
			var err error
			if state, err = handshake(t, server, config); err != nil {
				t.Fatal(err)
			}
		}
		return state.DidResume
	}
	if resumes(a.Hosts()) {
		t.Error("a host resumed a session")
	}
	if !resumes(a.Browsers()) {
		t.Error("a browser did not: the test does not see it")
	}
}

// TestRenewal has the same listener for years.
func TestRenewal(t *testing.T) {
	c := newClock()
	a := open(t, t.TempDir(), c)
	server := a.Hosts()
	var seen *x509.Certificate
	config := client(func(chain []*x509.Certificate) error {
		seen = chain[0]
		return bundle(a).VerifyCollector(chain, c.Now())
	})
	serial := func() string {
		t.Helper()
		if _, err := handshake(t, server, config); err != nil {
			t.Fatal(err)
		}
		return seen.SerialNumber.String()
	}
	first := serial()
	if got := seen.NotAfter.Sub(c.Now()); got != 90*day {
		t.Errorf("lives %v", got)
	}
	c.add(30*day - time.Second)
	if serial() != first {
		t.Error("renewed before a third of its life")
	}
	c.add(time.Second)
	second := serial()
	if second == first {
		t.Error("not renewed at a third of its life")
	}
	c.add(900 * day)
	third := serial()
	if third == second {
		t.Error("not renewed after years")
	}
	// The clock was wrong and is set right: what it made then is of the future.
	c.add(-900 * day)
	if serial() == third {
		t.Error("a certificate of the future is sent")
	}
	before := serial()
	rotate(t, a)
	if serial() == before || seen.AuthorityKeyId == nil || trust.PinOf(bundle(a).Authorities[0]) != a.Pin() {
		t.Error("not renewed by the new authority")
	}
}
