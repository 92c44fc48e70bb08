package servers

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/servers/database"
	"seawall/agent/facts/servers/mail"
	"seawall/agent/facts/servers/proxy"
	"seawall/agent/facts/servers/resolver"
	"seawall/agent/facts/servers/share"
	"seawall/agent/facts/servers/snmp"
	"seawall/agent/facts/servers/web"
	"seawall/agent/facts/service"
	"seawall/pkg/dpkg"
	"seawall/pkg/rpmdb"
	"seawall/pkg/text"
)

// Facts is what the servers of a host offer to strangers. A list of answers is empty
// where no server of its kind is in use.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Found are the servers that are installed.
	Found    []Server         `json:"found"`
	Mail     mail.Answers     `json:"mail"`
	Resolver resolver.Answers `json:"resolver"`
	Proxy    proxy.Answers    `json:"proxy"`
	Share    share.Answers    `json:"share"`
	SNMP     snmp.Answers     `json:"snmp"`
	Database database.Answers `json:"database"`
	Web      web.Answers      `json:"web"`
}

// Server is a server that is installed.
type Server struct {
	Name   string `json:"name"`
	Config string `json:"config"` // the file that it starts with
	// InUse: it starts at boot, or runs, or neither can be told. One that is neither
	// answers nobody and is not asked.
	InUse  bool   `json:"in_use"`
	Reason string `json:"reason"`          // how that is known
	Error  string `json:"error,omitempty"` // why its configuration could not be read
}

// maxDepends bounds what one server makes the facts depend on: of a change to what is
// beyond, the next full reading learns.
const maxDepends = 50

// Read reads what servers offer.
func Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}, Found: []Server{}}
	list := all()
	list = slices.DeleteFunc(list, func(k known) bool { return !installed(env, k) })
	var units []string
	for _, k := range list {
		units = append(units, k.units...)
	}
	f.Meta.Depend("/etc/systemd/system/", dpkg.StatusFile) // a server comes with its package
	f.Meta.Depend(rpmdb.Files(env.Root)...)
	states := service.Read(ctx, env, units...)
	for _, k := range list {
		f.server(env, k, states)
	}
	f.Meta.Took = time.Since(start)
	return f
}

func installed(env fact.Env, k known) bool {
	return slices.ContainsFunc(k.programs, env.Root.Exists)
}

// server asks one server, if it is in use.
func (f *Facts) server(env fact.Env, k known, states map[string]service.State) {
	s := Server{Name: k.name, Config: k.configs[0]}
	configured := false
	for _, c := range k.configs {
		if env.Root.Exists(c) {
			s.Config, configured = c, true
			break
		}
	}
	present := false
	s.InUse, present, s.Reason = inUse(env, k.units, states)
	f.Meta.Depend(k.configs...)
	if !present {
		if !configured { // a program of another package, such as dnsmasq of NetworkManager
			return
		}
		s.InUse, s.Reason = true, "it has no unit, so that what starts it is not known"
	}
	if s.InUse {
		watch, err := k.ask(f, env.Root, s.Config)
		if err != nil {
			s.Error = text.Clean(err.Error(), text.Limit)
		}
		f.Meta.Depend(watch[:min(len(watch), maxDepends)]...)
	}
	f.Found = append(f.Found, s)
}

// inUse decides by the units of a server; present says that one of them exists.
func inUse(env fact.Env, units []string, states map[string]service.State) (yes, present bool, reason string) {
	reason = "nothing starts it at boot"
	for _, name := range units {
		s := states[name]
		if !s.Present {
			if link, ok := script(env, name); ok {
				present = true
				if link != "" {
					return true, true, link + " starts it"
				}
			}
			continue
		}
		present = true
		switch {
		case s.Enabled.Yes:
			return true, true, s.Enabled.Reason
		case s.Active.Yes:
			return true, true, name + " is running"
		case !s.Enabled.Known:
			yes, reason = true, s.Enabled.Reason
		case !s.Active.Known && env.Live() && !s.Masked:
			yes, reason = true, "whether it runs is not known: "+s.Active.Reason
		}
	}
	return yes, present, reason
}

// script looks for a script of System V, and the link that starts it.
func script(env fact.Env, unit string) (link string, ok bool) {
	name, ok := strings.CutSuffix(unit, ".service")
	if !ok || !env.Root.Exists(path.Join("/etc/init.d", name)) {
		return "", false
	}
	for _, dir := range []string{"/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d"} {
		names, err := env.Root.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, n := range names {
			if len(n) > 3 && n[0] == 'S' && n[3:] == name {
				return path.Join(dir, n), true
			}
		}
	}
	return "", true
}
