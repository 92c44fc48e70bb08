package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"syscall"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/passwd"
	"seawall/pkg/text"
)

const maxList = 200 // of whatever is listed: a list that is cut says so

// Read reads the facts.
func Read(_ context.Context, env fact.Env) Facts {
	start := time.Now()
	f := Facts{Agents: []Agent{}, Image: Image{Items: []Item{}}, Init: Init{Errors: []string{}, Passwords: []fact.Text{}, Files: []File{}, Logs: []File{}}}
	f.Meta.State = fact.StateKnown
	r := &reader{root: env.Root, live: env.Live(), f: &f}
	r.provider()
	r.cloudInit()
	r.agents()
	r.accounts()
	r.rootPassword()
	r.stated()
	r.image()
	f.Meta.Took = time.Since(start)
	return f
}

type reader struct {
	root    hostfs.Root
	live    bool
	f       *Facts
	users   []passwd.User
	shadows map[string]passwd.Shadow
	reason  string // why the accounts are not known
}

// provider reads whose machine it is.
func (r *reader) provider() {
	const data = "/run/cloud-init/instance-data.json"
	r.f.Meta.Depend(data)
	var d struct {
		V1 struct {
			Cloud    string `json:"cloud_name"`
			Region   string `json:"region"`
			Instance string `json:"instance_id"`
		} `json:"v1"`
	}
	if b, err := r.root.ReadFile(data, 0); err == nil && json.Unmarshal(b, &d) == nil && d.V1.Cloud != "" {
		r.f.Provider, r.f.Source = strings.ToLower(text.Clean(d.V1.Cloud, 64)), data
		r.f.Region, r.f.Instance = text.Clean(d.V1.Region, 64), text.Clean(d.V1.Instance, 64)
		return
	}
	const vendor = "/sys/class/dmi/id/sys_vendor"
	if !r.live {
		return
	}
	b, err := r.root.ReadFile(vendor, 4096)
	if err != nil {
		return
	}
	for name, provider := range map[string]string{"DigitalOcean": "digitalocean", "Amazon EC2": "aws", "Hetzner": "hetzner", "Google": "gce", "Vultr": "vultr"} {
		if strings.TrimSpace(string(b)) == name {
			r.f.Provider, r.f.Source = provider, vendor
		}
	}
	if b, err := r.root.ReadFile("/sys/class/dmi/id/product_serial", 4096); err == nil && r.f.Provider == "digitalocean" {
		r.f.Instance = text.Clean(strings.TrimSpace(string(b)), 64)
	}
}

// agents looks for the provider's programs.
func (r *reader) agents() {
	for _, a := range []Agent{{Name: "do-agent", Path: "/opt/digitalocean/bin/do-agent"}, {Name: "droplet-agent", Path: "/opt/digitalocean/bin/droplet-agent"}} {
		r.f.Meta.Depend(a.Path)
		a.Installed = r.root.Exists(a.Path)
		r.f.Agents = append(r.f.Agents, a)
	}
}

// accounts reads users and the states of their passwords.
func (r *reader) accounts() {
	r.f.Meta.Depend("/etc/passwd", "/etc/shadow")
	b, err := r.root.ReadFile("/etc/passwd", passwd.Limit)
	if err != nil {
		r.reason = text.Clean(err.Error(), text.Limit)
		return
	}
	r.users, _ = passwd.Users(b)
	if b, err = r.root.ReadFile("/etc/shadow", passwd.Limit); err != nil {
		r.reason = text.Clean(err.Error(), text.Limit)
		return
	}
	list, _ := passwd.Shadows(b)
	r.shadows = make(map[string]passwd.Shadow, len(list))
	for _, s := range list {
		if _, twice := r.shadows[s.Name]; !twice {
			r.shadows[s.Name] = s
		}
	}
}

// rootPassword compares the day of root's password with that of the host.
func (r *reader) rootPassword() {
	const made = instance + "/sem/config_set_passwords"
	r.f.Meta.Depend(made)
	out := &r.f.Root
	s, ok := r.shadows["root"]
	if !ok {
		out.Reason = r.reason
		if out.Reason == "" {
			out.Reason = "/etc/shadow has no entry for root"
		}
		return
	}
	out.Known, out.Set, out.Line = true, s.Password.State == passwd.Set, s.Line
	const day = 24 * time.Hour
	if s.Changed >= 0 {
		out.Changed = time.Unix(0, 0).UTC().Add(time.Duration(s.Changed) * day).Format(time.DateOnly)
	}
	fi, err := r.root.Stat(made)
	if err != nil {
		return
	}
	out.Created = fi.ModTime().UTC().Format(time.DateOnly)
	out.First = out.Set && s.Changed >= 0 && out.Changed <= out.Created
}

// file describes a file that is there.
func (r *reader) file(name string) (File, bool) {
	fi, err := r.root.Stat(name)
	if err != nil || !fi.Mode().IsRegular() {
		return File{}, false
	}
	mode, uid, gid := int(fi.Mode().Perm()), 0, 0
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		uid, gid = int(st.Uid), int(st.Gid)
	}
	open := mode&4 != 0
	for dir := path.Dir(name); open && dir != "/"; dir = path.Dir(dir) {
		if d, err := r.root.Stat(dir); err == nil && d.Mode().Perm()&1 == 0 {
			open = false
		}
	}
	return File{Path: text.Clean(name, text.Limit), Mode: mode, Open: open, Text: fmt.Sprintf("%04o, owner %d, group %d", mode, uid, gid)}, true
}
