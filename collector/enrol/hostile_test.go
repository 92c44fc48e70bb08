package enrol

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/pkg/token"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// csr signs a request with any key.
func csr(t testing.TB, template *x509.CertificateRequest, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signingRequests are ones that are refused, by what is wrong with them.
func signingRequests(t testing.TB) map[string][]byte {
	t.Helper()
	none := &x509.CertificateRequest{}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := csr(t, none, newKey(t))
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	return map[string][]byte{
		"nothing": nil, "rubbish": []byte("rubbish"), "cut": good[:len(good)-1], "longer": append(bytes.Clone(good), 0),
		"P-384": csr(t, none, p384), "RSA": csr(t, none, long), "Ed25519": csr(t, none, edwards), "forged": forged,
		"large": csr(t, &x509.CertificateRequest{Subject: pkix.Name{CommonName: strings.Repeat("x", 3000)}}, newKey(t)),
	}
}

// TestSigningRequestRefused sends what is no request for a key on P-256.
func TestSigningRequestRefused(t *testing.T) {
	s := open(t, Config{})
	invitation := s.invite(Invitation{})
	for name, der := range signingRequests(t) {
		err := s.machine("x").ask(&seawallv1.EnrolRequest{TokenId: invitation.ID[:], TokenSecret: invitation.Secret[:], SigningRequest: der}, nil)
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.used(invitation); n != 0 {
		t.Errorf("the token was used %d times", n)
	}
}

// TestNamesInRequestAreIgnored asks to be another host, a collector and an authority.
func TestNamesInRequestAreIgnored(t *testing.T) {
	s := open(t, Config{})
	victim := s.mustEnrol("victim")
	m := s.machine("web-1")
	template := &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: trust.CollectorName}, DNSNames: []string{trust.CollectorName},
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}, // a CA
	}
	template.URIs = append(template.URIs, trust.HostURI(string(victim.host)))
	invitation := s.invite(Invitation{})
	err := m.ask(&seawallv1.EnrolRequest{TokenId: invitation.ID[:], TokenSecret: invitation.Secret[:],
		SigningRequest: csr(t, template, m.key), Machine: &seawallv1.Machine{HostName: "victim", DropletId: strings.Repeat("9", 8000)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(m.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if m.host == victim.host || leaf.IsCA || len(leaf.DNSNames) != 0 || len(leaf.URIs) != 1 || leaf.URIs[0].String() != trust.HostURI(string(m.host)).String() {
		t.Errorf("host %s has %v, %v, CA %v", m.host, leaf.DNSNames, leaf.URIs, leaf.IsCA)
	}
	if got := s.member(m.host); len(got.Machine.DropletID) > maxLabel {
		t.Errorf("a label of %d bytes", len(got.Machine.DropletID))
	}
}

// TestStrangersAreHeldOff floods the service without a token: nothing of it reaches
// the store, it is held off soon, and who has a token is not.
func TestStrangersAreHeldOff(t *testing.T) {
	s := open(t, Config{})
	invitation, ended := s.invite(Invitation{Uses: 3}), s.invite(Invitation{})
	s.pass(10 * time.Minute)
	before := s.updates.Load()
	unknown := token.New(s.authority().Pin())
	m := s.machine("x")
	request := &seawallv1.EnrolRequest{TokenId: unknown.ID[:], TokenSecret: unknown.Secret[:], SigningRequest: m.signingRequest()}
	held := 0
	for range 3 * failBurst {
		if err := m.ask(request, nil); status.Code(err) == codes.ResourceExhausted {
			held++
		} else if reason(err) != seawallv1.Reason_REASON_TOKEN_UNKNOWN {
			t.Fatal(err)
		}
	}
	if held != 2*failBurst || s.updates.Load() != before {
		t.Errorf("%d of %d held off, %d transactions", held, 3*failBurst, s.updates.Load()-before)
	}
	if err := s.machine("good").enrol(&invitation, nil); err != nil {
		t.Errorf("with a token, from the same address: %v", err)
	}
	s.pass(time.Hour)
	if err := m.ask(request, nil); reason(err) != seawallv1.Reason_REASON_TOKEN_UNKNOWN {
		t.Errorf("an hour later: %v", err)
	}
	// One that holds a token which has ended is held off as well.
	for range failBurst {
		_ = m.enrol(&ended, nil)
	}
	before = s.updates.Load()
	if err := m.enrol(&ended, nil); status.Code(err) != codes.ResourceExhausted || s.updates.Load() != before {
		t.Errorf("an ended token: %v, %d transactions", err, s.updates.Load()-before)
	}
}

// TestStrangersAskTheDatabaseSeldom floods a collector that shares its database: it looks
// for a token that it does not know, and for one whose secret is wrong, as often as it
// hears strangers, and then no more.
func TestStrangersAskTheDatabaseSeldom(t *testing.T) {
	s := open(t, Config{Shared: true})
	unknown, wrong := token.New(s.authority().Pin()), s.invite(Invitation{})
	wrong.Secret[0] ^= 1
	for name, shown := range map[string]token.Token{"unknown": unknown, "wrong secret": wrong} {
		s.pass(time.Hour)
		m := s.machine("x")
		request := &seawallv1.EnrolRequest{TokenId: shown.ID[:], TokenSecret: shown.Secret[:], SigningRequest: m.signingRequest()}
		before, held := s.updates.Load(), 0
		for range 2 * failBurst {
			if err := m.ask(request, nil); status.Code(err) == codes.ResourceExhausted {
				held++
			} else if reason(err) != seawallv1.Reason_REASON_TOKEN_UNKNOWN {
				t.Fatal(err)
			}
		}
		if looks := s.updates.Load() - before; looks != failBurst || held != failBurst {
			t.Errorf("%s: %d looks, %d held off", name, looks, held)
		}
	}
	// Ids of any length are looked for and found to be none.
	s.pass(time.Hour)
	for _, id := range [][]byte{{}, {1}, make([]byte, 4<<10)} {
		err := s.machine("x").ask(&seawallv1.EnrolRequest{TokenId: id, TokenSecret: []byte{1}}, nil)
		want(t, "an odd id", err, seawallv1.Reason_REASON_TOKEN_UNKNOWN)
	}
}

// TestStrangersDoNotHoldUpMembers spends the budgets of failures, the address's and
// all, and then renews and asks as a copy from the same address.
func TestStrangersDoNotHoldUpMembers(t *testing.T) {
	s := open(t, Config{})
	m, sleeper := s.mustEnrol("web-1"), s.mustEnrol("web-2")
	sleeper.key = newKey(t) // in place of its own: it has a certificate and proves nothing
	s.pass(20 * day)
	for range allFails {
		s.limits.failed(netip.MustParseAddr("127.0.0.1"))
	}
	stranger := s.machine("x")
	if err := stranger.renew(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a stranger: %v", err)
	}
	if err := stranger.enrol(nil, nil); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a stranger enrols: %v", err)
	}
	if err := sleeper.renew(); err == nil || reason(err) != 0 {
		t.Errorf("without the key: %v", err)
	}
	if err := s.machine("copy").enrol(nil, m); !errors.Is(err, errPending) {
		t.Errorf("a copy: %v", err)
	}
	if err := m.renew(); err != nil {
		t.Errorf("a member with an expired certificate: %v", err)
	}
}

// TestLimits holds the budgets by themselves.
func TestLimits(t *testing.T) {
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	l := newLimits(func() time.Time { return at })
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:1")
	for range failBurst {
		l.failed(a)
	}
	if l.stranger(b) == nil {
		t.Error("another address of the same /64 is heard")
	}
	if err := l.stranger(netip.MustParseAddr("2001:db8:0:1::1")); err != nil {
		t.Errorf("another /64: %v", err)
	}
	if err := l.stranger(netip.Addr{}); err != nil {
		t.Errorf("no address: %v", err)
	}
	// Many addresses: they are bounded together, and so is what is kept of them.
	for i := range 2 * maxBuckets {
		l.failed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(l.byAddress) > maxBuckets || l.stranger(netip.MustParseAddr("192.0.2.1")) == nil {
		t.Errorf("%d addresses kept; a new one is heard", len(l.byAddress))
	}
	for range renewals {
		if err := l.renewal("a"); err != nil {
			t.Fatal(err)
		}
	}
	if l.renewal("a") == nil || l.renewal("b") != nil {
		t.Error("renewals are not bounded by host")
	}
}

// FuzzApplication reads any signing request and labels.
func FuzzApplication(f *testing.F) {
	for _, der := range signingRequests(f) {
		f.Add(der, "web-1")
	}
	f.Add(csr(f, &x509.CertificateRequest{}, newKey(f)), "a\x00\xffb")
	f.Fuzz(func(t *testing.T, der []byte, name string) {
		var a application
		err := a.read(&seawallv1.EnrolRequest{SigningRequest: der, Machine: &seawallv1.Machine{HostName: name, MachineId: name}})
		if err != nil {
			return
		}
		if a.key == nil || a.key.Curve != elliptic.P256() || a.hash == (fleet.KeyHash{}) || len(der) > maxRequest {
			t.Errorf("%x is read as %+v", der, a)
		}
		if len(a.machine.HostName) > maxHostName || len(a.machine.MachineID) > maxLabel {
			t.Errorf("labels of %d and %d bytes", len(a.machine.HostName), len(a.machine.MachineID))
		}
	})
}

// TestFuzzSeeds holds that there are seeds besides those that are made.
func TestFuzzSeeds(t *testing.T) {
	files, err := filepath.Glob("testdata/fuzz/FuzzApplication/*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil || !bytes.HasPrefix(data, []byte("go test fuzz v1\n[]byte(")) {
			t.Errorf("%s: %.40q, %v", name, data, err)
		}
	}
}
