package answer

import (
	"net/netip"
	"strings"
	"testing"

	"seawall/pkg/text"
)

func TestWide(t *testing.T) {
	for s, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": true, "203.0.113.0/16": true, "203.0.113.0/23": true, "203.0.113.0/24": false, "203.0.113.7": false,
		"10.0.0.0/8": false, "10.0.0.0/7": true, "192.168.0.0/16": false, "172.16.0.0/12": false, "172.0.0.0/8": true, "127.0.0.0/8": false,
		"2001:db8::/32": true, "2001:db8::/48": false, "fd00::/8": false, "fe80::/10": false, "::1": false, "100.64.0.0/10": false,
		"::ffff:127.0.0.0/104": false, "::ffff:0.0.0.0/96": true, "::ffff:203.0.113.7": false, "0.0.0.0/1": true,
	} {
		n, ok := Network(s)
		if got := Wide(n); !ok || got != want {
			t.Errorf("%s: %v, %v", s, got, ok)
		}
	}
}

func TestNetwork(t *testing.T) {
	for s, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10/8": "10.0.0.0/8", "192.168.": "192.168.0.0/16", "192.168.1": "192.168.1.0/24", "127.": "127.0.0.0/8",
		"198.51.100.0/255.255.255.0": "198.51.100.0/24", "1.2.3.4": "1.2.3.4/32", "[::1]": "::1/128", "[::1]/128": "::1/128", "[fe80::]/64": "fe80::/64",
		"fe80::1%eth0": "fe80::1/128", "0/0": "0.0.0.0/0", "198.51.100.5/255.255.255.255": "198.51.100.5/32",
		"": "", "any": "", "10": "", "10.0.0.0/33": "", "10.0.0.0/-1": "", "1.2.3.4.5": "", "300.1.": "", "eth0": "", "::/129": "", "/": "", "a.b": "",
	} {
		got := ""
		if n, ok := Network(s); ok {
			got = n.String()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestLoopbackAndHost(t *testing.T) {
	for s, want := range map[string]bool{"127.0.0.1": true, "127.5.0.1": true, "::1": true, "[::1]": true, "localhost": true, "LOCALHOST": true, "lo": true,
		"/run/x.sock": true, "unix:/run/x": true, "0.0.0.0": false, "": false, "*": false, "::": false, "10.0.0.1": false, "::ffff:127.0.0.1": true} {
		if got := Loopback(s); got != want {
			t.Errorf("loopback %q: %v", s, got)
		}
	}
	for s, want := range map[string]string{"1.2.3.4:80": "1.2.3.4", "[::1]:80": "::1", "*:80": "*", "80": "", "::1": "::1", "host": "host", ":80": "",
		"unix:/run/x": "unix:/run/x", "1.2.3.4": "1.2.3.4"} {
		if got := Host(s); got != want {
			t.Errorf("host of %q: %q, want %q", s, got, want)
		}
	}
}

// TestBounded: what comes from files is bounded and clean.
func TestBounded(t *testing.T) {
	a := New("squid", strings.Repeat("x", 5000)+"\xff")
	a.Say(true, "%s", strings.Repeat("y\x00", 5000))
	for i := range 100 {
		a.At("/f", 1+i/2, strings.Repeat("z", 5000))
	}
	a.At("", 1, "no file")
	if len(a.Name) > maxWord+10 || len(a.Reason) > maxWord || len(a.Places) != maxPlaces || len(a.Places[0].Text) > maxWord || text.Clean(a.Name, text.Limit) != a.Name {
		t.Errorf("%d %d %d", len(a.Name), len(a.Reason), len(a.Places))
	}
	if a.Unknown("x %d", 1); a.Known || a.Allowed || a.Reason != "x 1" {
		t.Errorf("%+v", a)
	}
}

// FuzzNetwork: nothing panics, and what is a network is a valid one.
func FuzzNetwork(f *testing.F) {
	for _, s := range []string{"10/8", "[::1]/128", "1.2.3.4/255.0.0.0", "1.", "::ffff:1.2.3.4/104", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := Network(s)
		if ok && (!n.IsValid() || n == (netip.Prefix{})) {
			t.Fatalf("%q: %v", s, n)
		}
		if ok {
			Wide(n)
		}
		Loopback(s)
		Host(s)
	})
}
