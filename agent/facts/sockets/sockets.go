package sockets

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Facts is how the host stands in its network.
type Facts struct {
	Meta       fact.Meta            `json:"meta"`
	Known      bool                 `json:"known"`   // whether the sockets and interfaces are
	Reason     string               `json:"reason"`  // why not
	Limited    string               `json:"limited"` // what of them could not be seen
	Stale      string               `json:"stale"`   // why they are those of an earlier look
	Sockets    []exposure.Socket    `json:"sockets"`
	More       int                  `json:"more"`    // sockets beyond those listed
	Unowned    int                  `json:"unowned"` // sockets whose process could not be found
	Interfaces []exposure.Interface `json:"interfaces"`
	Names      Names                `json:"names"`
}

// Names is by what the host resolves names.
type Names struct {
	Hosts        []Host    `json:"hosts"` // entries of /etc/hosts, in their order
	HostsKnown   bool      `json:"hosts_known"`
	HostsErr     string    `json:"hosts_error"`
	Servers      []Server  `json:"servers"` // nameserver lines of resolv.conf
	ServersKnown bool      `json:"servers_known"`
	ServersErr   string    `json:"servers_error"`
	Order        fact.Text `json:"order"`   // nsswitch.conf's line of hosts
	Sources      []string  `json:"sources"` // its services, in their order
	Ahead        []string  `json:"ahead"`   // those before /etc/hosts, which is "files"
}

// Host is one name in /etc/hosts with its address.
type Host struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Valid    bool   `json:"valid"`    // the address is one
	Loopback bool   `json:"loopback"` // of this host alone
	File     string `json:"file"`
	Line     int    `json:"line"`
	Raw      string `json:"raw"`
}

// Server is a server that the host asks for names.
type Server struct {
	Address string `json:"address"`
	Valid   bool   `json:"valid"`
	Scope   string `json:"scope"` // exposure.Scope…
	File    string `json:"file"`
	Line    int    `json:"line"`
	Raw     string `json:"raw"`
}

const (
	hostsFile  = "/etc/hosts"
	resolvFile = "/etc/resolv.conf"
	switchFile = "/etc/nsswitch.conf"

	maxFile    = 1 << 20
	maxHosts   = 500
	maxServers = 16
	maxRaw     = 300 // bytes of a line that is shown, or of a name: DNS has none of more than 255
)

// Read reads the facts; look looks at the sockets and interfaces.
func Read(ctx context.Context, env fact.Env, look *exposure.Reader) Facts {
	start := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}, Sockets: []exposure.Socket{}, Interfaces: []exposure.Interface{}}
	f.Meta.Depend(hostsFile, resolvFile, switchFile)
	f.Names = readNames(env.Root, &f.Meta)
	seen, err := look.Look(ctx, env)
	if err != nil {
		f.Reason = text.Clean(err.Error(), text.Limit)
	} else {
		f.Known, f.Limited, f.Stale = true, seen.Limited, seen.Stale
		f.Sockets, f.More, f.Unowned, f.Interfaces = seen.Sockets, seen.More, seen.Unowned, seen.Interfaces
		leave(&f.Meta, &seen)
	}
	f.Meta.Took = time.Since(start)
	return f
}

// leave says what the look did not list, or not whose it is.
func leave(m *fact.Meta, seen *exposure.Look) {
	switch {
	case seen.More > 0:
		m.Leave("sockets", "there are "+strconv.Itoa(seen.More)+" sockets more than are looked at")
	case seen.Unowned > 0 && seen.Limited != "":
		m.Leave("sockets", "whose all sockets are is not known: "+text.Clean(seen.Limited, maxRaw))
	}
	if seen.Others {
		m.Leave("interfaces", "there are more interfaces, or addresses of one, than are looked at")
	}
}

func readNames(root hostfs.Root, m *fact.Meta) Names {
	n := Names{Hosts: []Host{}, Servers: []Server{}, Sources: []string{}, Ahead: []string{}}
	hosts, err := root.ReadFile(hostsFile, maxFile)
	n.HostsKnown, n.HostsErr = known(err), reason(err)
	var more bool
	if n.Hosts, more = parseHosts(string(hosts)); more {
		m.Leave("names.hosts", hostsFile+" has more names, or longer lines, than are looked at")
	}
	servers, err := root.ReadFile(resolvFile, maxFile)
	n.ServersKnown, n.ServersErr = known(err), reason(err)
	if n.Servers, more = parseResolv(string(servers)); more {
		m.Leave("names.servers", resolvFile+" has more servers, or longer lines, than are looked at")
	}
	if data, err := root.ReadFile(switchFile, maxFile); err == nil {
		if n.Order, n.Sources, more = parseSwitch(string(data)); more {
			for _, part := range []string{"names.order", "names.sources", "names.ahead"} {
				m.Leave(part, switchFile+" has longer lines than are looked at")
			}
		}
		n.Ahead = n.Sources
		if i := slices.Index(n.Sources, "files"); i >= 0 {
			n.Ahead = n.Sources[:i]
		}
	}
	return n
}

// known reports whether a file was read, or is known to be not there.
func known(err error) bool { return err == nil || errors.Is(err, fs.ErrNotExist) }

func reason(err error) string {
	if err == nil {
		return ""
	}
	return text.Clean(err.Error(), maxRaw)
}

// lines calls each with the words of every line, without comments. long says that it
// left one out.
func lines(data, comments string, each func(number int, raw string, words []string)) (long bool) {
	number := 0
	for line := range strings.Lines(data) {
		number++
		raw := strings.TrimRight(line, "\r\n")
		if i := strings.IndexAny(raw, comments); i >= 0 {
			raw = raw[:i]
		}
		if len(raw) > maxFile/16 {
			long = true // no address has such names
			continue
		}
		if words := strings.Fields(raw); len(words) > 0 {
			each(number, text.Clean(strings.TrimSpace(raw), maxRaw), words)
		}
	}
	return long
}

// parseHosts reads hosts(5); more says that it left something out.
func parseHosts(data string) (list []Host, more bool) {
	list = []Host{}
	long := lines(data, "#", func(number int, raw string, words []string) {
		// glibc takes zones, which no address of a loopback has.
		address, err := netip.ParseAddr(words[0])
		for _, name := range words[1:] {
			if len(list) == maxHosts {
				more = true
				return
			}
			list = append(list, Host{
				Name: text.Clean(strings.ToLower(name), maxRaw), Address: text.Clean(words[0], maxRaw),
				Valid: err == nil, Loopback: err == nil && address.Unmap().IsLoopback(), File: hostsFile, Line: number, Raw: raw,
			})
		}
	})
	return list, more || long
}

// parseResolv reads resolv.conf(5): a comment starts a line there.
func parseResolv(data string) (list []Server, more bool) {
	list = []Server{}
	long := lines(data, "#;", func(number int, raw string, words []string) {
		if words[0] != "nameserver" || len(words) < 2 {
			return
		}
		if len(list) == maxServers {
			more = true
			return
		}
		s := Server{Address: text.Clean(words[1], maxRaw), File: resolvFile, Line: number, Raw: raw}
		if address, err := netip.ParseAddr(words[1]); err == nil {
			s.Valid, s.Scope = true, exposure.ScopeOf(address)
		}
		list = append(list, s)
	})
	return list, more || long
}

// parseSwitch reads the line of hosts in nsswitch.conf(5), the last one that there
// is. What is in brackets are actions, no services.
func parseSwitch(data string) (order fact.Text, sources []string, more bool) {
	sources = []string{}
	long := lines(data, "#", func(number int, raw string, words []string) {
		database, rest, ok := strings.Cut(raw, ":")
		if !ok || strings.TrimSpace(database) != "hosts" {
			return
		}
		order = fact.Text{Value: strings.TrimSpace(rest), Set: true, File: switchFile, Line: number, Raw: raw}
		sources, more = []string{}, len(strings.Join(words, " ")) > maxRaw // raw is cut there
		for {
			before, inside, open := strings.Cut(rest, "[")
			sources = append(sources, strings.Fields(before)...)
			_, after, closed := strings.Cut(inside, "]")
			if !open || !closed {
				return
			}
			rest = after
		}
	})
	return order, sources, more || long
}
