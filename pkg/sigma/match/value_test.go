package match

import (
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

func TestParseAddr(t *testing.T) {
	for _, text := range []string{"", "1.2.3.4", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", "::", "::1", "1::", "1::2", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
		"::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1:2:3:4::5:6:7:8", "1::2::3", ":::", ":", "1:", ":1", "12345::", "g::", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
		"1.2.3.4::", "::1.2.3.4:5", "::1.2.3", "FE80::ABCD", "::00001", "1.2:3::"} {
		checkAddr(t, text)
	}
	for text, want := range map[string]string{"fe80::1%eth0": "fe80::1", "fe80::1%": "", "%eth0": "", "1.2.3.4%eth0": "", "::ffff:10.0.0.1": "10.0.0.1", "::" + strings.Repeat("0", 200): ""} {
		got, ok := parseAddr([]byte(text))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, got, ok, want)
		}
	}
}

// checkAddr compares with netip, which knows zones too.
func checkAddr(t *testing.T, text string) {
	t.Helper()
	want, err := netip.ParseAddr(text)
	if got, ok := parseAddr([]byte(text)); ok != (err == nil) || ok && got != want.Unmap() {
		t.Errorf("%q: %v, %v, want %v, %v", text, got, ok, want, err)
	}
}

func FuzzParseAddr(f *testing.F) {
	f.Add("1:2::3:1.2.3.4")
	f.Add("10.0.0.1")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) <= 128 && !strings.Contains(text, "%") {
			checkAddr(t, text)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	f.Add("12", "12.000")
	f.Add("-0.5", "-0.25")
	f.Add("999999999999999999.999999999", "999999999999999999")
	form := regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		x, ok := parseNumber([]byte(a))
		if ok != form.MatchString(a) {
			t.Fatalf("%q: %v", a, ok)
		}
		y, also := parseNumber([]byte(b))
		if !ok || !also {
			return
		}
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		order := p.Cmp(q)
		if x.is("<", y) != (order < 0) || x.is("<=", y) != (order <= 0) || x.is(">", y) != (order > 0) || x.is(">=", y) != (order >= 0) {
			t.Errorf("%s and %s: order %d", a, b, order)
		}
	})
}
