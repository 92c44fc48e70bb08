package firewall

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// Facts is what is known of the packet filters.
type Facts struct {
	Meta      fact.Meta       `json:"meta"`
	Loaded    exposure.Filter `json:"loaded"`
	Stale     string          `json:"stale"`    // why Loaded is an earlier look
	AtBoot    []string        `json:"at_boot"`  // of the managers below, those that start at boot and have rules
	Starting  []string        `json:"starting"` // their units that start at boot, rules or not
	BootKnown bool            `json:"boot_known"`
	UFW       UFW             `json:"ufw"`
	Firewalld Firewalld       `json:"firewalld"`
	Nftables  Saved           `json:"nftables"` // nftables.service
	Iptables  Saved           `json:"iptables"` // netfilter-persistent or iptables.service
}

// Service is a manager of packet filters.
type Service struct {
	Installed bool     `json:"installed"`
	Unit      string   `json:"unit"`
	Boot      fact.Tri `json:"boot"` // starts at boot
}

const (
	maxFile = 1 << 20
	maxRaw  = 300 // bytes of a line that is shown, or of a name
)

// Read reads the facts; look looks at what is loaded.
func Read(ctx context.Context, env fact.Env, look *exposure.Reader) Facts {
	start := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}, AtBoot: []string{}, Starting: []string{}, BootKnown: true}
	r := reader{root: env.Root, meta: &f.Meta}
	f.UFW = r.ufw()
	f.Firewalld = r.firewalld()
	f.Nftables = r.nftables()
	f.Iptables = r.iptables()
	f.boot()
	seen, err := look.Look(ctx, env)
	if err != nil {
		f.Loaded = exposure.Blind(text.Clean(err.Error(), maxRaw))
	} else {
		f.Loaded, f.Stale = seen.Filter, seen.Stale
		if f.Loaded.OpenMore {
			r.leave("loaded.open", "the rules let in more ranges of ports")
		}
	}
	f.Meta.Took = time.Since(start)
	return f
}

// boot collects who will load rules at the next boot.
func (f *Facts) boot() {
	for _, m := range []struct {
		name  string
		s     *Service
		rules bool
	}{
		{"ufw", &f.UFW.Service, f.UFW.Enabled.Value == "yes"},
		{"firewalld", &f.Firewalld.Service, true},
		{"nftables", &f.Nftables.Service, f.Nftables.rules()},
		{"iptables", &f.Iptables.Service, f.Iptables.rules()},
	} {
		if m.s.Installed && !m.s.Boot.Known {
			f.BootKnown = false
		}
		// ufw's unit is enabled with the package and does nothing until ENABLED=yes.
		if m.s.Boot.Yes && (m.name != "ufw" || m.rules) {
			f.Starting = append(f.Starting, m.name)
		}
		if m.s.Boot.Yes && m.rules {
			f.AtBoot = append(f.AtBoot, m.name)
		}
	}
}

// reader reads from one host.
type reader struct {
	root hostfs.Root
	meta *fact.Meta
}

// read returns a file's text: "" of one that is not there. Its name is depended on.
func (r *reader) read(name string) (string, error) {
	r.meta.Depend(name)
	data, err := r.root.ReadFile(name, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return string(data), err
}

// leave says that a list is cut, and of what there is more.
func (r *reader) leave(list, more string) {
	r.meta.Leave(list, more+" than are looked at")
}

// service finds out whether a manager is there and starts at boot: one whose program
// is there, or whose unit is.
func (r *reader) service(program string, units ...string) Service {
	s := Service{Unit: units[0], Boot: fact.Tri{Known: true, Reason: "not installed"}}
	s.Installed = program != "" && r.root.Exists(program)
	for _, name := range units {
		for _, dir := range []string{"/etc/systemd/system/", "/etc/systemd/system/multi-user.target.wants/", "/etc/systemd/system/sysinit.target.wants/"} {
			r.meta.Depend(dir + name)
		}
		u, err := unitfile.Load(r.root, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			s.Boot = fact.Tri{Reason: text.Clean(err.Error(), maxRaw)}
			return s
		}
		s.Installed = true
		s.Unit = name
		s.Boot = fact.Tri{Known: true, Yes: u.Start != "" && !u.Masked, Reason: cmp.Or(u.Start, name+" is not enabled")}
		if u.Masked {
			s.Boot.Reason = name + " is masked"
		}
		if s.Boot.Yes {
			return s
		}
	}
	if s.Installed && s.Boot.Reason == "not installed" {
		s.Boot.Reason = units[0] + " is not there"
	}
	return s
}
