package sockaddr

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, hex, want string
		ok              bool
	}{
		{"inet", "02000016CB0071070000000000000000", "203.0.113.7:22", true},
		{"inet cut short, as old programs give it", "02000016CB007107", "203.0.113.7:22", true},
		{"inet too short", "02000016CB0071", "family 2", false},
		{"inet6", "0A00005000000000" + "20010DB8000000000000000000000001" + "00000000", "[2001:db8::1]:80", true},
		{"inet6 with an interface", "0A00005000000000" + "FE800000000000000000000000000001" + "03000000", "[fe80::1%3]:80", true},
		{"inet6 of RFC 2133, without one", "0A00005000000000" + "FE800000000000000000000000000001", "[fe80::1]:80", true},
		{"inet6, IPv4 within", "0A00005000000000" + "00000000000000000000FFFFCB007107" + "00000000", "[::ffff:203.0.113.7]:80", true},
		{"inet6 too short", "0A000050000000002001", "family 10", false},
		{"file", "0100" + hex.EncodeToString([]byte("/run/x.sock\x00\x00junk")), "/run/x.sock", true},
		{"file without its NUL", "0100" + hex.EncodeToString([]byte("/run/x.sock")), "/run/x.sock", true},
		{"file with odd bytes", "0100" + hex.EncodeToString([]byte("a\n\xff")), `"a\n\xff"`, true},
		{"abstract", "0100" + hex.EncodeToString([]byte("\x00name")), "@name", true},
		{"abstract, a NUL in it", "0100" + hex.EncodeToString([]byte("\x00a\x00b\x00")), `"@a\x00b\x00"`, true},
		{"no name", "0100", "", true},
		{"netlink", "100000002A00000001000000", "netlink:42", true},
		{"packet", "11000003020000000100000600112233", "packet:2:00112233", true},
		{"packet without an address", "110000030200000001000000", "packet:2", true},
		{"packet with more than there is", "1100000302000000010000FF0011", "packet:2:0011", true},
		{"vsock", "28000000BB0400000200000000000000", "vsock:2:1211", true},
		{"vsock too short", "28000000BB04", "vsock:0:0", false},
		{"unspecified: a connection is given up", "00000000", "family 0", false},
		{"another", "1F00000000", "family 31", false},
		{"one byte", "02", "family 0", false},
		{"nothing", "", "family 0", false},
	} {
		b, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := Parse(b)
		if got := a.String(); ok != tt.ok || got != tt.want {
			t.Errorf("%s: %s, %v; want %s, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestFields(t *testing.T) {
	a, _ := Parse([]byte("\x11\x00\x08\x06\x02\x00\x00\x00\x01\x00\x00\x06\x01\x02\x03\x04\x05\x06\x00\x00"))
	if a.Protocol != 0x0806 || a.Number != 2 || !bytes.Equal(a.Hardware, []byte{1, 2, 3, 4, 5, 6}) {
		t.Errorf("%+v", a)
	}
	a, _ = Parse([]byte("\x10\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00"))
	if a.Port != 1 || a.Number != 2 {
		t.Errorf("%+v", a)
	}
}

// TestKernel asks the kernel for addresses of sockets and reads what it wrote.
func TestKernel(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a socket")
	for _, tt := range []struct {
		family int
		bind   unix.Sockaddr
		want   string
	}{
		{unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, "127.0.0.1:"},
		{unix.AF_UNIX, &unix.SockaddrUnix{Name: name}, name},
		{unix.AF_UNIX, &unix.SockaddrUnix{Name: "@seawall test"}, "@seawall test"},
		{unix.AF_NETLINK, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}, "netlink:"},
	} {
		fd, err := unix.Socket(tt.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, tt.bind); err != nil {
			t.Fatal(err)
		}
		var raw [128]byte
		n := uint32(len(raw))
		if _, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&n))); errno != 0 {
			t.Fatal(errno)
		}
		if err := unix.Close(fd); err != nil {
			t.Fatal(err)
		}
		a, ok := Parse(raw[:n])
		if !ok || !strings.HasPrefix(a.String(), tt.want) {
			t.Errorf("%s, %v; want %s from %x", a, ok, tt.want, raw[:n])
		}
	}
}

// FuzzParse holds that what is read is what is there: package net writes the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x16\xcb\x00\x71\x07"))
	f.Add([]byte("\x0a\x00\x00\x50\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x03\x00\x00\x00"))
	f.Add([]byte("\x01\x00/run/x\x00y"))
	f.Add([]byte("\x01\x00\x00x\x00"))
	f.Add([]byte("\x11\x00\x00\x03\x02\x00\x00\x00\x01\x00\x00\x06\x00\x11\x22"))
	f.Add([]byte("\x10\x00\x00\x00\x2a\x00\x00\x00\x01\x00\x00\x00"))
	f.Add([]byte("\x28\x00\x00\x00\xbb\x04\x00\x00\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := Parse(b)
		text := a.String()
		for _, r := range text {
			if r < ' ' || r == 0x7f {
				t.Errorf("%q has a control character", text)
			}
		}
		if !ok {
			return
		}
		switch a.Family {
		case unix.AF_INET, unix.AF_INET6:
			port, err := netip.ParseAddrPort(text)
			if err != nil || port.Addr() != a.IP || uint32(port.Port()) != a.Port {
				t.Errorf("%s came back as %s, %v", text, port, err)
			}
			size := len(a.IP.AsSlice())
			if want := net.IP(b[4:8]); size == net.IPv4len && !want.Equal(net.IP(a.IP.AsSlice())) {
				t.Errorf("%s is not %s", a.IP, want)
			}
		case unix.AF_UNIX:
			if len(a.Path) > len(b)-2 || !bytes.Contains(b, a.Path) {
				t.Errorf("path %q of %q", a.Path, b)
			}
		default:
			if len(a.Hardware) > len(b) {
				t.Errorf("%d bytes of %d", len(a.Hardware), len(b))
			}
		}
	})
}
