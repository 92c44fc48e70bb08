package trust

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

type chain = []*x509.Certificate

// collector returns a certificate of a collector, changed, by that authority.
func collector(t *testing.T, by *party, changes ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	c := collectorTemplate()
	for _, change := range changes {
		change(c)
	}
	return certify(t, c, newKey(t, elliptic.P256()), by).Certificate
}

// expired reports whether the error is of the certificate's time.
func expired(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

// outcome compares an error with what was wanted: "" for none, else what it says,
// "!" before it when it has to be of the certificate's time.
func outcome(t *testing.T, name string, err error, want string) {
	t.Helper()
	text, ofTime := strings.CutPrefix(want, "!")
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), text)):
		t.Errorf("%s: %v; want %q", name, err, text)
	case err != nil && expired(err) != ofTime:
		t.Errorf("%s: said to be expired: %v; %v", name, expired(err), err)
	}
}

func TestVerifyCollector(t *testing.T) {
	a, b, c := newAuthority(t, "A"), newAuthority(t, "B"), newAuthority(t, "C")
	other := newAuthority(t, "A") // the same name, another key
	bundle := Bundle{1, chain{a.Certificate}}
	name := func(n ...string) func(*x509.Certificate) { return func(c *x509.Certificate) { c.DNSNames = n } }
	uses := func(u ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = u }
	}
	good := collector(t, a)
	ba, cb := vouch(t, b, a), vouch(t, c, b)
	short := authorityTemplate("S")
	short.MaxPathLen, short.MaxPathLenZero = 0, true
	s := certify(t, short, newKey(t, elliptic.P256()), nil)
	signingHost := certify(t, hostTemplate(), newKey(t, elliptic.P256()), a)
	p384 := certify(t, collectorTemplate(), newKey(t, elliptic.P384()), a).Certificate

	for _, tt := range []struct {
		name  string
		chain chain
		want  string
	}{
		{"signed by the authority", chain{good}, ""},
		{"with the authority itself", chain{good, a.Certificate}, ""},
		{"one rotation later", chain{collector(t, b), ba}, ""},
		{"two rotations later", chain{collector(t, c), cb, ba}, ""},
		{"two rotations later, in any order", chain{collector(t, c), ba, cb}, ""},
		{"with authorities that vouch in a circle", chain{collector(t, c), vouch(t, b, c), cb, vouch(t, a, c), ba, vouch(t, a, b)}, ""},
		{"a missing link", chain{collector(t, c), cb}, "unknown authority"},
		{"an unknown authority", chain{collector(t, b), b.Certificate}, "unknown authority"},
		{"an authority of the same name", chain{collector(t, other), other.Certificate}, "unknown authority"},
		{"a circle without end", chain{collector(t, c), vouch(t, b, c), cb}, "unknown authority"},
		{"signed by itself", chain{collector(t, nil)}, "unknown authority"},
		{"another name", chain{collector(t, a, name("collector.example"))}, "not seawall-collector"},
		{"no name", chain{collector(t, a, name())}, "valid for any names"},
		{"a wildcard", chain{collector(t, a, name("*"))}, "not seawall-collector"},
		{"for clients", chain{collector(t, a, uses(x509.ExtKeyUsageClientAuth))}, "incompatible key usage"},
		{"a host's", chain{signingHost.Certificate}, "not valid for any names"},
		{"signed by a host", chain{collector(t, signingHost), signingHost.Certificate}, "unknown authority"},
		{"an authority's", chain{a.Certificate}, "authority's"},
		{"an authority's with the name", chain{certify(t, func() *x509.Certificate {
			c := authorityTemplate("X")
			c.DNSNames = []string{CollectorName}
			return c
		}(), newKey(t, elliptic.P256()), a).Certificate}, "authority's"},
		{"P-384", chain{p384}, "P-256"},
		{"none", nil, "none"},
		{"too long", chain{good, a.Certificate, a.Certificate, a.Certificate, a.Certificate, a.Certificate, a.Certificate}, "7 certificates"},
	} {
		outcome(t, tt.name, bundle.VerifyCollector(tt.chain, noon), tt.want)
	}
	outcome(t, "no authority below", Bundle{1, chain{s.Certificate}}.VerifyCollector(chain{collector(t, s)}, noon), "")
	outcome(t, "an authority below one that may have none", Bundle{1, chain{s.Certificate}}.
		VerifyCollector(chain{collector(t, b), vouch(t, b, s)}, noon), "too many intermediates")
	outcome(t, "nothing believed", Bundle{}.VerifyCollector(chain{good}, noon), "unknown authority")
}

func TestVerifyCollectorTime(t *testing.T) {
	a, b := newAuthority(t, "A"), newAuthority(t, "B")
	old := authorityTemplate("O")
	old.NotAfter = noon.Add(24 * time.Hour)
	o := certify(t, old, newKey(t, elliptic.P256()), nil)
	bundle := Bundle{1, chain{a.Certificate, o.Certificate}}
	good := collector(t, a)
	outlives := collector(t, o)
	for _, tt := range []struct {
		name  string
		chain chain
		now   time.Time
		want  string
	}{
		{"first moment", chain{good}, good.NotBefore, ""},
		{"last moment", chain{good}, good.NotAfter, ""},
		{"expired", chain{good}, good.NotAfter.Add(time.Second),
			"!this machine's clock says 2030-08-30T12:00:01Z, the certificate is valid from 2030-06-01T11:00:00Z to 2030-08-30T12:00:00Z"},
		{"not yet valid", chain{good}, good.NotBefore.Add(-time.Second), "!clock says 2030-06-01T10:59:59Z"},
		{"before there was time", chain{good}, time.Unix(0, 0), "!clock says 1970-01-01T00:00:00Z"},
		{"expired and forged", chain{collector(t, b)}, noon.AddDate(5, 0, 0), "unknown authority"},
		{"expired and of another name", chain{collector(t, a, func(c *x509.Certificate) { c.DNSNames = []string{"x"} })},
			noon.AddDate(5, 0, 0), "not seawall-collector"},
		{"ends before it begins", chain{collector(t, b, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = c.NotAfter, c.NotBefore
		})}, noon, "ends before"},
		{"while its authority lives", chain{outlives}, noon, ""},
		{"after its authority's end", chain{outlives}, noon.Add(48 * time.Hour), "!current time 2030-06-03"},
	} {
		outcome(t, tt.name, bundle.VerifyCollector(tt.chain, tt.now), tt.want)
	}
}

func TestVerifyCollectorByPin(t *testing.T) {
	a, b, evil := newAuthority(t, "A"), newAuthority(t, "B"), newAuthority(t, "A")
	pin := PinOf(a.Certificate)
	good := collector(t, a)
	// Anybody can put the pinned key into a certificate of his own.
	wrapped := certify(t, authorityTemplate("A"), a.key, evil)
	own := collector(t, nil)
	for _, tt := range []struct {
		name  string
		pin   Pin
		chain chain
		want  string
	}{
		{"the authority itself", pin, chain{good, a.Certificate}, ""},
		{"one rotation later", pin, chain{collector(t, b), vouch(t, b, a), a.Certificate}, ""},
		{"the newer of two", PinOf(b.Certificate), chain{collector(t, b), vouch(t, b, a), a.Certificate}, ""},
		{"signed by another", pin, chain{collector(t, evil), a.Certificate}, "unknown authority"},
		{"signed by another of the same name", pin, chain{collector(t, evil), a.Certificate, evil.Certificate}, "unknown authority"},
		{"the key in another's certificate", pin, chain{collector(t, evil), wrapped.Certificate, evil.Certificate}, "unknown authority"},
		{"an older one that did not vouch", pin, chain{collector(t, evil), vouch(t, evil, b), a.Certificate}, "unknown authority"},
		{"not in the chain", pin, chain{good}, "not the pinned one"},
		{"its own key, sent twice", PinOf(own), chain{own, own}, "not the pinned one"},
		{"its own key alone", PinOf(own), chain{own}, "not the pinned one"},
		{"a host's", pin, chain{certify(t, hostTemplate(), newKey(t, elliptic.P256()), a).Certificate, a.Certificate}, "not valid for any names"},
		{"none", pin, nil, "none"},
		{"too long", pin, chain{good, a.Certificate, a.Certificate, a.Certificate, a.Certificate, a.Certificate, a.Certificate}, "7 certificates"},
	} {
		outcome(t, tt.name, tt.pin.VerifyCollector(tt.chain, noon), tt.want)
	}
	if err := pin.VerifyCollector(chain{good}, noon); !errors.Is(err, ErrPin) {
		t.Errorf("%v; want ErrPin", err)
	}
	outcome(t, "expired", pin.VerifyCollector(chain{good, a.Certificate}, noon.AddDate(1, 0, 0)), "!this machine's clock")
}

func hostTemplate() *x509.Certificate {
	return &x509.Certificate{
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(14 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{HostURI(hostID)},
	}
}

func TestVerifyHost(t *testing.T) {
	a, b, evil := newAuthority(t, "A"), newAuthority(t, "B"), newAuthority(t, "A")
	bundle := Bundle{1, chain{a.Certificate}}
	host := func(by *party, changes ...func(*x509.Certificate)) *x509.Certificate {
		c := hostTemplate()
		for _, change := range changes {
			change(c)
		}
		return certify(t, c, newKey(t, elliptic.P256()), by).Certificate
	}
	uris := func(list ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.URIs = nil
			for _, s := range list {
				u, err := url.Parse(s)
				if err != nil {
					t.Fatal(err)
				}
				c.URIs = append(c.URIs, u)
			}
			c.Subject = pkix.Name{CommonName: "seawall:host:" + hostID}
		}
	}
	const name = "seawall:host:" + hostID
	dns := func(c *x509.Certificate) { c.DNSNames = []string{CollectorName} }
	both := func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) }
	good := host(a)
	signing := certify(t, hostTemplate(), newKey(t, elliptic.P256()), a)
	for _, tt := range []struct {
		name  string
		chain chain
		now   time.Time
		want  string
	}{
		{"good", chain{good}, noon, ""},
		{"last moment", chain{good}, good.NotAfter, ""},
		{"expired", chain{good}, good.NotAfter.Add(time.Second), "!clock says 2030-06-15T12:00:01Z"},
		{"not yet valid", chain{good}, good.NotBefore.Add(-time.Second), "!clock says"},
		{"another authority", chain{host(b)}, noon, "unknown authority"},
		{"an authority of the same name", chain{host(evil)}, noon, "unknown authority"},
		{"signed by itself", chain{host(nil)}, noon, "unknown authority"},
		{"expired and forged", chain{host(evil)}, noon.AddDate(1, 0, 0), "unknown authority"},
		// What the authority vouched for may not be trusted any more.
		{"one below, with its authority", chain{host(b), vouch(t, b, a)}, noon, "more than 1"},
		{"signed by a host", chain{host(signing)}, noon, "unknown authority"},
		{"the collector's", chain{collector(t, a)}, noon, "one name"},
		{"the collector's with a host's name", chain{collector(t, a, uris(name), func(c *x509.Certificate) { c.DNSNames = nil })}, noon, "incompatible key usage"},
		{"with the collector's name", chain{host(a, dns, both)}, noon, "one name"},
		{"two names", chain{host(a, uris(name, name))}, noon, "one name"},
		{"no name", chain{host(a, uris())}, noon, "one name"},
		{"another kind", chain{host(a, uris("seawall:user:"+hostID))}, noon, "its name is not"},
		{"a hierarchy", chain{host(a, uris("seawall://host/"+hostID))}, noon, "its name is not"},
		{"short", chain{host(a, uris(name[:len(name)-1]))}, noon, "its name is not"},
		{"long", chain{host(a, uris(name+"0"))}, noon, "its name is not"},
		{"upper case", chain{host(a, uris(strings.ToUpper(name)))}, noon, "its name is not"},
		{"a query", chain{host(a, uris(name+"?x"))}, noon, "its name is not"},
		{"an authority's", chain{a.Certificate}, noon, "authority's"},
		{"P-384", chain{certify(t, hostTemplate(), newKey(t, elliptic.P384()), a).Certificate}, noon, "P-256"},
		{"none", nil, noon, "none"},
	} {
		id, err := VerifyHost(bundle, tt.chain, tt.now)
		outcome(t, tt.name, err, tt.want)
		if want := map[bool]string{true: hostID}[err == nil]; id != want {
			t.Errorf("%s: host %q; want %q", tt.name, id, want)
		}
	}
	// Recovery: long after, the collector asks with the time at which it ended.
	if id, err := VerifyHost(bundle, chain{good}, good.NotAfter); err != nil || id != hostID {
		t.Errorf("%q, %v", id, err)
	}
}
