package cgroup

import (
	"strings"
	"testing"
)

func TestContainer(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, tt := range []struct{ cgroup, id, runtime string }{
		{"/", "", ""},
		{"", "", ""},
		{"/system.slice/ssh.service", "", ""},
		{"/user.slice/user-1000.slice/session-3.scope", "", ""},
		{"/system.slice/docker-" + id + ".scope", id, "docker"},
		{"/system.slice/docker-" + id + ".scope/system.slice/nginx.service", id, "docker"},
		{"/docker/" + id, id, "docker"},
		{"/docker/" + id + "/init.scope", id, "docker"},
		{"/system.slice/docker.service", "", ""},
		{"/system.slice/docker-volume-plugin.scope", "", ""},
		{"/machine.slice/libpod-" + id + ".scope/container", id, "podman"},
		{"/machine.slice/libpod-conmon-" + id + ".scope", "", ""},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", id, "podman"},
		{"/system.slice/web.service/libpod-payload-" + id, id, "podman"},
		{"/libpod_parent/" + id, id, "podman"},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b.slice/cri-containerd-" + id + ".scope", id, "kubernetes"},
		{"/kubepods/besteffort/pod7d3a1c2e-0000-4000-8000-000000000000/" + id, id, "kubernetes"},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" + id + ".scope", id, "cri-o"},
		{"/kubepods.slice/kubepods-pod1.slice/crio-conmon-" + id + ".scope", "", ""},
		{"/default/" + id, id, "containerd"},
		{"/system.slice/nerdctl-" + id + ".scope", id, "containerd"},
		{"/lxc.payload.web1/system.slice/nginx.service", "web1", "lxc"},
		{"/lxc.monitor.web1", "", ""},
		{"/lxc/web1/init.scope", "web1", "lxc"},
		{"/machine.slice/systemd-nspawn@build.service/payload", "build", "systemd-nspawn"},
		{`/machine.slice/machine-debian\x2d12.scope/payload`, "debian-12", "systemd-nspawn"},
		{`/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/emulator`, "", ""},
		{"/lxc.payload." + strings.Repeat("x", 200), "", ""},
		{"/lxc.payload.a b\x1b[31m", "", ""},
		{"/" + strings.Repeat("a/", 5000), "", ""},
	} {
		if id, runtime := Container(tt.cgroup); id != tt.id || runtime != tt.runtime {
			t.Errorf("%.80s: %q of %q, want %q of %q", tt.cgroup, id, runtime, tt.id, tt.runtime)
		}
	}
}
