// Package contact is connection.json: how to reach a collector that runs. It stands
// in the collector's state folder, holds no secret, and is written anew at each
// start.
package contact

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seawall/pkg/trust"
	"seawall/pkg/wholefile"
)

// File is the name of the file in the state folder.
const File = "connection.json"

// Contact says how to reach a collector.
type Contact struct {
	Pin       string    `json:"pin"`
	Ingest    string    `json:"ingest"`
	Dashboard string    `json:"dashboard"`
	Version   string    `json:"version"`
	Started   time.Time `json:"started"`
}

// Read reads the file of a state folder.
func Read(folder string) (c Contact, err error) {
	data, err := os.ReadFile(filepath.Join(folder, File))
	if err != nil {
		return c, fmt.Errorf("no collector has run on %s: %w", folder, err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("read %s: %w", File, err)
	}
	return c, nil
}

// Write writes it.
func (c Contact) Write(folder string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = wholefile.Write(filepath.Join(folder, File), append(data, '\n'), 0o644, nil)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", File, err)
	}
	return nil
}

// Outside is the address for hosts, if it is one that others can connect to, or "".
func (c Contact) Outside() string {
	at, err := netip.ParseAddrPort(c.Ingest)
	if err != nil || at.Addr().IsUnspecified() || at.Addr().IsLoopback() {
		return ""
	}
	return c.Ingest
}

// Tunnel is the dashboard's address, if only this machine can connect to it, or "".
func (c Contact) Tunnel() string {
	u, err := url.Parse(c.Dashboard)
	if err != nil || !Loopback(u.Host) {
		return ""
	}
	return u.Host
}

// Loopback reports whether an address can be reached from this machine alone.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Ready asks the dashboard whether the collector works. Its certificate is one of
// the collector's authority, or, where a file is named, the one in it.
func (c Contact) Ready(ctx context.Context, certificate string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.Dashboard, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	// The certificate is the collector's own: its authority is known, its name is not.
	pin, err := trust.ParsePin(c.Pin)
	if err != nil {
		return err
	}
	verify := func(s tls.ConnectionState) error { return pin.VerifyCollector(s.PeerCertificates, time.Now()) }
	if certificate != "" {
		verify = func(s tls.ConnectionState) error { return theOne(s.PeerCertificates, certificate) }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, VerifyConnection: verify,
	}}}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %s", res.Status)
	}
	return nil
}

// theOne wants the certificate that is in a file: whoever issued it.
func theOne(shown []*x509.Certificate, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil || len(shown) == 0 || !bytes.Equal(block.Bytes, shown[0].Raw) {
		return fmt.Errorf("the dashboard shows another certificate than that in %s", file)
	}
	return nil
}
