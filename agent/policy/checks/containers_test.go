package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/containers"
	"seawall/agent/facts/containers/inspect"
	"seawall/agent/facts/fact"
)

func goodContainers(known fact.Meta) containers.Facts {
	file := "/etc/docker/daemon.json"
	d := containers.Docker{Installed: true, Known: true, Valid: true, LogLimit: true, Settings: map[string]containers.Setting{},
		Hosts:   []containers.Host{{Address: "fd://"}, {Address: "tcp://0.0.0.0:2376", TCP: true, File: file, Line: 4}},
		Members: []containers.Member{{Name: "ann", Admin: true, Group: "docker", Line: 40}}}
	for k, v := range map[string]string{"icc": "false", "userns-remap": "default", "live-restore": "true", "no-new-privileges": "true",
		"tls": "false", "tlsverify": "true", "log-driver": "json-file", "log-level": "info", "storage-driver": "", "iptables": "true",
		"experimental": "false", "userland-proxy": "false", "seccomp-profile": "", "max-size": "10m"} {
		d.Settings[k] = containers.Setting{Value: v, Set: true, File: file, Line: 3, Raw: k}
	}
	return containers.Facts{Meta: known, Docker: d,
		Containers: inspect.Containers{Known: true, List: []inspect.Container{{ID: "0123456789ab", Name: "web", Image: "nginx", Running: true,
			MemoryLimit: 512 << 20, PidsLimit: 200, ReadOnly: true, User: "1000", File: "/var/lib/docker/containers/x/hostconfig.json"}}},
		Podman: containers.Podman{Installed: true, Known: true, Search: []fact.Text{{Value: "docker.io"}, {Value: "quay.io"}},
			ShortName: fact.Text{Value: "enforcing", Set: true, File: "/etc/containers/registries.conf", Line: 1}},
		Containerd: containers.Containerd{Installed: true, Known: true},
		Kubelet: containers.Kubelet{Installed: true, Known: true, Anonymous: fact.Text{Value: "false"}, Authorization: fact.Text{Value: "Webhook"},
			ReadOnlyPort: fact.Text{Value: "0"}},
		LXD: containers.LXD{Installed: true, Members: []containers.Member{{Name: "ann", Admin: true, Group: "lxd"}}},
		Files: []containers.File{{Kind: "config", Path: file, Mode: 0o644, Text: "0644 root:root"},
			{Kind: "unit", Path: "/usr/lib/systemd/system/docker.service", Mode: 0o644, Text: "0644 root:root"},
			{Kind: "secret", Path: "/root/.docker/config.json", Mode: 0o600, Text: "0600 root:root"},
			{Kind: "socket", Path: "/run/docker.sock", Mode: 0o660, GID: 999, Group: "docker", Shared: true, Text: "0660 root:docker"}},
	}
}

func dockerCases() []testCase {
	set := func(key, value string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			s := f.Containers.Docker.Settings[key]
			s.Value = value
			f.Containers.Docker.Settings[key] = s
		}
	}
	unset := func(key, value string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Containers.Docker.Settings[key] = containers.Setting{Value: value} }
	}
	refused := func(f *facts.Facts) {
		f.Containers.Docker.Valid, f.Containers.Docker.Known = false, false
		f.Containers.Docker.Problem, f.Containers.Docker.Reason = "line 3: ?", "line 3: ?"
	}
	absent := func(f *facts.Facts) { f.Containers.Docker.Installed = false }
	local := func(f *facts.Facts) { f.Containers.Docker.Hosts[1].Local = true }
	return []testCase{
		{"containers-docker-config", refused, "fail high: line 3: ?"},
		{"containers-docker-config", absent, "not_applicable"},
		{"containers-docker-config", func(f *facts.Facts) { f.Containers.Docker.Known, f.Containers.Docker.Reason = false, "denied" }, "unknown: denied"},
		{"containers-docker-tcp", set("tlsverify", "false"), "fail critical: tcp://0.0.0.0:2376 without certificates of clients @/etc/docker/daemon.json:4"},
		{"containers-docker-tcp", all(set("tlsverify", "false"), local), "fail high"},
		{"containers-docker-tcp", refused, "unknown: line 3"},
		{"containers-docker-tls-verify", all(set("tls", "true"), set("tlsverify", "false")), "fail critical: tls: true, tlsverify: false"},
		{"containers-docker-tls-verify", set("tlsverify", "false"), "not_applicable: Docker does not use TLS"},
		{"containers-docker-icc", unset("icc", "true"), "fail low: icc: true (default)"},
		{"containers-docker-userns-remap", unset("userns-remap", ""), "fail low: userns-remap: not set (default)"},
		{"containers-docker-live-restore", set("live-restore", "false"), "fail low: live-restore: false @"},
		{"containers-docker-no-new-privileges", set("no-new-privileges", "false"), "fail low"},
		{"containers-docker-userland-proxy", set("userland-proxy", "true"), "fail informational"},
		{"containers-docker-log-level", set("log-level", "debug"), "fail low"},
		{"containers-docker-iptables", set("iptables", "false"), "fail medium"},
		{"containers-docker-experimental", set("experimental", "true"), "fail low"},
		{"containers-docker-storage-driver", set("storage-driver", "aufs"), "fail low"},
		{"containers-docker-seccomp", set("seccomp-profile", "unconfined"), "fail high"},
		{"containers-docker-seccomp", set("seccomp-profile", "/etc/docker/own.json"), "pass"},
		{"containers-docker-log-limits", all(set("max-size", ""), func(f *facts.Facts) { f.Containers.Docker.LogLimit = false }), "fail low: json-file without max-size"},
		{"containers-docker-insecure-registries", func(f *facts.Facts) {
			f.Containers.Docker.Insecure = []fact.Text{{Value: "10.0.0.0/8", File: "/etc/docker/daemon.json", Line: 9}, {Value: "127.0.0.1:5000"}}
		}, "fail medium: 10.0.0.0/8 @/etc/docker/daemon.json:9"},
		{"containers-docker-group", func(f *facts.Facts) { f.Containers.Docker.Members[0].Admin = false }, "fail medium: ann is in the group docker @/etc/group:40"},
		{"containers-docker-group", absent, "not_applicable"},
	}
}

func containerCases() []testCase {
	in := func(change func(*inspect.Container)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Containers.Containers.List[0]) }
	}
	port := func(risky string) func(*facts.Facts) {
		return in(func(c *inspect.Container) {
			c.Published = []inspect.Port{{Host: "0.0.0.0:5432", Container: "5432/tcp", Risky: risky}}
		})
	}
	ufw := func(f *facts.Facts) { f.Containers.Docker.Firewall = true }
	unread := in(func(c *inspect.Container) { c.Error = "hostconfig.json: denied" })
	cases := []testCase{
		{"containers-privileged", in(func(c *inspect.Container) { c.Privileged = true }), "web fail high: privileged @/var/lib/docker"},
		{"containers-socket-mounted", in(func(c *inspect.Container) { c.Socket = "/run/docker.sock" }), "fail high: /run/docker.sock"},
		{"containers-sensitive-mounts", in(func(c *inspect.Container) { c.Mounts = []string{"/etc"} }), "fail high: /etc"},
		{"containers-host-namespaces", in(func(c *inspect.Container) { c.Namespaces = []string{"pid"} }), "fail medium: shares pid"},
		{"containers-host-namespaces", in(func(c *inspect.Container) { c.Namespaces = []string{"network"} }), "pass"},
		{"containers-host-network", in(func(c *inspect.Container) { c.Namespaces = []string{"network"} }), "fail low"},
		{"containers-added-capabilities", in(func(c *inspect.Container) { c.Added = []string{"SYS_ADMIN"} }), "fail high: SYS_ADMIN"},
		{"containers-unconfined", in(func(c *inspect.Container) { c.Unconfined = []string{"seccomp"} }), "fail high: without seccomp"},
		{"containers-devices", in(func(c *inspect.Container) { c.Devices = []string{"/dev/vda"} }), "fail high: /dev/vda"},
		{"containers-published-services", port("PostgreSQL"), "fail high: 0.0.0.0:5432 (PostgreSQL)"},
		{"containers-published-services", all(port("PostgreSQL"), in(func(c *inspect.Container) { c.Running = false })), "fail medium"},
		{"containers-published-services", port(""), "pass"},
		{"containers-published-past-ufw", all(port(""), ufw), "fail informational: 0.0.0.0:5432, which ufw does not see"},
		{"containers-published-past-ufw", port(""), "pass: 0.0.0.0:5432, and ufw is off"},
		{"containers-memory-limits", in(func(c *inspect.Container) { c.MemoryLimit = 0 }), "fail informational: no bound"},
		{"containers-pids-limits", in(func(c *inspect.Container) { c.PidsLimit = -1 }), "fail informational"},
		{"containers-read-only-root", in(func(c *inspect.Container) { c.ReadOnly = false }), "fail informational"},
		{"containers-user", in(func(c *inspect.Container) { c.User = "" }), "fail informational: root"},
		{"containers-user", in(func(c *inspect.Container) { c.User = "0:0" }), "fail informational: 0:0"},
		{"containers-privileged", func(f *facts.Facts) { f.Containers.Containers.More = 3 }, "unknown: 3 more"},
		{"containers-privileged", func(f *facts.Facts) { f.Containers.Containers.List = nil }, "not_applicable: there are no containers"},
		{"containers-privileged", func(f *facts.Facts) { f.Containers.Containers = inspect.Containers{Reason: "denied"} }, "unknown: denied"},
	}
	for _, id := range []string{"privileged", "socket-mounted", "user"} {
		cases = append(cases, testCase{"containers-" + id, unread, "unknown: hostconfig.json: denied"})
	}
	return cases
}

func engineCases() []testCase {
	file := func(i int, change func(*containers.File)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Containers.Files[i]) }
	}
	open := func(f *containers.File) { f.Mode, f.Text = 0o666, "0666 root:root" }
	none := func(f *facts.Facts) { f.Containers.Files = nil }
	kubelet := func(change func(*containers.Kubelet)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Containers.Kubelet) }
	}
	return []testCase{
		{"containers-sockets", file(3, open), "/run/docker.sock fail critical: /run/docker.sock is 0666 root:root"},
		{"containers-sockets", file(3, func(f *containers.File) { f.Group = "users" }), "fail critical"},
		{"containers-sockets", file(3, func(f *containers.File) { f.Error = "denied" }), "unknown: denied"},
		{"containers-sockets", none, "not_applicable"},
		{"containers-config-permissions", file(0, open), "fail high"},
		{"containers-config-permissions", file(0, func(f *containers.File) { f.Mode, f.GID, f.Shared = 0o664, 100, true }), "fail high"},
		{"containers-unit-permissions", file(1, open), "fail high"},
		{"containers-secret-permissions", file(2, open), "fail high"},
		{"containers-secret-permissions", none, "not_applicable"},
		{"containers-lxd-group", func(f *facts.Facts) { f.Containers.LXD.Members[0].Admin = false }, "fail medium: ann is in the group lxd"},
		{"containers-lxd-group", func(f *facts.Facts) { f.Containers.LXD.Installed = false }, "not_applicable"},
		{"containers-podman-insecure-registries", func(f *facts.Facts) {
			f.Containers.Podman.Insecure = []fact.Text{{Value: "registry.lan", File: "/etc/containers/registries.conf", Line: 7}}
		}, "fail medium: registry.lan @/etc/containers/registries.conf:7"},
		{"containers-podman-insecure-registries", func(f *facts.Facts) { f.Containers.Podman = containers.Podman{Installed: true, Reason: "line 3"} }, "unknown: line 3"},
		{"containers-podman-short-names", func(f *facts.Facts) { f.Containers.Podman.ShortName = fact.Text{} }, "fail low: permissive (default), searches docker.io, quay.io"},
		{"containers-podman-short-names", func(f *facts.Facts) { f.Containers.Podman.Search = nil }, "not_applicable"},
		{"containers-containerd-tcp", func(f *facts.Facts) { f.Containers.Containerd.TCP = fact.Text{Value: "0.0.0.0:5000"} }, "fail critical: 0.0.0.0:5000"},
		{"containers-containerd-tcp", func(f *facts.Facts) { f.Containers.Containerd.Known = false }, "unknown"},
		{"containers-kubelet-anonymous", kubelet(func(k *containers.Kubelet) { k.Anonymous.Value = "true" }), "fail critical: true (default)"},
		{"containers-kubelet-authorization", kubelet(func(k *containers.Kubelet) { k.Authorization.Value = "AlwaysAllow" }), "fail critical"},
		{"containers-kubelet-read-only-port", kubelet(func(k *containers.Kubelet) { k.ReadOnlyPort.Value = "10255" }), "fail medium"},
		{"containers-kubelet-read-only-port", kubelet(func(k *containers.Kubelet) { k.Installed = false }), "not_applicable"},
	}
}
