package listen

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"seawall/collector/authority"
)

func TestSockets(t *testing.T) {
	hosts, browsers, err := Sockets("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hosts.Close()
	defer browsers.Close()
	// A place that is taken is named, and nothing stays open.
	if _, _, err := Sockets("127.0.0.1:0", browsers.Addr().String()); err == nil || !strings.Contains(err.Error(), "dashboard: ") {
		t.Errorf("%v", err)
	}
	if _, _, err := Sockets(hosts.Addr().String(), "127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "ingest: ") {
		t.Errorf("%v", err)
	}
}

// TestTLS: plain http is for this machine alone, whatever was asked for.
func TestTLS(t *testing.T) {
	ca, err := authority.Open(t.TempDir(), authority.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443}
	outside := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8443}
	path := &net.UnixAddr{Name: "/run/dashboard.sock", Net: "unix"}
	for _, c := range []struct {
		mode   string
		addr   net.Addr
		secure bool
		url    string
		says   string
	}{
		{"auto", here, false, "http://127.0.0.1:8443/", ""},
		{"auto", outside, true, "https://192.0.2.1:8443/", ""},
		{"auto", path, false, "/run/dashboard.sock", ""},
		{"on", here, true, "https://127.0.0.1:8443/", ""},
		{"off", here, false, "http://127.0.0.1:8443/", ""},
		{"off", outside, false, "", "off needs a loopback address, dashboard is 192.0.2.1:8443"},
	} {
		conf, err := TLS(c.mode, "", "", ca, c.addr)
		switch {
		case c.says != "":
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s at %s: %v", c.mode, c.addr, err)
			}
		case err != nil || (conf != nil) != c.secure || URL(c.addr, c.secure) != c.url:
			t.Errorf("%s at %s: TLS %v, %s, %v", c.mode, c.addr, conf != nil, URL(c.addr, c.secure), err)
		}
	}
	if _, err := TLS("auto", "/nonexistent/cert", "/nonexistent/key", ca, here); err == nil || !strings.Contains(err.Error(), "dashboard-cert: ") {
		t.Errorf("%v", err)
	}
}
