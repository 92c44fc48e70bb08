package firewall

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
	"seawall/pkg/xmlscan"
)

// Firewalld is firewalld's configuration.
type Firewalld struct {
	Service
	DefaultZone fact.Text `json:"default_zone"`
	LogDenied   fact.Text `json:"log_denied"`
	Zones       []Zone    `json:"zones"` // those in use: the default one, and those with interfaces or sources
	Error       string    `json:"error"`
}

// Zone is one zone of firewalld.
type Zone struct {
	Name       string   `json:"name"`
	Target     string   `json:"target"` // default, ACCEPT, DROP, REJECT
	Default    bool     `json:"default"`
	Interfaces []string `json:"interfaces"`
	Sources    []string `json:"sources"`
	Services   []string `json:"services"`
	Ports      []string `json:"ports"`
	Forward    bool     `json:"forward"`
	Masquerade bool     `json:"masquerade"`
	File       string   `json:"file"`
	Error      string   `json:"error"`
}

const (
	firewalldConf = "/etc/firewalld/firewalld.conf"
	ownZones      = "/etc/firewalld/zones"
	stockZones    = "/usr/lib/firewalld/zones"
	maxZones      = 100
	maxInZone     = 200 // of each list of a zone
)

func (r *reader) firewalld() Firewalld {
	f := Firewalld{Zones: []Zone{}, Service: r.service("/usr/sbin/firewalld", "firewalld.service")}
	f.DefaultZone.Value, f.LogDenied.Value = "public", "off"
	if !f.Installed {
		return f
	}
	data, err := r.read(firewalldConf)
	if err != nil {
		f.Error = text.Clean(err.Error(), maxRaw)
	}
	assignments(firewalldConf, data, func(key string, value fact.Text) {
		switch key {
		case "DefaultZone":
			f.DefaultZone = value
		case "LogDenied":
			f.LogDenied = value
		}
	})
	r.meta.Depend(ownZones + "/")
	names, err := r.root.ReadDir(ownZones)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Error = text.Clean(err.Error(), maxRaw)
	}
	var zones []string
	for _, n := range names {
		name, ok := strings.CutSuffix(n, ".xml")
		switch {
		case !ok:
		case len(zones) == maxZones:
			r.leave("firewalld.zones", ownZones+" has more zones")
		default:
			zones = append(zones, name)
		}
	}
	if !slices.Contains(zones, f.DefaultZone.Value) && !strings.Contains(f.DefaultZone.Value, "/") {
		zones = append(zones, f.DefaultZone.Value)
	}
	for _, name := range zones {
		z := r.zone(name)
		z.Default = name == f.DefaultZone.Value
		if z.Default || len(z.Interfaces)+len(z.Sources) > 0 || z.Error != "" {
			f.Zones = append(f.Zones, z)
		}
	}
	return f
}

func (r *reader) zone(name string) Zone {
	file := ownZones + "/" + name + ".xml"
	data, err := r.read(file)
	if err == nil && data == "" {
		file = stockZones + "/" + name + ".xml"
		data, err = r.read(file)
	}
	z := Zone{Target: "default", Interfaces: []string{}, Sources: []string{}, Services: []string{}, Ports: []string{}}
	if err == nil {
		var more bool
		if more, err = z.parse(data); more {
			r.leave("firewalld.zones", text.Clean(file, maxRaw)+" has more interfaces, sources, services or ports")
		}
	}
	z.Name, z.File = text.Clean(name, maxRaw), text.Clean(file, maxRaw)
	if err != nil {
		z.Error = text.Clean(err.Error(), maxRaw)
	}
	return z
}

// parse reads firewalld.zone(5), what is directly below the zone: the inside of a rich
// rule is of that rule alone. more says that it left something out.
func (z *Zone) parse(data string) (more bool, err error) {
	s := xmlscan.New(strings.NewReader(data))
	for {
		start, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return more, nil
		case err != nil:
			return more, err
		case start && s.Depth() <= 2:
			more = z.element(s) || more
		}
	}
}

// element takes one element of a zone. more says that its list is full.
func (z *Zone) element(s *xmlscan.Scanner) (more bool) {
	add := func(list *[]string, v []byte) {
		switch {
		case len(v) == 0:
		case len(*list) == maxInZone:
			more = true
		default:
			*list = append(*list, text.Clean(v, maxRaw))
		}
	}
	switch string(s.Name()) {
	case "zone":
		if v := s.Attr("target"); len(v) > 0 {
			z.Target = strings.Trim(text.Clean(v, maxRaw), "%")
		}
	case "interface":
		add(&z.Interfaces, s.Attr("name"))
	case "source":
		for _, key := range []string{"address", "mac", "ipset"} {
			add(&z.Sources, s.Attr(key))
		}
	case "service":
		add(&z.Services, s.Attr("name"))
	case "port":
		add(&z.Ports, []byte(string(s.Attr("port"))+"/"+string(s.Attr("protocol"))))
	case "forward":
		z.Forward = true
	case "masquerade":
		z.Masquerade = true
	}
	return more
}
