package quantity

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		bad  string
	}{
		{"0", 0, ""}, {" 7", 7, ""}, {"+7", 7, ""}, {"2147483647", math.MaxInt32, ""},
		{"2147483648", 0, "too large"}, {"99999999999999999999", 0, "too large"},
		{"-1", 0, "too small"}, {"-99999999999999999999", 0, "too small"},
		{"", 0, "invalid"}, {"7x", 0, "invalid"}, {"7 ", 0, "invalid"}, {"0x7", 0, "invalid"},
	} {
		if got, bad := Number(c.in, math.MaxInt32); got != c.want || bad != c.bad {
			t.Errorf("Number(%q) = %d, %q; want %d, %q", c.in, got, bad, c.want, c.bad)
		}
	}
}

func TestPort(t *testing.T) {
	for in, want := range map[string]int{"22": 22, "0": 0, "65535": 65535, "ssh": 22, "65536": -1, "-1": -1, "nosuch": -1, "": -1} {
		got, ok := Port(in)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("Port(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "90": 90, "1m30s": 90, "1H": 3600, "1w2d": 777600, "10 ": -1, "": -1, "-1": -1, "1y": -1, "m": -1,
		"2147483647": math.MaxInt32, "2147483648": -1, "999999w": -1, "2147483647s1s": -1,
	} {
		got, ok := Seconds(in)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("Seconds(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]int64{"16": 16, "1K": 1024, "512m": 512 << 20, "1G": 1 << 30, "1.5K": 1536, "1x": -1, "": -1, "1e3": -1, "9E": -1} {
		got, bad := Bytes(in)
		if (bad == "") != (want >= 0) || bad == "" && got != want {
			t.Errorf("Bytes(%q) = %d, %q; want %d", in, got, bad, want)
		}
	}
}

func TestServiceClass(t *testing.T) {
	for name, want := range map[string]int{"af11": 0x28, "AF43": 0x98, "cs0": 0, "cs7": 0xe0, "ef": 0xb8, "lowdelay": 0x10, "af14": -1, "af51": -1, "cs8": -1, "": -1} {
		got, ok := ServiceClass(name)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("ServiceClass(%q) = %#x, %v; want %#x", name, got, ok, want)
		}
	}
	for n, want := range map[int]string{0x28: "af11", 0x10: "lowdelay", 0x11: "0x11", math.MaxInt32: "none"} {
		if got := ClassName(n); got != want {
			t.Errorf("ClassName(%#x) = %q, want %q", n, got, want)
		}
	}
}

func TestHostPort(t *testing.T) {
	for in, want := range map[string][3]string{
		"host": {"host", "", "y"}, "host:22": {"host", "22", "y"}, "[::1]:22": {"::1", "22", "y"}, "[::1]": {"::1", "", "y"},
		"[::1": {"", "", ""}, "[::1]22": {"", "", ""}, "host/22": {"", "", ""}, "": {"", "", "y"},
	} {
		host, port, ok := HostPort(in)
		if ok != (want[2] == "y") || ok && (host != want[0] || port != want[1]) {
			t.Errorf("HostPort(%q) = %q, %q, %v; want %q", in, host, port, ok, want)
		}
	}
}

// TestAddress: the answers are getaddrinfo(3)'s.
func TestAddress(t *testing.T) {
	for s, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::1": "::1", "0x10": "0.0.0.16", "010": "0.0.0.8", "127.1": "127.0.0.1",
		"1.2.772": "1.2.3.4", "1.0x100": "1.0.1.0", "256.1.1.1": "", "4294967296": "", "1.2.3.4.5": "", "1..2": "", "example": "", "": "", "0b1": "", "08": "", "1_0": ""} {
		if got, ok := Address(s); ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %v, %v, want %q", s, got, ok, want)
		}
	}
}

// TestBytesTail: what stands behind the unit.
func TestBytesTail(t *testing.T) {
	for s, want := range map[string]int64{"512M 1h": 512 << 20, "1K.": 1024, "2k": 2048, "16": 16, "1KB": -1, "1K1": -1, "1 K": -1, "K": -1} {
		got, bad := Bytes(s)
		if bad != "" {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, %s, want %d", s, got, bad, want)
		}
	}
}
