// Package listen opens the collector's sockets, for hosts and for browsers, or takes them
// from systemd, and says how the dashboard is reached.
package listen

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"

	"seawall/collector/authority"
	"seawall/collector/contact"
)

// Sockets opens the two sockets, or takes them from systemd by their names.
func Sockets(ingest, dashboard string) (hosts, browsers net.Listener, err error) {
	given, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, fmt.Errorf("sockets of systemd: %w", err)
	}
	open := func(name, addr string) (net.Listener, error) {
		if l := given[name]; len(l) > 0 && l[0] != nil {
			return l[0], nil
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return l, nil
	}
	if hosts, err = open("ingest", ingest); err != nil {
		return nil, nil, err
	}
	if browsers, err = open("dashboard", dashboard); err != nil {
		hosts.Close()
		return nil, nil, err
	}
	return hosts, browsers, nil
}

// TLS returns the dashboard's TLS configuration, or nil for plain http,
// which is for addresses of this machine alone.
func TLS(mode, cert, key string, ca *authority.Authority, addr net.Addr) (*tls.Config, error) {
	local := addr.Network() == "unix" || contact.Loopback(addr.String())
	if mode == "auto" && local && cert == "" || mode == "off" && local {
		return nil, nil
	}
	if mode == "off" {
		return nil, fmt.Errorf("dashboard-tls: off needs a loopback address, dashboard is %s", addr)
	}
	t := ca.Browsers()
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("dashboard-cert: %w", err)
		}
		t.GetCertificate, t.Certificates = nil, []tls.Certificate{pair}
	}
	return t, nil
}

// URL is how a browser reaches the dashboard; the path of a unix socket as it is.
func URL(addr net.Addr, secure bool) string {
	switch {
	case addr.Network() == "unix":
		return addr.String()
	case secure:
		return "https://" + addr.String() + "/"
	}
	return "http://" + addr.String() + "/"
}
