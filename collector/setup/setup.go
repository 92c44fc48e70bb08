package setup

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"seawall/pkg/unitctl"
	"seawall/pkg/wholefile"
	"seawall/pkg/yamlset"
)

// The units, and the drop-in that says where a socket listens.
const (
	service   = "seawall-collector.service"
	ingest    = "seawall-collector-ingest.socket"
	dashboard = "seawall-collector-dashboard.socket"
	dropIn    = "setup.conf"
)

// Plan says what the collector shall be.
type Plan struct {
	Config    string            // the configuration file
	UnitDir   string            // systemd's folder for what an administrator decides
	Ingest    string            // address for hosts; empty for as it is
	Dashboard string            // address for browsers; empty for as it is
	Settings  []yamlset.Setting // for the configuration file
	Files     map[string]string // to be copied for the collector to read, by their new names
	Units     func(context.Context, unitctl.Plan) error
}

// Run does it, and reports whether anything had to be changed.
func Run(ctx context.Context, p Plan) (changed bool, err error) {
	sockets := map[string]string{ingest: p.Ingest, dashboard: p.Dashboard}
	for _, address := range sockets {
		if _, err := listenStream(address); err != nil {
			return false, err
		}
	}
	other, err := yamlset.Update(p.Config, p.Settings...)
	if err != nil {
		return false, fmt.Errorf("configuration: %w", err)
	}
	files, err := p.copy()
	if err != nil {
		return false, err
	}
	other = other || files
	moved, err := p.listen(sockets)
	if err != nil {
		return false, err
	}
	plan := unitctl.Plan{Enable: []string{ingest, dashboard, service}, Start: []string{ingest, dashboard, service}}
	switch {
	case moved: // a socket moves only while nobody uses it
		plan.Stop = []string{service, ingest, dashboard}
	case other:
		plan.Restart, plan.Start = []string{service}, nil
	}
	if err := p.Units(ctx, plan); err != nil {
		return moved || other, fmt.Errorf("services: %w", err)
	}
	return moved || other, nil
}

// copy copies the files, and reports whether one is another now.
func (p *Plan) copy() (other bool, err error) {
	for name, source := range p.Files {
		one, err := copyFile(name, source, filepath.Dir(p.Config))
		if err != nil {
			return false, err
		}
		other = other || one
	}
	return other, nil
}

// listen gives the sockets their addresses, and reports whether one has another now.
func (p *Plan) listen(sockets map[string]string) (moved bool, err error) {
	for unit, address := range sockets {
		one, err := listen(p.UnitDir, unit, address)
		if err != nil {
			return false, fmt.Errorf("%s: %w", unit, err)
		}
		moved = moved || one
	}
	return moved, nil
}

// copyFile copies a file to where the collector may read it and nobody else: to a new
// file of the owner and group of the folder. It reports whether that is another now.
func copyFile(name, source, folder string) (bool, error) {
	data, err := os.ReadFile(source)
	if err != nil {
		return false, err
	}
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return false, nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return false, err
	}
	return true, wholefile.Write(name, data, 0o640, info)
}

// listen writes the drop-in of a socket and reports whether it is another now.
func listen(dir, unit, address string) (bool, error) {
	if address == "" {
		return false, nil
	}
	stream, err := listenStream(address)
	if err != nil {
		return false, err
	}
	name := filepath.Join(dir, unit+".d", dropIn)
	text := []byte("# Written by seawall-collector setup.\n[Socket]\nListenStream=\nListenStream=" + stream + "\n")
	if !isPort(stream) {
		text = append(text, "FreeBind=yes\n"...) // the address may come later than the socket
	}
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return false, err
	}
	return true, wholefile.Write(name, text, 0o644, nil)
}

// listenStream is an address in systemd's words: a port alone is one of every address.
func listenStream(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("address %q has no port", address)
	}
	if host == "" {
		return port, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", fmt.Errorf("address %q does not begin with an IP address", address)
	}
	return netip.AddrPortFrom(ip, uint16(n)).String(), nil
}

func isPort(stream string) bool {
	_, err := strconv.ParseUint(stream, 10, 16)
	return err == nil
}
