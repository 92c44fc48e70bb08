package containers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// defaults are dockerd's own values of the settings that checks ask for
// (daemon/config, cmd/dockerd/config.go).
func defaults() map[string]string {
	return map[string]string{
		"icc": "true", "userns-remap": "", "live-restore": "false", "no-new-privileges": "false", "tls": "false", "tlsverify": "false",
		"log-driver": "json-file", "log-level": "info", "storage-driver": "", "iptables": "true", "ip6tables": "true",
		"experimental": "false", "userland-proxy": "true", "seccomp-profile": "", "ip": "0.0.0.0",
		"group": "docker", "data-root": "/var/lib/docker", "tlscacert": "", "tlscert": "", "tlskey": "",
		"max-size": "", // of log-opts
	}
}

// booleans are the settings that are true or false.
const booleans = " icc live-restore no-new-privileges tls tlsverify iptables ip6tables experimental userland-proxy "

func (d *Docker) empty() {
	d.Settings = map[string]Setting{}
	for name, value := range defaults() {
		d.Settings[name] = Setting{Value: value}
	}
	d.Hosts, d.Insecure, d.Members = []Host{}, []fact.Text{}, []Member{}
}

// docker reads dockerd's configuration: the flags of its unit, then the file that
// they name, since a flag and the file may not set the same.
func (r *reader) docker() {
	d := &r.f.Docker
	d.Known, d.Valid = true, true
	flags := r.unitFlags("docker.service", "dockerd")
	d.FromUnit = flags.unit
	file := "/etc/docker/daemon.json"
	if f, ok := flags.last("config-file"); ok && strings.HasPrefix(f.value, "/") {
		file = f.value
	}
	r.f.Meta.Depend("/etc/ufw/ufw.conf", text.Clean(file, maxName))
	if flags.left != "" { // where the containers are kept is among what they say
		r.f.Meta.Leave("docker", flags.left)
		r.f.Meta.Leave("containers", flags.left)
	}
	d.flags(flags)
	r.daemonFile(file)
	r.dockerSocket()
	if r.live {
		r.runningDocker()
	}
	if len(d.Hosts) == 0 {
		d.Hosts = append(d.Hosts, Host{Address: "unix:///var/run/docker.sock"})
	}
	d.Hosts = bounded(&r.f.Meta, "docker.hosts", "addresses of dockerd", d.Hosts)
	d.Insecure = bounded(&r.f.Meta, "docker.insecure", "insecure registries", d.Insecure)
	driver := d.Settings["log-driver"].Value
	d.LogLimit = driver != "json-file" || d.Settings["max-size"].Value != ""
	d.DataRoot = d.Settings["data-root"].Value
	d.Members = r.members("docker.members", d.Settings["group"].Value)
	d.Firewall = r.ufw()
}

// ufw reports whether it is enabled: published ports pass it by.
func (r *reader) ufw() (on bool) {
	b, err := r.root.ReadFile("/etc/ufw/ufw.conf", 0)
	switch {
	case err == nil:
		for line := range strings.Lines(string(b)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "ENABLED="); ok {
				on = strings.EqualFold(strings.Trim(value, `"'`), "yes")
			}
		}
	case !errors.Is(err, fs.ErrNotExist):
		r.f.Meta.Leave("docker.firewall", clean(err.Error()))
	}
	return on
}

// flags takes the settings of the command line.
func (d *Docker) flags(all flagList) {
	for _, f := range all.flags {
		s := Setting{Value: clean(f.value), Set: true, File: f.file, Line: f.line, Raw: f.raw}
		switch f.name {
		case "host", "H":
			d.host(f.value, s)
		case "insecure-registry":
			d.insecure(f.value, s)
		case "log-opt":
			if size, ok := strings.CutPrefix(f.value, "max-size="); ok {
				s.Value = clean(size)
				d.Settings["max-size"] = s
			}
		default:
			name := map[string]string{"s": "storage-driver", "l": "log-level", "G": "group", "g": "data-root", "graph": "data-root"}[f.name]
			if name == "" {
				name = f.name
			}
			if _, ok := d.Settings[name]; !ok {
				continue
			}
			if f.value == "" && strings.Contains(booleans, " "+name+" ") {
				s.Value = "true"
			}
			d.Settings[name] = s
		}
	}
}

// host adds an address that dockerd listens on.
func (d *Docker) host(address string, s Setting) {
	if len(d.Hosts) > maxList {
		return // the list is cut, and that said, when it is whole
	}
	h := Host{Address: clean(address), File: s.File, Line: s.Line, Raw: s.Raw}
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "tcp", address
	}
	h.TCP = scheme != "unix" && scheme != "fd" && scheme != "npipe"
	h.Local = h.TCP && loopback(rest)
	d.Hosts = append(d.Hosts, h)
}

// loopback reports whether an address, with or without a port, is of the host
// itself alone.
func loopback(address string) bool {
	address, _, _ = strings.Cut(address, "/")
	host := address
	if i := strings.LastIndexByte(address, ':'); i >= 0 && !strings.HasSuffix(address, "]") {
		host = address[:i]
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func (d *Docker) insecure(registry string, s Setting) {
	if len(d.Insecure) <= maxList {
		name := clean(redact.Image(registry))
		d.Insecure = append(d.Insecure, fact.Text{Value: name, Set: true, File: s.File, Line: s.Line, Raw: "insecure-registries: " + name})
	}
}

// refuse notes why dockerd would not start.
func (d *Docker) refuse(format string, args ...any) {
	if d.Valid {
		d.Valid, d.Problem = false, text.Clean(fmt.Sprintf(format, args...), text.Limit)
	}
}

// daemonFile reads daemon.json.
func (r *reader) daemonFile(name string) {
	d := &r.f.Docker
	b, err := r.root.ReadFile(name, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		d.Known, d.Reason = false, clean(err.Error())
		return
	}
	keys, err := topLevel(b)
	if err != nil {
		d.refuse("%s: %v", name, err)
		d.Known, d.Reason = false, d.Problem
		return
	}
	for _, k := range keys {
		d.fileKey(name, k)
	}
}

// fileKey takes one setting of daemon.json.
func (d *Docker) fileKey(file string, k jsonKey) {
	s := Setting{Set: true, File: clean(file), Line: k.line, Raw: text.Clean(fmt.Sprintf("%q: %s", k.name, k.value), maxName)}
	switch k.name {
	case "hosts", "insecure-registries":
		d.fileList(file, k, s)
		return
	case "log-opts":
		var options map[string]any
		if json.Unmarshal(k.value, &options) == nil && options["max-size"] != nil {
			s.Value = clean(fmt.Sprint(options["max-size"]))
			d.Settings["max-size"] = s
		}
		return
	}
	old, ok := d.Settings[k.name]
	if !ok {
		return
	}
	if old.Set {
		d.refuse("%s line %d: %s is set there and by a flag in %s line %d", file, k.line, k.name, old.File, old.Line)
		return
	}
	var value any
	if json.Unmarshal(k.value, &value) != nil || value == nil {
		return
	}
	_, isBool := value.(bool)
	_, isText := value.(string)
	if isBool != strings.Contains(booleans, " "+k.name+" ") || !isBool && !isText {
		d.refuse("%s line %d: %s has a value of the wrong kind", file, k.line, k.name)
		return
	}
	s.Value = clean(fmt.Sprint(value))
	d.Settings[k.name] = s
}

// fileList takes one setting that is a list.
func (d *Docker) fileList(file string, k jsonKey, s Setting) {
	var list []string
	if err := json.Unmarshal(k.value, &list); err != nil {
		d.refuse("%s line %d: %s is no list of strings", file, k.line, k.name)
		return
	}
	if k.name == "hosts" && len(d.Hosts) > 0 && len(list) > 0 {
		d.refuse("%s line %d: hosts are set there and by a flag in %s line %d", file, k.line, d.Hosts[0].File, d.Hosts[0].Line)
	}
	for _, one := range list {
		if k.name == "hosts" {
			d.host(one, s)
		} else {
			d.insecure(one, s)
		}
	}
}

// jsonKey is a key of an object, its value as it stands, and its line.
type jsonKey struct {
	name  string
	value json.RawMessage
	line  int
}

// topLevel takes a JSON object apart.
func topLevel(b []byte) ([]jsonKey, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, nil // dockerd takes an empty file for no settings
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("line %d: no JSON object", lineAt(b, dec.InputOffset()))
	}
	var all []jsonKey
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("line %d: %w", lineAt(b, dec.InputOffset()), jsonError(err))
		}
		k := jsonKey{name: name, line: lineAt(b, dec.InputOffset())}
		if err := dec.Decode(&k.value); err != nil {
			return nil, fmt.Errorf("line %d: %w", k.line, jsonError(err))
		}
		all = append(all, k)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("line %d: %w", lineAt(b, dec.InputOffset()), jsonError(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: more after the object", lineAt(b, dec.InputOffset()))
	}
	return all, nil
}

func jsonError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return errors.New("it breaks off, or a key is no string")
	}
	return err
}

func lineAt(b []byte, off int64) int { return 1 + bytes.Count(b[:min(int(off), len(b))], []byte("\n")) }

// dockerSocket looks at docker.socket, from which dockerd gets "fd://".
func (r *reader) dockerSocket() {
	u, err := unitfile.Load(r.root, "docker.socket")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.f.Meta.Leave("docker.hosts", clean(err.Error()))
	}
	if err != nil || u.Masked {
		return
	}
	for _, s := range u.Values("Socket", "ListenStream") {
		if s.Value != "" && s.Value[0] != '/' && s.Value[0] != '@' && s.Value[0] != '%' {
			address := s.Value
			if !strings.Contains(address, ":") {
				address = "[::]:" + address
			}
			r.f.Docker.host("tcp://"+address, Setting{File: clean(s.File), Line: s.Line, Raw: clean("ListenStream=" + s.Value)})
		}
	}
}

// runningDocker adds the addresses of the running dockerd, which may have been
// started with other flags than it would be now.
func (r *reader) runningDocker() {
	d := &r.f.Docker
	pid, err := r.root.ReadFile("/run/docker.pid", 64)
	if err != nil {
		return
	}
	id := strings.TrimSpace(string(pid))
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return
	}
	name := "/proc/" + id + "/cmdline"
	b, err := r.root.ReadFile(name, 0)
	if errors.Is(err, hostfs.ErrTooLarge) {
		r.f.Meta.Leave("docker.hosts", clean(err.Error()))
	}
	if err != nil || !bytes.Contains(b, []byte("dockerd")) {
		return
	}
	d.Running = true
	words := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	seen := map[string]bool{}
	for _, h := range d.Hosts {
		seen[h.Address] = true
	}
	flags, more := parseFlags(words[1:], name, 0)
	if more {
		r.f.Meta.Leave("docker.hosts", "dockerd runs with more flags than are looked at")
	}
	for _, f := range flags {
		if (f.name == "host" || f.name == "H") && !seen[clean(f.value)] {
			d.host(f.value, Setting{File: name, Raw: f.raw})
		}
	}
}
