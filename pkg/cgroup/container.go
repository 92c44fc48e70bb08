package cgroup

import "strings"

// Container returns the id or name of the container whose cgroup, or a part of it, the
// cgroup is, and what runs it: "docker", "podman", "kubernetes", "containerd", "cri-o",
// "lxc" or "systemd-nspawn". Both are "" outside of containers; the monitors that
// runtimes keep beside a container (conmon, lxc.monitor) are outside.
//
//	/system.slice/docker-ID.scope                            docker, podman, … by systemd
//	/docker/ID, /kubepods/burstable/podUID/ID                by the runtime itself
//	/machine.slice/libpod-ID.scope/container                 podman
//	/kubepods.slice/…-podUID.slice/cri-containerd-ID.scope   kubernetes
//	/lxc.payload.NAME/…, /lxc/NAME                           lxc, lxd, incus
//	/machine.slice/systemd-nspawn@NAME.service/payload       systemd-nspawn
//
// A cgroup's name is the word of who made it. That is root, or below user@UID.service
// that user.
func Container(cgroup string) (id, runtime string) {
	parent, pods := "", false
	for part := range strings.SplitSeq(strings.TrimPrefix(cgroup, "/"), "/") {
		part = strings.TrimPrefix(part, "_")
		pods = pods || part == "kubepods" || part == "kubepods.slice"
		if id, runtime = container(part, parent, pods); runtime != "" {
			return id, runtime
		}
		parent = part
	}
	return "", ""
}

// container looks at one part of a cgroup, with the part above it; pods says that it is
// below Kubernetes' own.
func container(part, parent string, pods bool) (id, runtime string) {
	for _, known := range []struct{ prefix, runtime string }{
		{"docker-", "docker"},
		{"libpod-payload-", "podman"},
		{"libpod-", "podman"},
		{"cri-containerd-", "kubernetes"},
		{"crio-", "cri-o"},
		{"nerdctl-", "containerd"},
	} {
		if rest, ok := strings.CutPrefix(part, known.prefix); ok {
			if rest = strings.TrimSuffix(rest, ".scope"); hexadecimal(rest) {
				return rest, known.runtime
			}
		}
	}
	if hexadecimal(part) {
		return bare(part, parent, pods)
	}
	rest, scope := strings.CutSuffix(part, ".scope")
	switch {
	case strings.HasPrefix(part, "lxc.payload."):
		return name(strings.TrimPrefix(part, "lxc.payload."), "lxc")
	case parent == "lxc":
		return name(part, "lxc")
	case scope && strings.HasPrefix(part, "machine-lxc"):
		return name(rest, "lxc")
	case strings.HasPrefix(part, "systemd-nspawn@") && strings.HasSuffix(part, ".service"):
		return name(part[len("systemd-nspawn@"):len(part)-len(".service")], "systemd-nspawn")
	case scope && parent == "machine.slice" && strings.HasPrefix(part, "machine-"):
		if strings.HasPrefix(part, "machine-qemu") {
			return "", "" // a virtual machine's emulator is a process of this host
		}
		return name(strings.TrimPrefix(rest, "machine-"), "systemd-nspawn")
	}
	return "", ""
}

// bare tells whose container it is by where its id stands.
func bare(id, parent string, pods bool) (string, string) {
	switch {
	case pods:
		return id, "kubernetes"
	case parent == "docker":
		return id, "docker"
	case parent == "libpod_parent":
		return id, "podman"
	case parent == "lxc":
		return id, "lxc"
	case parent != "" && parent != "user.slice" && len(id) == longID:
		return id, "containerd" // its cgroups are /NAMESPACE/ID
	}
	return "", ""
}

const longID, shortID = 64, 12

// hexadecimal reports whether s is a container's id.
func hexadecimal(s string) bool {
	if len(s) != longID && len(s) != shortID && len(s) != longID/2 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// name bounds a name that somebody gave.
func name(s, runtime string) (string, string) {
	const longest = 128
	s = strings.ReplaceAll(s, `\x2d`, "-")
	if s == "" || len(s) > longest || !plain(s) {
		return "", ""
	}
	return s, runtime
}
