package containers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"seawall/agent/facts/containers/inspect"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/names"
	"seawall/pkg/text"
)

const (
	maxName = 512 // bytes of a name or a line that is shown
	maxList = 200 // elements of a list: one that is cut says so (Meta.Partial)
)

// Read returns how the container engines of a host are set.
func Read(_ context.Context, env fact.Env) Facts {
	start := time.Now()
	r := &reader{root: env.Root, live: env.Live(), f: &Facts{Files: []File{}}}
	r.read()
	r.f.Meta.Took = time.Since(start)
	return *r.f
}

// reader reads one host once.
type reader struct {
	root  hostfs.Root
	live  bool
	names *names.Names
	f     *Facts
}

func (r *reader) read() {
	f := r.f
	f.Meta.State = fact.StateKnown
	f.Meta.Depend(names.Files()...)
	who, err := names.Read(r.root)
	if err != nil {
		f.Meta.Fail("read accounts", err)
		if f.Meta.State == fact.StateAbsent {
			f.Meta.State = fact.StateUnknown
		}
		return
	}
	r.names = who
	f.Docker.Installed = r.installed("/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd", "/snap/docker/current/bin/dockerd")
	f.Podman.Installed = r.installed("/usr/bin/podman", "/usr/bin/buildah", "/usr/bin/skopeo")
	f.Containerd.Installed = r.installed("/usr/bin/containerd", "/usr/local/bin/containerd", "/usr/sbin/containerd")
	f.Kubelet.Installed = r.installed("/usr/bin/kubelet", "/usr/local/bin/kubelet")
	f.LXD.Installed = r.installed("/snap/bin/lxd", "/usr/bin/lxd", "/usr/sbin/lxd", "/usr/bin/incusd", "/usr/libexec/incus/incusd")
	f.Docker.empty()
	f.Containers.List, f.LXD.Members = []inspect.Container{}, []Member{}
	f.Podman.Insecure, f.Podman.Search = []fact.Text{}, []fact.Text{}
	if !f.Docker.Installed && !f.Podman.Installed && !f.Containerd.Installed && !f.Kubelet.Installed && !f.LXD.Installed {
		f.Meta.State, f.Meta.Reason = fact.StateAbsent, "no container engine is installed"
		return
	}
	if f.Docker.Installed {
		r.docker()
		dir, there := path.Join(f.Docker.DataRoot, "containers"), false
		if f.Containers, there = inspect.Read(r.root, dir); there {
			f.Meta.Depend(clean(dir))
		}
		r.containers()
	}
	if f.Podman.Installed {
		r.podman()
	}
	if f.Containerd.Installed {
		r.containerd()
	}
	if f.Kubelet.Installed {
		r.kubelet()
	}
	if f.LXD.Installed {
		f.LXD.Members = append(r.members("lxd.members", "lxd"), r.members("lxd.members", "incus-admin")...)
	}
	r.files()
}

func (r *reader) installed(programs ...string) bool {
	r.f.Meta.Depend(programs...)
	return slices.ContainsFunc(programs, r.root.Exists)
}

// containers says what is missing of Docker's containers, and of what is known of one.
func (r *reader) containers() {
	for _, c := range r.f.Containers.List {
		if c.Cut {
			r.f.Meta.Leave("containers.list", c.Name+" has more mounts, devices or ports than are looked at")
		}
	}
	if more := r.f.Containers.More; more > 0 {
		r.f.Meta.Leave("containers.list", fmt.Sprintf("there are %d containers more than are looked at", more))
	}
}

// members are the accounts in a group, without root and without the engine's own
// (Debian's _lxd). They are a part of list.
func (r *reader) members(list, group string) []Member {
	all := []Member{}
	g, ok := r.names.GroupNamed(group)
	if !ok {
		return all
	}
	for _, name := range r.names.Members(g.GID) {
		if uid, ok := r.names.UID(name); ok && uid == 0 || name == "_"+group {
			continue
		}
		if len(all) > maxList {
			break
		}
		m := Member{Name: clean(name), Group: clean(group)}
		if slices.Contains(g.Members, name) {
			m.Line = g.Line
		}
		for _, admins := range []string{"sudo", "wheel", "admin"} {
			a, ok := r.names.GroupNamed(admins)
			m.Admin = m.Admin || ok && slices.Contains(r.names.Members(a.GID), name)
		}
		all = append(all, m)
	}
	return bounded(&r.f.Meta, list, "members of "+clean(group), all)
}

// files describes files, directories and sockets of the engines that are there.
func (r *reader) files() {
	for _, l := range []struct {
		kind  string
		names []string
	}{
		{"config", []string{"/etc/docker", "/etc/docker/daemon.json", "/etc/default/docker", "/etc/sysconfig/docker", "/etc/containers",
			"/etc/containers/registries.conf", "/etc/containers/policy.json", "/etc/containers/containers.conf", "/etc/containers/storage.conf",
			"/etc/containerd", "/etc/containerd/config.toml", "/var/lib/kubelet/config.yaml", "/etc/kubernetes", "/etc/kubernetes/manifests"}},
		{"unit", []string{r.f.Docker.FromUnit, "/usr/lib/systemd/system/docker.socket", "/etc/systemd/system/docker.socket",
			"/etc/systemd/system/docker.service.d"}},
		{"secret", []string{"/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/kubernetes/kubelet.conf",
			"/root/.docker/config.json", r.f.Docker.Settings["tlskey"].Value}},
		{"socket", []string{"/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/crio/crio.sock"}},
	} {
		for _, name := range l.names {
			if !strings.HasPrefix(name, "/") || l.kind == "socket" && !r.live {
				continue
			}
			if strings.HasPrefix(name, "/etc/") {
				r.f.Meta.Depend(name)
			}
			if f, ok := r.file(l.kind, name); ok {
				r.f.Files = append(r.f.Files, f)
			}
		}
	}
}

// file describes a file; ok is false where there is none.
func (r *reader) file(kind, name string) (f File, ok bool) {
	f = File{Kind: kind, Path: clean(name), Mode: -1}
	fi, err := r.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && hostfs.Null(fi):
		return f, false
	case err != nil:
		f.Error = clean(err.Error())
		return f, true
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		f.Error = "its owner is not known"
		return f, true
	}
	f.Mode, f.UID, f.GID = int(st.Mode&0o7777), int(st.Uid), int(st.Gid)
	f.Text = clean(fmt.Sprintf("%04o %s", f.Mode, r.names.Label(f.UID, f.GID)))
	f.Group, _ = r.names.Group(f.GID)
	f.Group = clean(f.Group)
	f.Shared = r.names.Shared(f.GID)
	return f, true
}

// bounded cuts a list that is longer than others may be, and says so.
func bounded[T any](m *fact.Meta, list, what string, all []T) []T {
	if len(all) <= maxList {
		return all
	}
	m.Leave(list, "there are more "+what+" than are looked at")
	return all[:maxList]
}

func clean(s string) string { return text.Clean(s, maxName) }
